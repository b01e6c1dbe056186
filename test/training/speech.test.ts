import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { writeWav } from "../../src/formats/wav.ts";
import { SPEECH } from "../../src/kernel/config.ts";
import { stepCount, tbpttChunks } from "../../src/training/batches.ts";
import { kernelEngine } from "../../src/training/engine.ts";
import { evaluate } from "../../src/training/evaluate.ts";
import { linearPredictor } from "../../src/training/linear-predictor.ts";
import { run } from "../../src/training/run.ts";
import { loadSpeechSet, makeSpeechSet, readRecordings, splitRecordings } from "../../src/training/speech.ts";
import { parseTarget, presetOf } from "../../src/training/targets.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { Random } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

/** A resonance of 500 Hz driven by noise: x_n = 2 r cos(w) x_{n-1} - r² x_{n-2} + e. */
const COEFFICIENTS = [2 * 0.98 * Math.cos((2 * Math.PI * 500) / 8000), -(0.98 ** 2)];

function resonance(random: Random, length: number, deviation = 0.01): Float32Array {
  const samples = new Float32Array(length);
  for (let n = 0; n < length; n++) {
    const past = COEFFICIENTS.reduce((sum, c, i) => sum + c * (samples[n - 1 - i] ?? 0), 0);
    samples[n] = past + deviation * random.normal();
  }
  return samples;
}

describe("the speech sets of a folder", () => {
  const random = new Random(3);
  const recordings = Array.from({ length: 12 }, (_, n) => resonance(random, 2000 + 300 * n));
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "speech-"));
    await mkdir(join(folder, "wav/below"), { recursive: true });
    for (const [n, samples] of recordings.entries()) {
      const name = `wav/${n % 2 ? "below/" : ""}${String(n).padStart(2, "0")}.wav`;
      await writeFile(join(folder, name), writeWav({ samples, sampleRate: 8000 }));
    }
    await makeSpeechSet("speech-short", await readRecordings(join(folder, "wav")), folder);
  });

  test("hold every whole cut, each recording on one side only", async () => {
    const set = await loadSpeechSet("speech-short", folder);
    const read = await readRecordings(join(folder, "wav"));
    const split = splitRecordings(read);
    expect(Object.values(split).flat()).toHaveLength(recordings.length);
    expect(new Set(Object.values(split).flat()).size).toBe(recordings.length);
    for (const name of ["train", "valid", "test"] as const) {
      const cuts = split[name].reduce((sum, { length }) => sum + Math.floor(length / 500), 0);
      expect(set[name]).toHaveLength(cuts);
      for (const piece of set[name]) expect(stepCount(piece)).toBe(48);
    }
  });

  test("are standardised by the training samples, and within a 16-bit step of what was recorded", async () => {
    const set = await loadSpeechSet("speech-short", folder);
    const { mean, std } = set.described;
    const train = set.train.flatMap((piece) => Array.from(piece as Float32Array));
    expect(Math.abs(train.reduce((a, b) => a + b, 0) / train.length)).toBeLessThan(1e-4);
    expect(train.reduce((sum, x) => sum + x ** 2, 0) / train.length).toBeCloseTo(1, 4);
    const [recording] = splitRecordings(await readRecordings(join(folder, "wav"))).test;
    const heads = set.test.map((piece) => (piece as Float32Array).map((x) => x * Number(std) + Number(mean)));
    const isHead = (piece: Float32Array) => piece.every((x, n) => Math.abs(x - recording[n]) < 2 ** -15);
    expect(heads.filter(isHead)).toHaveLength(1);
  });

  test("are the same bytes each time", async () => {
    const again = await mkdtemp(join(tmpdir(), "speech-"));
    await makeSpeechSet("speech-short", await readRecordings(join(folder, "wav")), again);
    const files = await Promise.all([folder, again].map((each) => readFile(join(each, "speech-short.safetensors"))));
    expect(files[0].equals(files[1])).toBe(true);
  });

  test("say what is missing", async () => {
    await expect(loadSpeechSet("speech-long", folder)).rejects.toThrow("npm run data -- speech --from FOLDER");
    await expect(readRecordings(join(folder, "nothing"))).rejects.toThrow("has no WAV files");
    await expect(makeSpeechSet("speech-long", await readRecordings(join(folder, "wav")), folder)).rejects.toThrow(
      "No train recording of speech-long has 8000 samples",
    );
  });

  test("train a model that beats what it began with, and equals its own evaluation", async () => {
    const set = await loadSpeechSet("speech-short", folder);
    const protocol = {
      ...presetOf(parseTarget("speech-short/gru")),
      units: 8,
      epochs: 3,
      learningRate: 3e-3,
      emaDecay: 0,
    };
    const trainer = new Trainer(kernelEngine(kernelModule), set, "gru", protocol);
    const before = await trainer.nll(set.valid);
    const kernel = await readFile(new URL("../../dist/kernel.wasm", import.meta.url));
    const runs = await mkdtemp(join(tmpdir(), "runs-"));
    const checkpoint = await run({ kernel, set, cell: "gru", protocol, folder: runs }, async (trained) => trained);
    expect(checkpoint.config).toMatchObject({ inputs: 20, outputs: 420, mixture: SPEECH.mixture });
    expect(checkpoint.metadata).toMatchObject({ set: "speech-short", sampleRate: "8000", mean: set.described.mean });
    expect(Number(checkpoint.metadata.validMicro)).toBeLessThan(before - 1);
  });
});

describe("batches of samples", () => {
  test("see 20 samples and predict the 10 after, every sample once, across parts", () => {
    const pieces = [85, 45, 29, 30].map((length, s) => Float32Array.from({ length }, (_, n) => 1000 * s + n));
    const targets = new Map<number, number[]>(pieces.map((_, s) => [s, []]));
    for (const { batch, rows } of tbpttChunks(pieces, 2)) {
      const [inputs, wanted] = [batch.inputs, batch.targets] as Float32Array[];
      expect(inputs).toHaveLength(20 * rows);
      for (let row = 0; row < rows; row++) {
        const target = Array.from(wanted.subarray(10 * row, 10 * row + 10));
        const first = target[0];
        expect(Array.from(inputs.subarray(20 * row, 20 * row + 20))).toEqual(
          Array.from({ length: 20 }, (_, n) => first - 20 + n),
        );
        targets.get(Math.floor(first / 1000))?.push(...target);
      }
    }
    const covered = (s: number, end: number) => Array.from({ length: end - 20 }, (_, n) => 1000 * s + 20 + n);
    expect([...targets.values()]).toEqual([covered(0, 80), covered(1, 40), [], covered(3, 30)]);
  });
});

describe("the linear predictor", () => {
  test("finds the coefficients and the variance of the process that made the samples", () => {
    const samples = resonance(new Random(7), 200_000, 0.1);
    const { coefficients, variance } = linearPredictor([samples]);
    for (const [i, c] of coefficients.entries()) expect(Math.abs(c - (COEFFICIENTS[i] ?? 0))).toBeLessThan(0.02);
    expect(variance).toBeCloseTo(0.01, 3);
  });

  test("gives the NLL of a Gaussian residual: its entropy, on samples of its own process", async () => {
    const [train, test] = [8, 9].map((seed) => resonance(new Random(seed), 100_000, 0.1));
    const entropy = 10 * (Math.log(0.1) + Math.log(2 * Math.PI * Math.E) / 2);
    expect(Math.abs((await evaluate(linearPredictor([train]), [test])).micro - entropy)).toBeLessThan(0.1);
  });
});
