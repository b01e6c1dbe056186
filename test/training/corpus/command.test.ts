/** `surprisal train` as its users run it: trained, served, scored, published. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeMidi } from "../../../src/formats/midi.ts";
import { pianoRoll } from "../../../src/formats/piano-roll.ts";
import { readWav, writeWav } from "../../../src/formats/wav.ts";
import { readCheckpoint, writeCheckpoint } from "../../../src/model/checkpoint.ts";
import { addToFolder } from "../../../src/store/files.ts";
import { program, runIn, scoredAndServed } from "../../support/command.ts";
import { randomCheckpoint } from "../../support/models.ts";
import { Random } from "../../support/random.ts";
import { requires } from "../../support/requires.ts";
import { freshPlace, hasS3, s3Environment } from "../../support/s3.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-train-"));
  await mkdir(join(folder, "corpus"));
  for (let n = 0; n < 12; n++) await writeFile(join(folder, "corpus", `${n}.mid`), tune(n));
  await copyFile(join(folder, "corpus/3.mid"), join(folder, "corpus/copy-of-3.mid"));
  await writeFile(join(folder, "corpus/damaged.mid"), tune(1).subarray(0, 40));
});
afterAll(() => rm(folder, { recursive: true }));

/** Chords of C major that go around, from one of them on. */
function tune(n: number): Uint8Array {
  const chords = [
    [48, 64, 67],
    [53, 65, 69],
    [43, 62, 71],
    [48, 60, 64],
  ];
  const frames = Array.from({ length: 24 + n }, (_, t) => chords[(t + n) % 4]);
  return writeMidi(pianoRoll(frames), { framesPerQuarter: 1 });
}

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}, script = program) =>
  runIn(folder, args, env, script);

const filesIn = (path: string): Promise<string[]> => readdir(path).catch(() => []);

const QUICK = ["--units", "6", "--epochs", "3", "--batch-size", "2"];
const trainOwn = (...args: string[]) => run(["train", "corpus", "--name", "my-set", ...QUICK, ...args]);
const checkpointOf = async (id: string, out = "trained") =>
  readCheckpoint(await readFile(join(folder, out, `${id}.safetensors`)));

/** Validation NLL by epoch, as a run printed it. */
const nllOfEpochs = (stdout: string): number[] =>
  Array.from(stdout.matchAll(/^epoch .* valid (-?[\d.]+)/gm), ([, nll]) => Number(nll));

describe("a folder of MIDI files", () => {
  let trained: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    trained = await trainOwn();
  });

  test("is trained on with counts, the files that could not be read and the result", async () => {
    expect([trained.code, trained.stderr]).toEqual([0, ""]);
    expect(trained.stdout).toMatch(/^my-set: 13 files read, 1 passed over\n {2}damaged\.mid: /);
    expect(trained.stdout).toMatch(/\ntrain +\d+ .*\nvalid +\d+ .*\ntest +\d+ .*\nPieces that equal another: 1\.\n/);
    const { metadata } = await checkpointOf("my-set/gru");
    expect(metadata).toMatchObject({ set: "my-set", preset: "paper", units: "6", key: "auto", framesPerQuarter: "1" });
    const nll = Number(metadata.testMicro).toFixed(4);
    expect(trained.stdout).toContain(`test ${nll} micro`);
    const card = await readFile(join(folder, "trained/my-set/gru.md"), "utf8");
    expect(card).toContain(`| test | ${nll} |`);
    expect(card).toContain("surprisal train corpus --name my-set --units 6");
  });

  test("gives the same bits again", async () => {
    await trainOwn("--out", "again");
    expect(writeCheckpoint(await checkpointOf("my-set/gru", "again"))).toEqual(
      writeCheckpoint(await checkpointOf("my-set/gru")),
    );
  });

  test("makes a model that the command line and the server score by", async () => {
    expect(await scoredAndServed(folder, "trained", "corpus/1.mid", "audio/midi")).toMatchObject([
      { model: "my-set/gru", scoredFrames: 24, percentile: expect.any(Number) },
    ]);
  });

  test("is trained on by TensorFlow.js to the NLL of the kernel", async () => {
    const train = (engine: string) =>
      trainOwn("--epochs", "2", "--weight-noise-std", "0", "--engine", engine, "--out", engine);
    await train("kernel");
    const theirs = await train("tfjs-wasm");
    expect([theirs.code, theirs.stderr]).toEqual([0, ""]);
    const [wanted, { metadata }] = [
      await checkpointOf("my-set/gru", "kernel"),
      await checkpointOf("my-set/gru", "tfjs-wasm"),
    ];
    expect(metadata).toMatchObject({ engine: "tfjs-wasm", bestEpoch: "2" });
    expect(Number(metadata.testMicro)).toBeCloseTo(Number(wanted.metadata.testMicro), 3);
    const [first, second] = nllOfEpochs(theirs.stdout);
    expect(second).toBeLessThan(first - 0.01); // so that weights that never changed would be far off
    expect(await scoredAndServed(folder, "tfjs-wasm", "corpus/1.mid", "audio/midi")).toMatchObject([
      { model: "my-set/gru", scoredFrames: 24 },
    ]);
  });

  test.skipIf(!hasS3())("makes a model that is published to S3 and scored from there", async () => {
    const { bucket, prefix } = await freshPlace();
    const place = `s3://${bucket}/${prefix}`;
    const env = { npm_command: "run", ...s3Environment() };
    const published = await run(["--from", "trained", "--to", place], env, resolve("scripts/publish.ts"));
    expect(published.stdout).toMatch(/is the current release, after none\n$/);
    const scored = await run(["score", "corpus/1.mid", "--json"], { ...env, SURPRISAL_MODELS: place });
    expect(JSON.parse(scored.stdout).scores).toMatchObject([{ model: "my-set/gru" }]);
  });

  test("stopped goes on with the same command", async () => {
    const args = ["train", "corpus", "--name", "long", "--units", "6", "--epochs", "999999", "--patience", "999999"];
    const child = spawn(process.execPath, [program, ...args, "--out", "stopped"], { cwd: folder });
    const stderr = text(child.stderr);
    child.stdout.resume();
    const isEnded = once(child, "close");
    const hasSnapshot = async () =>
      (await filesIn(join(folder, "stopped/runs/long"))).some((name) => /snapshot$/.test(name));
    while (!(await hasSnapshot())) await setTimeout(50);
    child.kill("SIGINT");
    expect((await isEnded)[0]).toBe(130);
    expect(await stderr).toBe(`\nStopped. To go on from here: surprisal ${args.join(" ")} --out stopped\n`);

    const resumed = spawn(process.execPath, [program, ...args, "--out", "stopped"], { cwd: folder });
    let stdout = "";
    for await (const chunk of resumed.stdout.setEncoding("utf8")) {
      stdout += chunk;
      if (/\nepoch .*\n/.test(stdout)) break;
    }
    resumed.kill("SIGKILL");
    expect(Number(/\nepoch (\d+)\/999999/.exec(stdout)?.[1])).toBeGreaterThan(10);
  });

  test("is scored piece by piece by models that have not seen it", async () => {
    const first = await trainOwn("--folds", "3");
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(
      /\nfold +train \/ valid \/ test +best epoch +valid +micro +macro\n1 .*\n2 .*\n3 .*\nall /,
    );
    const lines = (await readFile(join(folder, "trained/my-set/gru-folds.csv"), "utf8")).trim().split("\r\n");
    expect(lines[0]).toBe("file,fold,scored,nll");
    const rows = lines.slice(1).map((line) => line.split(","));
    expect(rows).toHaveLength(13);
    const foldOf = (file: string) => rows.find(([name]) => name === file)?.[1];
    expect(foldOf("copy-of-3.mid")).toBe(foldOf("3.mid"));
    const [frames, nats] = [2, 3].map((column) => rows.map((row) => Number(row[column])));
    const total = frames.reduce((a, b) => a + b);
    expect(total).toBe(Array.from({ length: 12 }, (_, n) => 23 + n).reduce((a, b) => a + b) + 26);
    const micro = nats.reduce((sum, nll, i) => sum + nll * frames[i], 0) / total;
    expect(first.stdout).toMatch(RegExp(`\nall +${micro.toFixed(4)} \\[`));
    const second = await trainOwn("--folds", "3");
    expect(second.stdout).not.toContain("epoch 1/3"); // what is done is kept
    expect(second.stdout.split("\nfold ").at(-1)).toBe(first.stdout.split("\nfold ").at(-1));
  });
});

describe("from a model", () => {
  beforeAll(async () => {
    await addToFolder(join(folder, "shipped"), randomCheckpoint({ set: "jsb", cell: "lstm" }));
  });
  const env = () => ({ SURPRISAL_MODELS: join(folder, "shipped") });
  const from = (...args: string[]) =>
    run(["train", "corpus", "--name", "tuned", "--from", "jsb/lstm", "--epochs", "4", ...args], env());

  test("training goes on with its cell, its size, its pitches and its frame rate", async () => {
    const { code, stdout } = await from();
    expect(code).toBe(0);
    const before = randomCheckpoint({ set: "jsb", cell: "lstm" });
    const { config, metadata } = await checkpointOf("tuned/lstm");
    expect(config).toEqual(before.config);
    expect(metadata).toMatchObject({ from: expect.stringMatching(/^jsb\/lstm sha256:/), set: "tuned" });
    expect(metadata.framesPerQuarter).toBe(before.metadata.framesPerQuarter);
    expect(stdout).toContain("epoch 4/4");
  });

  test("weights that no epoch betters stay as they are", async () => {
    const spoiling = ["--learning-rate", "1", "--weight-noise-std", "9", "--epochs", "2"];
    const args = ["train", "corpus", "--name", "spoilt", "--from", "my-set/gru", ...spoiling];
    await run(args, { SURPRISAL_MODELS: join(folder, "trained") });
    const { metadata, tensors } = await checkpointOf("spoilt/gru");
    expect(metadata.bestEpoch).toBe("0");
    expect(tensors).toEqual((await checkpointOf("my-set/gru")).tensors);
  });

  test("of another size or kind is refused", async () => {
    const both = await from("--cell", "gru");
    expect([both.code, both.stdout]).toEqual([2, ""]);
    expect(both.stderr).toMatch(/^surprisal: Expected --from without --cell, --preset, .* got --cell\./);
    const sized = await from("--units", "7");
    expect([sized.code, sized.stderr]).toEqual([2, expect.stringContaining("--units")]);
  });
});

test("a folder of recordings is trained on, and its model scores audio", async () => {
  const random = new Random(1);
  await mkdir(join(folder, "voices"));
  for (let n = 0; n < 5; n++) {
    const samples = Float32Array.from({ length: 9000 }, (_, t) => 0.3 * Math.sin(t / (4 + n)) + 0.02 * random.normal());
    await writeFile(join(folder, "voices", `${n}.wav`), writeWav({ samples, sampleRate: 8000 }));
  }
  const trained = await run(["train", "voices", "--name", "voices", "--units", "4", "--epochs", "1", "--cell", "tanh"]);
  expect([trained.code, trained.stderr]).toEqual([0, ""]);
  expect(trained.stdout).toMatch(/\ntrain +3 +6 +/);
  const scored = await run(["score", "voices/0.wav", "--json"], { SURPRISAL_MODELS: join(folder, "trained") });
  expect(JSON.parse(scored.stdout)).toMatchObject({ best: "voices/tanh", input: { kind: "audio" } });
});

const PROMPTS = "/usr/share/asterisk/sounds/en_US_f_Allison";
const hasPrompts = requires(existsSync(PROMPTS), `${PROMPTS} is missing; Debian's asterisk-core-sounds-en-wav has it`);

test.skipIf(!hasPrompts)("a folder of speech is learned from, and scored and served as it was measured", async () => {
  await mkdir(join(folder, "speech"));
  const prompts = ["conf-getchannel", "dir-nomore", "tt-weasels", "vm-helpexit", "vm-next", "vm-sorry"];
  for (const name of prompts) {
    const { samples, sampleRate } = await readWav(await readFile(join(PROMPTS, `${name}.wav`)));
    const cut = samples.subarray(2000, 6020); // 400 whole steps after the first 20 samples
    await writeFile(join(folder, "speech", `${name}.wav`), writeWav({ samples: cut, sampleRate }));
  }
  const trained = await run(["train", "speech", "--name", "own", "--units", "4", "--epochs", "2", "--out", "speaking"]);
  expect([trained.code, trained.stderr]).toEqual([0, ""]);
  expect(trained.stdout).toMatch(/\ntrain +4 +4 +1600\nvalid +1 +1 +400\ntest +1 +1 +400\n/);
  const [first, second] = nllOfEpochs(trained.stdout);
  expect(second).toBeLessThan(first);

  const scores = [];
  for (const name of prompts) {
    const { stdout } = await run(["score", `speech/${name}.wav`, "--json"], {
      SURPRISAL_MODELS: join(folder, "speaking"),
    });
    scores.push(...JSON.parse(stdout).scores);
  }
  const { metadata } = await checkpointOf("own/gru", "speaking");
  const distances = scores.map(({ nll }) => Math.abs(nll - Number(metadata.testMicro)));
  expect(Math.min(...distances)).toBeLessThan(1e-4); // one of them is the test
  for (const { bitsPerSample } of scores) expect(bitsPerSample).toBeLessThan(16); // uncompressed
  expect(await scoredAndServed(folder, "speaking", "speech/vm-next.wav", "audio/wav")).toEqual([scores[4]]);
});

test.each([
  [
    ["corpus"],
    2,
    "Expected a name of at most 50 lower-case letters and digits, with hyphens between them, got no name.",
  ],
  [["corpus", "--name", "jsb"], 2, "Expected a name other than those of the published sets"],
  [["--name", "own"], 2, "Expected one FOLDER, got none."],
  [["corpus", "--name", "own", "--cell", "gru2"], 2, "Expected one of the cells tanh, lstm, gru, got gru2."],
  [["corpus", "--name", "own", "--learning-rate", "9"], 2, "for --learning-rate, got 9."],
  [["corpus", "--name", "own", "--folds", "1"], 2, "Expected a whole number of at least 2 for --folds, got 1."],
  [["corpus", "--name", "own", "--folds", "13"], 1, "Expected at least 13 different pieces"],
  [["corpus", "--name", "own", "--frames-per-quarter", "x"], 2, "Expected framesPerQuarter"],
  [["nowhere", "--name", "own"], 1, "nowhere: There is no such file or folder."],
])("train %j ends with %i and a sentence", async (args, code, sentence) => {
  const ended = await run(["train", ...args]);
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(sentence)]);
  expect(ended.stderr).not.toMatch(/^ +at /m);
});
