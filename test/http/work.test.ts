/** Requests that ask for more work than they weigh, to the shipped models. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { decode } from "../../src/formats/decoders.ts";
import { writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { writeWav } from "../../src/formats/wav.ts";
import { createApp } from "../../src/http/app.ts";
import { JSON_BYTE_COST } from "../../src/http/request.ts";
import { predictMusicCost } from "../../src/inference/cost.ts";
import { pieceOfRoll } from "../../src/inference/piece.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import type { MusicModel } from "../../src/model/music-model.ts";
import { fileStore } from "../../src/store/files.ts";
import { loadModels } from "../../src/store/load.ts";
import { randomRecording } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

const root = new URL("../../", import.meta.url);
const { models } = await loadModels(fileStore(fileURLToPath(new URL("models", root))), kernelModule);
const serving = (times: number) =>
  createApp({
    models: () => models,
    limits: {
      ...DEFAULT_LIMITS,
      work: times * DEFAULT_LIMITS.work,
      workPerByte: times * DEFAULT_LIMITS.workPerByte,
    },
    decode,
    version: "1.2.3",
    log(error) {
      throw error;
    },
  });
const app = serving(1);

async function ask(path: string, body: Uint8Array<ArrayBuffer> | string, headers = {}, to = app) {
  const type = typeof body === "string" ? "application/json" : "application/octet-stream";
  const init = { method: "POST", body, headers: { "Content-Type": type, ...headers } };
  const response = await to.request(path, init);
  return { status: response.status, answer: await response.json() };
}

const silentFlac = new Uint8Array(readFileSync(new URL("test/fixtures/audio/hostile/flac-10min-1kHz-226B.flac", root)));
/** Two notes with so many quarters between them, in some thirty bytes. */
const rest = (quarters: number) =>
  writeMidi(pianoRoll([[60], ...Array.from({ length: quarters }, () => []), [60]]), { framesPerQuarter: 1 });

describe("a request that asks for more work than it weighs is refused with the sum, and nothing is computed", () => {
  test.each<[string, string, Uint8Array<ArrayBuffer> | string, RegExp]>([
    [
      "ten minutes of silence in 226 bytes",
      "/score",
      silentFlac,
      /^Expected at most 3\.\d s of sound, got a recording of 599 s\. The models that were asked \(6\) do no more work/,
    ],
    [
      "a long rest under all models",
      "/score?models=*/*",
      rest(4500),
      /^Expected work of at most 6\.\d billion multiply-adds, which a body of this size may ask for, got \d+\.\d billion for \d+ models\. Ask for fewer/,
    ],
    ["a rest continued by all models", "/predict?steps=512", rest(900), /got \d+\.\d billion for 16 models\./],
    [
      "speech continued without end",
      "/predict?steps=8000",
      writeWav({ samples: randomRecording(1, 800), sampleRate: 8000 }),
      /for 6 models/,
    ],
    ["a rest with all notes", "/score?detail=notes", rest(900), /for 16 models/],
  ])("%s", async (_, path, body, sentence) => {
    const forward = vi.spyOn(Kernel.prototype, "forward");
    const { status, answer } = await ask(path, body);
    expect([status, answer.code, answer.detail]).toEqual([413, "too-much-work", expect.stringMatching(sentence)]);
    expect(forward).not.toHaveBeenCalled();
    forward.mockRestore();
  });
});

test("the bytes count as they were sent, not as they inflate", async () => {
  const silence = writeWav({ samples: new Float32Array(80_000), sampleRate: 8000 });
  const sent = new Uint8Array(gzipSync(silence));
  expect(sent.length).toBeLessThan(1000);
  expect(await ask("/score", sent, { "Content-Encoding": "gzip" })).toMatchObject({ status: 413 });
  expect(await ask("/score", silence)).toMatchObject({ status: 200 });
});

test("parsing JSON counts as work", async () => {
  const sent = new Uint8Array(gzipSync(`{"midi":"${"A".repeat(4e6)}"}`));
  const limits = { ...DEFAULT_LIMITS, work: 1e9, workPerByte: 0 };
  const strict = createApp({ models: () => models, limits, version: "1.2.3", log: console.error });
  const { status, answer } = await ask(
    "/score",
    sent,
    { "Content-Encoding": "gzip", "Content-Type": "application/json" },
    strict,
  );
  expect([status, answer.code, answer.detail]).toEqual([
    413,
    "too-much-work",
    expect.stringMatching(/4\.8 billion for \d+ bytes of JSON/),
  ]);
});

test("reading MIDI counts as work", async () => {
  const notes = writeMidi(pianoRoll(Array.from({ length: 60_000 }, (_, t) => [60 + (t % 12)])), {
    framesPerQuarter: 1,
  });
  const limits = { ...DEFAULT_LIMITS, work: 1e9, workPerByte: 0 };
  const strict = createApp({ models: () => models, limits, version: "1.2.3", log: console.error });
  const sent = new Uint8Array(gzipSync(notes));
  const { status, answer } = await ask("/score", sent, { "Content-Encoding": "gzip" }, strict);
  expect([status, answer.code, answer.detail]).toEqual([
    413,
    "too-much-work",
    expect.stringMatching(/1\.9 billion for \d+ bytes of MIDI/),
  ]);
});

test("fewer models may be asked, or more in a longer body", async () => {
  expect(await ask("/score?detail=notes&models=jsb/*-nade", rest(900))).toMatchObject({ status: 200 });
  const pianoRoll = Array(900).fill([60]);
  expect(await ask("/score", JSON.stringify({ pianoRoll, detail: "notes" }))).toMatchObject({ status: 200 });
});

test("a line of a batch may ask for what its bytes are worth, and a request for more", async () => {
  const line = JSON.stringify({ midi: Buffer.from(rest(900)).toString("base64") });
  const headers = { "Content-Type": "application/x-ndjson" };
  expect(await ask("/score", line)).toMatchObject({ status: 200 });
  const response = await app.request("/batch", { method: "POST", body: `${line}\n`.repeat(50), headers });
  const lines = (await response.text()).trim().split("\n");
  expect(lines.map((each) => JSON.parse(each).problem?.code)).toEqual(Array(50).fill("too-much-work"));
});

test("a batch whose lines are compressed to nearly nothing ends", async () => {
  const headers = { "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip" };
  const bomb = gzipSync(`{"pianoRoll":[[60],[60]]}\n`.repeat(200_000));
  const response = await app.request("/batch?models=jsb/gru", { method: "POST", body: bomb, headers });
  const lines = (await response.text()).trim().split("\n");
  expect(lines.length).toBeLessThan(20_000);
  expect(lines.slice(0, -1).every((line) => JSON.parse(line).scores || JSON.parse(line).problem)).toBe(true);
  const last = JSON.parse(lines[lines.length - 1]);
  expect(last.problem ?? last).toMatchObject({
    code: "too-much-work",
    detail: expect.stringMatching(/^Expected lines of at least 0\.9 bytes each, as they are sent, got 0\.\d+\.$/),
  });
});

test("what was expected at every note of five minutes of chorales may be asked, as the page does", async () => {
  const folder = new URL("test/fixtures/chorales/", root);
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const frames: number[][] = names.flatMap((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")).pianoRoll);
  const midi = writeMidi(pianoRoll(frames.slice(0, 600)), { framesPerQuarter: 1 });
  const { status } = await ask("/score?detail=notes&expected=true&models=jsb/mixture-nade", midi);
  expect([frames.length > 600, status]).toEqual([true, 200]);
});

test("an operator may allow more, or anything", async () => {
  for (const times of [10, Number.POSITIVE_INFINITY]) {
    expect(await ask("/score?detail=notes", rest(900), {}, serving(times))).toMatchObject({ status: 200 });
  }
});

test("what was not foreseen is stopped when it has taken what it may", async () => {
  const chosen = models.filter(({ id }) => id === "musedata/tanh-nade") as MusicModel[];
  const piece = pieceOfRoll(pianoRoll([[60, 64, 67]]), DEFAULT_LIMITS);
  const body = '{"pianoRoll": [[60, 64, 67]], "models": "musedata/tanh-nade"}';
  // Nothing is left for the search of the likeliest frames.
  const work = body.length * JSON_BYTE_COST + predictMusicCost(piece, chosen, chosen, {}) + 1;
  const limits = { ...DEFAULT_LIMITS, work, workPerByte: 0 };
  const hurried = createApp({ models: () => models, limits, version: "1.2.3", log: console.error });
  const { status, answer } = await ask("/predict", body, {}, hurried);
  expect([status, answer.detail]).toEqual([
    413,
    expect.stringMatching(/, got more than that, which could not be foreseen\./),
  ]);
});
