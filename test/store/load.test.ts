import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CELLS, type Cell, type Checkpoint, writeCheckpoint } from "../../src/checkpoint.ts";
import { addToFolder, fileStore } from "../../src/store/files.ts";
import { loadModels } from "../../src/store/load.ts";
import type { CatalogueEntry } from "../../src/store/store.ts";
import { entryFor } from "../contracts/store.ts";
import { kernelModule } from "../kernel/wasm.ts";
import { Random, randomTensors } from "../random.ts";

let folder: string;
const entries: CatalogueEntry[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  entries.length = 0;
  for (const cell of CELLS) entries.push(await addToFolder(folder, checkpointOf(cell)));
});
afterEach(() => rm(folder, { recursive: true }));

function checkpointOf(cell: Cell, set = "jsb"): Checkpoint {
  const config = { cell, inputs: 5, units: 3, outputs: 5 };
  const tensors = randomTensors(config, new Random(1));
  return { config, tensors, metadata: { set, preset: "paper", framesPerQuarter: "1" } };
}

test("every model of the catalogue is loaded, with the sha256 of its file as version", async () => {
  const { models, failures } = await loadModels(fileStore(folder), kernelModule);
  expect(failures).toEqual([]);
  expect(models.map(({ id, version, checkpoint }) => [id, version, checkpoint.config.cell])).toEqual(
    (["gru", "lstm", "tanh"] as const).map((cell) => [
      `jsb/${cell}`,
      entries.find((entry) => entry.cell === cell)?.version,
      cell,
    ]),
  );
});

test("a damaged model is reported and the others are served", async () => {
  const path = join(folder, "jsb/lstm.safetensors");
  const bytes = await readFile(path);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(path, bytes);
  const { models, failures } = await loadModels(fileStore(folder), kernelModule);
  expect(models.map(({ id }) => id)).toEqual(["jsb/gru", "jsb/tanh"]);
  expect(failures).toMatchObject([{ id: "jsb/lstm", error: { code: "malformed-checkpoint" } }]);
});

test("a model under another model's id is not served", async () => {
  const bytes = writeCheckpoint(checkpointOf("gru", "nottingham"));
  const store = { catalogue: async () => ({ models: [entryFor(bytes)] }), read: async () => bytes };
  const { models, failures } = await loadModels(store, kernelModule);
  expect(models).toEqual([]);
  expect(failures).toMatchObject([
    {
      id: "jsb/gru",
      error: { code: "malformed-catalogue", message: "jsb/gru.safetensors holds nottingham/gru; wanted jsb/gru." },
    },
  ]);
});

test("without a catalogue nothing is loaded and the reason is thrown", async () => {
  await rm(join(folder, "catalogue.json"));
  await expect(loadModels(fileStore(folder), kernelModule)).rejects.toMatchObject({ code: "no-models" });
});
