import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CELLS, type Cell } from "../../src/kernel/config.ts";
import { type Checkpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import type { Model } from "../../src/model/model.ts";
import { modelsOfKind } from "../../src/model/select.ts";
import { addToFolder, fileStore } from "../../src/store/files.ts";
import { type Loaded, loadModels } from "../../src/store/load.ts";
import type { CatalogueEntry } from "../../src/store/store.ts";
import { entryFor } from "../contracts/store.ts";
import { Random, randomTensors } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

let folder: string;
const entries: CatalogueEntry[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  entries.length = 0;
  for (const cell of CELLS) entries.push(await addToFolder(folder, checkpointOf(cell)));
});
afterEach(() => rm(folder, { recursive: true }));

function checkpointOf(cell: Cell, { set = "jsb", preset = "paper", inputs = 5 } = {}): Checkpoint {
  const config = { cell, inputs, units: 3, outputs: inputs };
  const tensors = randomTensors(config, new Random(1));
  return { config, tensors, metadata: { set, preset, framesPerQuarter: "1" } };
}

const load = () => loadModels(fileStore(folder), kernelModule);

const idsOf = (models: readonly { readonly id: string }[]) => models.map(({ id }) => id);

/** Models as id, version and the networks behind it. */
const told = (models: readonly Model[]) =>
  modelsOfKind(models, "music").map(({ id, version, networks }) => [id, version, idsOf(networks)]);

async function damage(file: string): Promise<void> {
  const path = join(folder, file);
  const bytes = await readFile(path);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(path, bytes);
}

test("every model of the catalogue is loaded, with the sha256 of its file as version, and their mixture", async () => {
  const { models, failures } = await load();
  expect(failures).toEqual([]);
  const ids = ["jsb/gru", "jsb/lstm", "jsb/tanh"];
  const versions = ids.map((id) => entries.find((entry) => entry.id === id)?.version);
  const mixed = createHash("sha256").update(versions.join("\n")).digest("hex");
  expect(told(models)).toEqual([...ids.map((id, i) => [id, versions[i], [id]]), ["jsb/mixture", mixed, ids]]);
});

test("models of another preset have ids and a mixture of their own", async () => {
  await addToFolder(folder, checkpointOf("lstm", { preset: "large" }));
  const [gru, lstm, large, tanh, mixture] = ["gru", "lstm", "lstm-large", "tanh", "mixture"].map(
    (name) => `jsb/${name}`,
  );
  expect(idsOf((await load()).models)).toEqual([gru, lstm, large, tanh, mixture]); // one model is no mixture
  await addToFolder(folder, checkpointOf("gru", { preset: "large" }));
  const { models } = await load();
  expect(
    modelsOfKind(models, "music", ["*/*"])
      .slice(-2)
      .map(({ id, networks }) => [id, idsOf(networks)]),
  ).toEqual([
    ["jsb/mixture", [gru, lstm, tanh]],
    ["jsb/mixture-large", ["jsb/gru-large", large]],
  ]);
});

test("a mixture is the same whatever the catalogue's order, and another when a member is", async () => {
  const store = fileStore(folder);
  const reversed = async () => {
    const { catalogue, etag } = await store.catalogue();
    return { catalogue: { models: catalogue.models.reverse() }, etag };
  };
  const mixtureOf = ({ models }: Loaded) => told(models).find(([id]) => id === "jsb/mixture");
  const before = mixtureOf(await load());
  expect(mixtureOf(await loadModels({ ...store, catalogue: reversed }, kernelModule))).toEqual(before);
  const { tensors, ...rest } = checkpointOf("gru");
  await addToFolder(folder, { ...rest, tensors: { ...tensors, a: new Float32Array(5) } });
  expect(mixtureOf(await load())?.[1]).not.toBe(before?.[1]);
});

test("a damaged model is reported with the mixture that lacks it, and the others are served", async () => {
  await damage("jsb/lstm.safetensors");
  const { models, failures } = await load();
  expect(idsOf(models)).toEqual(["jsb/gru", "jsb/tanh"]);
  expect(failures).toMatchObject([
    { id: "jsb/lstm", error: { code: "malformed-checkpoint" } },
    {
      id: "jsb/mixture",
      error: { message: "It averages jsb/gru, jsb/lstm, jsb/tanh, and jsb/lstm is not loaded." },
    },
  ]);
});

test("models that read different frames are served without a mixture", async () => {
  await addToFolder(folder, checkpointOf("gru", { inputs: 6 }));
  const { models, failures } = await load();
  expect(idsOf(models)).toEqual(["jsb/gru", "jsb/lstm", "jsb/tanh"]);
  const message = "Expected networks of one number of pitches in jsb/mixture, got 6 and 5.";
  expect(failures).toMatchObject([{ id: "jsb/mixture", error: { code: "malformed-catalogue", message } }]);
});

test("a model without a frame rate is not served", async () => {
  const { metadata, ...rest } = checkpointOf("gru", { set: "nottingham" });
  await addToFolder(folder, { ...rest, metadata: { ...metadata, framesPerQuarter: "0" } });
  const { failures } = await load();
  const message = "Expected a framesPerQuarter above 0 in nottingham/gru, got 0.";
  expect(failures).toMatchObject([{ id: "nottingham/gru", error: { code: "malformed-checkpoint", message } }]);
});

test("a model under another model's id is not served", async () => {
  const bytes = writeCheckpoint(checkpointOf("gru", { set: "nottingham" }));
  const catalogue = async () => ({ catalogue: { models: [entryFor(bytes)] }, etag: "1" });
  const store = { catalogue, read: async () => bytes };
  const { models, failures } = await loadModels(store, kernelModule);
  expect(models).toEqual([]);
  expect(failures).toMatchObject([
    {
      id: "jsb/gru",
      error: {
        code: "malformed-catalogue",
        message: "Expected jsb/gru of 46 units in jsb/gru.safetensors, got nottingham/gru of 3 units.",
      },
    },
  ]);
});

test("without a catalogue nothing is loaded and the reason is thrown", async () => {
  await rm(join(folder, "catalogue.json"));
  await expect(loadModels(fileStore(folder), kernelModule)).rejects.toMatchObject({ code: "no-models" });
});
