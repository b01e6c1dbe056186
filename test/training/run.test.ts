import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCheckpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { DamagedSnapshot, type LoggedEpoch, run } from "../../src/training/run.ts";
import { underFileLimit } from "../support/file-limit.ts";
import { smallProtocol, smallSet } from "../support/pieces.ts";
import { Random } from "../support/random.ts";

const kernelPath = new URL("../../dist/kernel.wasm", import.meta.url);
const settings = { set: smallSet(), cell: "lstm", protocol: { ...smallProtocol, epochs: 30, patience: 30 } } as const;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-"));
});

afterEach(() => rm(folder, { recursive: true }));

const runHere = async (onEpoch?: (epoch: LoggedEpoch) => void) =>
  run(
    { ...settings, kernel: await readFile(kernelPath), folder, snapshotSeconds: 0, ...(onEpoch && { onEpoch }) },
    async (checkpoint) => checkpoint,
  );

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
    const child = spawn(process.execPath, nodeArguments({ pauseMs: 20 }), {
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

  test("whose checkpoint does not fit on the disk keeps its snapshot, and need not train again", async () => {
    const [command, args] = underFileLimit(2 ** 15, process.execPath, nodeArguments({ noteBytes: 2 ** 16 }));
    const child = spawn(command, args, { cwd: new URL("../..", import.meta.url), stdio: ["ignore", "ignore", "pipe"] });
    const said = text(child.stderr);
    expect((await once(child, "exit"))[0]).toBe(1);
    expect(await said).toContain("EFBIG");
    expect([await filesOf(".snapshot"), await filesOf(".safetensors")]).toEqual([[expect.anything()], []]);

    const epochs: LoggedEpoch[] = [];
    const resumed = await runHere((epoch) => epochs.push(epoch));
    expect([epochs, await filesOf(".snapshot")]).toEqual([[], []]);
    expect(writeCheckpoint(resumed)).toEqual(writeCheckpoint(await runHere()));
  });

  test("refuses a snapshot with one wrong bit, or cut off, and says how to start from the beginning", async () => {
    const stopped = runHere(({ epoch }) => {
      if (epoch === 3) throw new Error("stop");
    });
    await expect(stopped).rejects.toThrow("stop");
    const [name] = await filesOf(".snapshot");
    const path = join(folder, "jsb", name);
    const whole = await readFile(path);
    const random = new Random(1);
    const damaged = Array.from({ length: 20 }, () => {
      const bytes = Buffer.from(whole);
      bytes[random.integer(0, bytes.length - 1)] ^= 1 << random.integer(0, 7);
      return bytes;
    });
    for (const bytes of [
      ...damaged,
      whole.subarray(0, -1),
      whole.subarray(0, 20),
      Buffer.from("damaged"),
      Buffer.of(),
    ]) {
      await writeFile(path, bytes);
      await expect(runHere()).rejects.toThrow(
        new DamagedSnapshot(`${path} is damaged. To train from the start, remove it: rm '${path}'`),
      );
    }
    await writeFile(path, whole);
    let first = 0;
    await runHere(({ epoch }) => {
      first ||= epoch;
    });
    expect(first).toBe(3); // the snapshot is that of the second epoch
  });
});

/**
 * The same run in another process.
 * @param pauseMs after each epoch, so that it can be caught in the middle
 * @param noteBytes of metadata, which make the checkpoint larger than a snapshot
 */
const nodeArguments = ({ pauseMs = 0, noteBytes = 0 }): string[] => [
  "--input-type=module-typescript",
  "--eval",
  `
  import { readFile } from "node:fs/promises";
  import { writeCheckpoint } from "./src/model/checkpoint.ts";
  import { writeFileAtomically } from "./src/store/atomic.ts";
  import { run } from "./src/training/run.ts";
  import { smallProtocol, smallSet } from "./test/support/pieces.ts";
  const set = smallSet();
  const folder = ${JSON.stringify(folder)};
  await run(
    {
      kernel: await readFile("dist/kernel.wasm"),
      set: { ...set, described: { ...set.described, note: "n".repeat(${noteBytes}) } },
      cell: "lstm",
      protocol: { ...smallProtocol, epochs: 30, patience: 30 },
      folder,
      snapshotSeconds: 0,
      onEpoch: ({ epoch }) => {
        console.log(epoch);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${pauseMs});
      },
    },
    (checkpoint) => writeFileAtomically(folder + "/jsb/lstm.safetensors", writeCheckpoint(checkpoint)),
  );
`,
];
