import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type PianoRoll, toFrames } from "../../src/formats/piano-roll.ts";
import { writeWav } from "../../src/formats/wav.ts";
import { type Cell, mixtureOutputs, SPEECH } from "../../src/kernel/config.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { addToFolder } from "../../src/store/files.ts";
import { tbpttChunks } from "../../src/training/batches.ts";
import { loadMusicSet, MUSIC_FOLDER, MUSIC_SETS } from "../../src/training/datasets.ts";
import { loadSpeechSet } from "../../src/training/speech.ts";
import type { PieceScore } from "../../src/util/statistics.ts";
import { hasMusicSet } from "../support/data.ts";
import { Random, randomTensors } from "../support/random.ts";

let folder: string; // where the scripts run, so that they find no data but what a test brings
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
});
afterEach(() => rm(folder, { recursive: true }));

function run(script: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const path = resolve("scripts", script);
  const env = { ...process.env, SURPRISAL_MODELS: join(folder, "models") };
  return new Promise((done) => {
    execFile(process.execPath, [path, ...args], { cwd: folder, env }, (error, stdout, stderr) => {
      done({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

async function addModel(cell: Cell, set = "jsb", more: Record<string, string> = {}): Promise<void> {
  const config = { cell, inputs: 96, units: 4, outputs: 96 };
  const metadata = { set, preset: "paper", framesPerQuarter: "1", ...more };
  await addToFolder(join(folder, "models"), { config, tensors: randomTensors(config, new Random(1)), metadata });
}

test("data: a folder without the files is an error of one sentence", async () => {
  const missing = join(folder, "Nottingham.mat");
  expect(await run("data.ts", "--from", folder)).toEqual({ code: 1, stdout: "", stderr: `${missing} is not there.\n` });
  expect(await readdir(folder)).toEqual([]);
});

test("evaluate: without models it says where they were looked for", async () => {
  const { code, stderr } = await run("evaluate.ts");
  expect(code).toBe(1);
  expect(stderr).toBe(`${join(folder, "models")}: catalogue.json is not there.\n`);
});

test("evaluate: without data it says how to get them", async () => {
  await addModel("gru");
  const { code, stderr } = await run("evaluate.ts");
  expect(code).toBe(1);
  expect(stderr).toBe("1/1  jsb/gru\ndata/music/JSB_Chorales.mat is not there; `npm run data` brings it.\n");
});

test.each(["train", "search", "evaluate", "compare", "data", "publish", "releases", "openapi", "lambda"])(
  "%s --help shows what it does, its options and an example, and does nothing",
  async (script) => {
    const { code, stdout, stderr } = await run(`${script}.ts`, "--help");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^.+\n.*\nUsage: [^\n]*\n\nOptions:\n {2}--.*\n\nExample: [^\n]*\n$/s);
    expect(await readdir(folder)).toEqual([]);
  },
);

describe("train and search", () => {
  test.each([
    ["train.ts", ["jsb/gruu"], 2, /Did you mean jsb\/gru\?\n$/],
    ["search.ts", ["notingham/lstm"], 2, /Did you mean nottingham\/lstm\?\n$/],
    ["train.ts", ["jsb/gru", "--sed", "1"], 2, /^There is no option --sed\. Did you mean --seed\?\n$/],
    ["train.ts", ["jsb/gru", "--engine", "abacus"], 2, /abacus/],
    ["train.ts", ["jsb/gru"], 1, /JSB_Chorales\.mat is not there/],
    ["search.ts", ["jsb/gru", "--shard", "3/2"], 2, /--shard, got 3\/2\.\n$/],
  ])("%s %j is refused in a sentence, and %i", async (script, args, exit, sentence) => {
    const { code, stdout, stderr } = await run(script, ...args);
    expect([code, stdout]).toEqual([exit, ""]);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test.skipIf(!hasMusicSet("jsb"))("Ctrl-C says how to go on", async () => {
    await mkdir(join(folder, "data"));
    await symlink(resolve(MUSIC_FOLDER), join(folder, MUSIC_FOLDER));
    const args = ["jsb/gru", "--units", "2", "--epochs", "9999", "--patience", "9999", "--out", "a folder"];
    const child = spawn(process.execPath, [resolve("scripts/train.ts"), ...args], { cwd: folder });
    const stderr = text(child.stderr);
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      if (String(chunk).includes("epoch 1/9999  train")) break;
    }
    child.stdout.resume();
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(130);
    expect(await stderr).toBe(
      "\nStopped. To go on from here: npm run train -- jsb/gru --units 2 --epochs 9999 --patience 9999 --out 'a folder'\n",
    );
  });

  test.skipIf(!hasMusicSet("jsb"))("a folder that cannot be written is found before anything is trained", async () => {
    await mkdir(join(folder, "data"));
    await symlink(resolve(MUSIC_FOLDER), join(folder, MUSIC_FOLDER));
    await writeFile(join(folder, "out"), "a file");
    const { code, stdout, stderr } = await run("train.ts", "jsb/gru", "--out", "out/models");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^.*out.*: A part of its path is a file, not a folder\.\n$/);
  });
});

describe.skipIf(!MUSIC_SETS.every(hasMusicSet))("with the sets", () => {
  test("data brings and lists them, evaluate scores every test piece", async () => {
    const data = await run("data.ts", "--from", resolve(MUSIC_FOLDER));
    expect(data.stdout).toMatch(/229 \/ 76 \/ 77 +13807 \/ 4602 \/ 4725 +96 +ac0e6085/);
    await addModel("gru");
    await addModel("tanh");
    const [evaluation, , mixture] = JSON.parse((await run("evaluate.ts", "jsb/*", "--json")).stdout);
    // 4,725 frames in 77 pieces, of each of which the first is not scored.
    expect(evaluation).toMatchObject({ model: "jsb/gru", units: [4], scoredFrames: 4725 - 77 });
    expect(mixture).toMatchObject({ model: "jsb/mixture", units: [4, 4], scoredFrames: 4725 - 77 });
    expect(evaluation.pieces).toHaveLength(77);
    await rm(join(folder, MUSIC_FOLDER, "Nottingham.mat"));
    await addModel("lstm", "nottingham");
    const partial = await run("evaluate.ts", "jsb/gru", "nottingham/lstm", "--json");
    expect([partial.code, JSON.parse(partial.stdout)]).toEqual([1, [evaluation]]);
    expect(partial.stderr).toMatch(/^nottingham\/lstm left out: .*Nottingham\.mat is not there/m);
    const table = (await run("evaluate.ts", "jsb", "--pieces")).stdout;
    expect(table).toContain(evaluation.micro.toFixed(4));
    expect(table).toContain("test piece 76");
  });

  test("evaluate has the NLL in twelve keys, and the chords of continuations that training knows", async () => {
    await run("data.ts", "--from", resolve(MUSIC_FOLDER));
    await addModel("gru");
    const [{ pieces }] = JSON.parse((await run("evaluate.ts", "jsb/gru", "--json")).stdout);
    const { train, test } = await loadMusicSet("jsb", join(folder, MUSIC_FOLDER));
    const fits = test.map(({ pitches }) => Math.min(...pitches) > 6 && Math.max(...pitches) + 5 <= 96);
    const kept: PieceScore[] = pieces.filter((_: PieceScore, i: number) => fits[i]);
    const frames = kept.reduce((sum, { scoredFrames }) => sum + scoredFrames, 0);
    const micro = kept.reduce((sum, { scoredFrames, nll }) => sum + scoredFrames * nll, 0) / frames;
    const [keys] = JSON.parse((await run("evaluate.ts", "jsb/gru", "--keys", "--json")).stdout);
    expect(keys).toMatchObject({ model: "jsb/gru", pieces: kept.length });
    expect(keys.inSetsKey).toBeCloseTo(micro, 9);
    expect(keys.inAllKeys).not.toBeCloseTo(micro, 3); // random weights treat no two keys alike

    const chords = (roll: PianoRoll) =>
      toFrames(roll)
        .filter((frame) => frame.length > 0)
        .map(String);
    const known = new Set(train.flatMap(chords));
    const own = test.flatMap(chords);
    const [sampled] = JSON.parse((await run("evaluate.ts", "jsb/gru", "--continuations", "--json")).stdout);
    expect(sampled.knownInTest).toBe(own.filter((chord) => known.has(chord)).length / own.length);
    expect(sampled.known).toBeLessThan(0.05); // chords of random weights are clusters
    expect(sampled.frames).toBeGreaterThan(77 * 16);
  });

  test("adapt chooses a rate for the models of music, which evaluate then scores adaptively as well", async () => {
    await mkdir(join(folder, "data"));
    await symlink(resolve(MUSIC_FOLDER), join(folder, MUSIC_FOLDER));
    await addModel("gru");
    await addModel("tanh", "jsb", { adaptiveRate: "0.9" });
    const [before] = JSON.parse((await run("evaluate.ts", "jsb/gru", "--adaptive", "--json")).stdout);
    expect(before.adaptive).toBeUndefined();
    const adapt = await run("adapt.ts", "jsb/gru");
    expect(adapt.stdout).toMatch(/^jsb\/gru: rate 0\.\d+ of valid [\d.]+ without, 0\.001 [\d.]+, /);
    const results = JSON.parse((await run("evaluate.ts", "jsb", "--adaptive", "--json")).stdout);
    const [gru, tanh, mixture] = results;
    expect(gru).toMatchObject({ micro: before.micro, pieces: before.pieces });
    expect(gru.version).not.toBe(before.version);
    for (const { adaptive } of [gru, tanh, mixture]) expect(adaptive.pieces).toHaveLength(77);
    expect(gru.adaptive.micro).toBeLessThan(gru.micro - 1); // its weights were drawn at random
    const table = (await run("evaluate.ts", "jsb/gru", "--adaptive", "--pieces")).stdout;
    expect(table).toContain(gru.adaptive.micro.toFixed(4));
  });
});

describe("speech", () => {
  /** Recordings of a voice: a tone of its own pitch that swells, in noise. */
  async function record(voice: string, pitch: number, seed: number): Promise<void> {
    await mkdir(join(folder, voice));
    const random = new Random(seed);
    for (let n = 0; n < 12; n++) {
      const samples = Float32Array.from({ length: 16_600 }, (_, t) => {
        return 0.2 * Math.sin(t / 900 + n) * Math.sin(t / pitch) + 0.01 * random.normal();
      });
      await writeFile(join(folder, voice, `${n}.wav`), writeWav({ samples, sampleRate: 8000 }));
    }
  }

  test("evaluate has NLL and bits of the test sequences beside linear prediction, and of other sounds", async () => {
    await record("one", 5, 1);
    await record("two", 3, 2);
    const data = await run("data.ts", "speech", "--from", join(folder, "one"));
    expect(data.stdout).toMatch(/speech-long.safetensors +12 +16 \/ 4 \/ 4 +12768 \/ 3192 \/ 3192/);
    const set = await loadSpeechSet("speech-long", join(folder, "data/speech"));
    const config = { cell: "gru", units: 4, outputs: mixtureOutputs(SPEECH.mixture), ...SPEECH } as const;
    const tensors = randomTensors(config, new Random(1));
    await addToFolder(join(folder, "models"), {
      config,
      tensors,
      metadata: { set: "speech-long", preset: "paper", ...set.described },
    });
    const [found] = JSON.parse((await run("evaluate.ts", "--json")).stdout);
    const reference = new ReferenceKernel(config);
    reference.load(tensors);
    const sums = [...tbpttChunks(set.test, 1000)].map(({ batch }) =>
      reference.forward(batch).reduce((a, b) => a + b, 0),
    );
    const micro = sums.reduce((a, b) => a + b) / (4 * 798);
    expect(found.scoredFrames).toBe(4 * 798);
    expect(found.micro).toBeCloseTo(micro, 3);
    const density = Math.exp(-micro / 10) / Number(set.described.std); // of a sample, full scale = 1
    expect(found.bitsPerSample).toBeCloseTo(-Math.log2(density * 2 ** -15), 4);
    const noise = 0.01 / Number(set.described.std);
    expect(found.baseline).toBeGreaterThan(10 * (Math.log(noise) + Math.log(2 * Math.PI * Math.E) / 2));
    expect(found.baseline).toBeLessThan(found.micro); // the weights are random

    const [{ sounds }] = JSON.parse((await run("evaluate.ts", "--json", "--other", join(folder, "two"))).stdout);
    expect(sounds.map(({ sound, sequences }: { sound: string; sequences: number }) => [sound, sequences])).toEqual([
      ["held out", 4],
      ["two", 24],
      ["two, as loud", 24],
      ["white noise, as loud", 4],
    ]);
    expect(sounds[0].nll).toBeCloseTo(found.micro, 10);
    expect(sounds[2].deviation).toBeCloseTo(sounds[0].deviation, 3);
    expect(sounds[3].deviation).toBeCloseTo(sounds[0].deviation, 3);
  });
});
