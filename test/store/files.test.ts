import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cell } from "../../src/kernel/config.ts";
import { type Checkpoint, readCheckpoint } from "../../src/model/checkpoint.ts";
import { writeFileAtomically } from "../../src/store/atomic.ts";
import { addToFolder, fileStore, folderBucket } from "../../src/store/files.ts";
import { bucketContract } from "../contracts/bucket.ts";
import { storeContract } from "../contracts/store.ts";
import { underFileLimit } from "../support/file-limit.ts";
import { Random, randomTensors } from "../support/random.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a folder as a store", () => {
  storeContract(async (files) => {
    for (const [key, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, key)), { recursive: true });
      await writeFile(join(folder, key), content);
    }
    return fileStore(folder);
  });
});

describe("a folder as a bucket", () => {
  bucketContract(async () => folderBucket(await mkdtemp(join(folder, "bucket-"))));
});

const metadata = {
  set: "jsb",
  preset: "paper",
  validMicro: "8.5",
  validMacro: "8.25",
  testMicro: "9",
  testMacro: "8.75",
};

function checkpointOf(cell: Cell, seed = 1): Checkpoint {
  const config = { cell, inputs: 5, units: 3, outputs: 5 };
  return { config, tensors: randomTensors(config, new Random(seed)), metadata };
}

describe("adding to a folder", () => {
  test("makes a folder from which the same checkpoint is read again", async () => {
    const checkpoint = checkpointOf("lstm");
    const entry = await addToFolder(join(folder, "new"), checkpoint);
    const store = fileStore(join(folder, "new"));
    expect((await store.catalogue()).catalogue).toEqual({ models: [entry] });
    expect(readCheckpoint(await store.read(entry)).tensors).toEqual(checkpoint.tensors);
    expect(entry).toMatchObject({
      id: "jsb/lstm",
      key: "jsb/lstm.safetensors",
      units: 3,
      preset: "paper",
      metrics: { valid: { micro: 8.5, macro: 8.25 }, test: { micro: 9, macro: 8.75 } },
    });
  });

  test("replaces a model of the same id and keeps the others", async () => {
    await addToFolder(folder, checkpointOf("gru", 1));
    const tanh = await addToFolder(folder, checkpointOf("tanh"));
    const gru = await addToFolder(folder, checkpointOf("gru", 2));
    expect((await fileStore(folder).catalogue()).catalogue).toEqual({ models: [gru, tanh] });
  });

  test("keeps a model of another preset beside the paper's, under an id of its own", async () => {
    const paper = await addToFolder(folder, checkpointOf("lstm"));
    const checkpoint = checkpointOf("lstm", 2);
    const large = await addToFolder(folder, { ...checkpoint, metadata: { ...metadata, preset: "large" } });
    expect(large).toMatchObject({ id: "jsb/lstm-large", key: "jsb/lstm-large.safetensors", preset: "large" });
    expect((await fileStore(folder).catalogue()).catalogue).toEqual({ models: [paper, large] });
    expect(readCheckpoint(await fileStore(folder).read(large)).tensors).toEqual(checkpoint.tensors);
  });

  test("gives the same catalogue whatever the order of adding", async () => {
    const catalogueAfter = async (name: string, cells: Cell[]) => {
      for (const cell of cells) await addToFolder(join(folder, name), checkpointOf(cell));
      return readFile(join(folder, name, "catalogue.json"), "utf8");
    };
    const catalogue = await catalogueAfter("one", ["tanh", "gru", "lstm"]);
    expect(await catalogueAfter("two", ["lstm", "tanh", "gru", "tanh"])).toBe(catalogue);
    expect(catalogue.endsWith("}\n")).toBe(true);
  });

  test("leaves a measurement out that was not made", async () => {
    const checkpoint = { ...checkpointOf("gru"), metadata: { set: "jsb", preset: "paper", validMicro: "8.5" } };
    expect((await addToFolder(folder, checkpoint)).metrics).toEqual({});
  });

  test.each(["unknown", "NaN", "Infinity", ""])("leaves out a measurement of %j", async (testMicro) => {
    const checkpoint = { ...checkpointOf("gru"), metadata: { ...metadata, testMicro } };
    expect((await addToFolder(folder, checkpoint)).metrics).toEqual({ valid: { micro: 8.5, macro: 8.25 } });
  });

  test("changes nothing when it cannot add", async () => {
    await addToFolder(folder, checkpointOf("gru"));
    const before = await readdir(folder, { recursive: true });
    const { tensors, ...rest } = checkpointOf("tanh");
    const diverged = { ...rest, tensors: { ...tensors, b: new Float32Array([0, Number.NaN, 0]) } };
    await expect(addToFolder(folder, diverged)).rejects.toMatchObject({ code: "malformed-checkpoint" });
    for (const wrong of [{ set: "../jsb" }, { set: "" }, { preset: "" }, { preset: "a/b" }]) {
      const checkpoint = { ...checkpointOf("tanh"), metadata: { ...metadata, ...wrong } };
      await expect(addToFolder(folder, checkpoint)).rejects.toMatchObject({ code: "malformed-catalogue" });
    }
    expect(await readdir(folder, { recursive: true })).toEqual(before);
    await writeFile(join(folder, "catalogue.json"), "{");
    await expect(addToFolder(folder, checkpointOf("tanh"))).rejects.toMatchObject({ code: "malformed-catalogue" });
    expect(await readFile(join(folder, "catalogue.json"), "utf8")).toBe("{");
  });
});

describe("several processes at once", () => {
  /** Adds models of presets a0, a1, … from processes a, b and c. */
  async function addFrom(processes: readonly string[], count: number): Promise<void> {
    const script = `
      import { addToFolder } from "./src/store/files.ts";
      import { randomCheckpoint } from "./test/support/models.ts";
      const [folder, name, count] = process.argv.slice(1);
      for (let i = 0; i < Number(count); i++) {
        await addToFolder(folder, randomCheckpoint({ set: "jsb", cell: "gru", preset: name + i, seed: i }));
      }`;
    const children = processes.map((name) =>
      spawn(process.execPath, ["--input-type=module-typescript", "--eval", script, folder, name, String(count)], {
        cwd: new URL("../..", import.meta.url),
        stdio: ["ignore", "ignore", "inherit"],
      }),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
    expect(codes).toEqual(children.map(() => 0));
  }

  test("add their models to one folder, and none is lost", async () => {
    const processes = ["a", "b", "c"];
    const presets = processes.flatMap((name) => Array.from({ length: 10 }, (_, i) => `${name}${i}`));
    await addFrom(processes, 10);
    const { models } = (await fileStore(folder).catalogue()).catalogue;
    expect(models.map(({ preset }) => preset).sort()).toEqual(presets.sort());
    for (const entry of models) await fileStore(folder).read(entry); // of the sha256 in the catalogue
    expect((await readdir(folder)).sort()).toEqual(["catalogue.json", "jsb"]);
  });

  test("add models of one id, and the catalogue is that of the file which stays", async () => {
    await Promise.all(Array.from({ length: 12 }, (_, seed) => addToFolder(folder, checkpointOf("gru", seed))));
    const { models } = (await fileStore(folder).catalogue()).catalogue;
    expect(models).toHaveLength(1);
    await fileStore(folder).read(models[0]);
  });
});

test.each([
  ["the checkpoint", 0, 200],
  ["the catalogue", 30, 4],
])("a folder is as it was when there is no room for %s", async (_, others, units) => {
  const add = `
    import { addToFolder } from "./src/store/files.ts";
    import { randomCheckpoint } from "./test/support/models.ts";
    await addToFolder(process.argv[1], randomCheckpoint({ set: "jsb", cell: "tanh", units: ${units} }));`;
  for (let i = 0; i <= others; i++)
    await addToFolder(folder, { ...checkpointOf("gru"), metadata: { ...metadata, preset: `p${i}` } });
  const files = () => readdir(folder, { recursive: true });
  const [before, catalogue] = [await files(), await readFile(join(folder, "catalogue.json"))];
  const args = ["--input-type=module-typescript", "--eval", add, folder];
  const child = spawn(...underFileLimit(2 ** 13, process.execPath, args), { cwd: new URL("../..", import.meta.url) });
  const said = text(child.stderr);
  expect((await once(child, "exit"))[0]).toBe(1);
  expect(await said).toContain("EFBIG");
  expect([await files(), await readFile(join(folder, "catalogue.json"))]).toEqual([before, catalogue]);
});

describe("writing atomically", () => {
  test("leaves the old file and nothing beside it when the write fails", async () => {
    const path = join(folder, "file");
    await mkdir(join(path, "in the way"), { recursive: true }); // a rename over a folder fails
    await expect(writeFileAtomically(path, "new")).rejects.toThrow();
    expect(await readdir(folder)).toEqual(["file"]);
  });
});
