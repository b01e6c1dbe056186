import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCheckpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { type LoggedEpoch, run } from "../../src/training/run.ts";
import { smallProtocol, smallSet } from "../support/pieces.ts";

const kernelPath = new URL("../../dist/kernel.wasm", import.meta.url);
const settings = { set: smallSet(), cell: "lstm", protocol: { ...smallProtocol, epochs: 30, patience: 30 } } as const;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-"));
});

afterEach(() => rm(folder, { recursive: true }));

const runHere = async (onEpoch?: (epoch: LoggedEpoch) => void) =>
  run({ ...settings, kernel: await readFile(kernelPath), folder, snapshotSeconds: 0, ...(onEpoch && { onEpoch }) });

const filesOf = (ending: string) =>
  readdir(join(folder, "jsb")).then((names) => names.filter((name) => name.endsWith(ending)));

describe("a run", () => {
  test("gives a checkpoint that reads back, and the same bytes each time", async () => {
    const first = writeCheckpoint(await runHere());
    expect(writeCheckpoint(await runHere())).toEqual(first);
    const { metadata, config } = readCheckpoint(first);
    expect(config).toEqual({ cell: "lstm", inputs: 9, units: 5, outputs: 9 });
    expect(metadata).toMatchObject({
      set: "jsb",
      preset: "paper",
      seed: "1",
      weightNoiseStd: "0.075",
      framesPerQuarter: "1",
    });
    expect(Number(metadata.testMicro)).toBeGreaterThan(0);
  });

  test("logs every epoch and leaves no snapshot behind", async () => {
    const epochs: LoggedEpoch[] = [];
    await runHere((epoch) => epochs.push(epoch));
    const [log] = await filesOf(".jsonl");
    const lines = (await readFile(join(folder, "jsb", log), "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(epochs);
    expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(await filesOf(".snapshot")).toEqual([]);
  });

  test("killed by SIGKILL goes on from its snapshot and ends with the same bytes", async () => {
    const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", childScript(folder)], {
      cwd: new URL("../..", import.meta.url),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const epochsOfChild = await new Promise<number>((resolve) => {
      let output = "";
      child.stdout.on("data", (data) => {
        output += data;
        const epochs = output.split("\n").length - 1;
        if (epochs >= 8) resolve(epochs);
      });
      child.stdout.on("end", () => resolve(Number.POSITIVE_INFINITY)); // it ended by itself
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(epochsOfChild).toBeLessThan(30);
    expect(await filesOf(".snapshot")).toHaveLength(1);

    let first = 0;
    const resumed = await runHere(({ epoch }) => {
      first ||= epoch;
    });
    expect(first).toBeGreaterThan(1);
    await rm(folder, { recursive: true });
    expect(writeCheckpoint(resumed)).toEqual(writeCheckpoint(await runHere()));
  });

  test("refuses a damaged snapshot by its name", async () => {
    const kept = runHere(() => {
      throw new Error("stop");
    });
    await expect(kept).rejects.toThrow("stop");
    await runHere();
    const [log] = await filesOf(".jsonl");
    const path = join(folder, "jsb", log.replace(".jsonl", ".snapshot"));
    await writeFile(path, "damaged");
    await expect(runHere()).rejects.toThrow(`${path} is damaged`);
  });
});

/** The same run in another process, slowed down so that it can be caught in the middle. */
const childScript = (folder: string): string => `
  import { readFile } from "node:fs/promises";
  import { run } from "./src/training/run.ts";
  import { smallProtocol, smallSet } from "./test/support/pieces.ts";
  await run({
    kernel: await readFile("dist/kernel.wasm"),
    set: smallSet(),
    cell: "lstm",
    protocol: { ...smallProtocol, epochs: 30, patience: 30 },
    folder: ${JSON.stringify(folder)},
    snapshotSeconds: 0,
    onEpoch: ({ epoch }) => {
      console.log(epoch);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    },
  });
`;
