import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { predict, score } from "../../src/inference/answer.ts";
import { costOfSecond, predictMusicCost, scoreMusicCost, speechCost } from "../../src/inference/cost.ts";
import { pieceOfRoll } from "../../src/inference/piece.ts";
import { recordingOf } from "../../src/inference/recording.ts";
import { DEFAULT_LIMITS, MAX_STEPS, workLimit } from "../../src/limits.ts";
import { Ensemble } from "../../src/model/ensemble.ts";
import type { MusicModel } from "../../src/model/music-model.ts";
import type { ScoreOptions } from "../../src/schema/options.ts";
import { fileStore } from "../../src/store/files.ts";
import { loadModels } from "../../src/store/load.ts";
import { Work } from "../../src/util/work.ts";
import { randomModel, randomPiece, randomRecording, testSpeechModels } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

const nade = (["gru", "lstm"] as const).map((cell) => randomModel({ set: "jsb", cell, preset: "nade", hidden: 8 }));
const music: MusicModel[] = [
  randomModel({ set: "jsb", cell: "tanh" }),
  ...nade,
  new Ensemble({ id: "jsb/mixture-nade", version: "00" }, nade),
  randomModel({ set: "nottingham", cell: "gru", pitches: 70, framesPerQuarter: 2 }),
];
const speech = testSpeechModels();

/** What was counted, as a share of what was expected. */
async function share(expected: number, compute: (work: Work) => Promise<unknown>): Promise<number> {
  const work = new Work();
  await compute(work);
  return work.done / expected;
}

describe("what an answer is expected to take is what is counted while it is computed", () => {
  const dense = (frames: number) => Array(frames).fill(Array.from({ length: 60 }, (_, k) => 10 + k));
  const pieceOf = (frames: readonly number[][]) => pieceOfRoll(pianoRoll(frames), DEFAULT_LIMITS);

  test.each<[number, ScoreOptions]>([
    [50, {}],
    [700, {}],
    [50, { transpose: "auto" }],
    [700, { transpose: "auto" }],
    [700, { detail: "notes" }],
    [700, { models: ["jsb/mixture-nade"] }],
  ])("scores of %i frames, %j", async (frames, options) => {
    const piece = pieceOf(randomPiece(1, frames));
    const chosen = options.models ? music.filter(({ id }) => options.models?.includes(id)) : music;
    const found = await share(scoreMusicCost(piece, chosen, music, options), (work) =>
      score(piece, music, { models: ["*/*"], ...options }, work),
    );
    expect(found).toBeGreaterThan(0.8);
    expect(found).toBeLessThan(1.01);
  });

  test.each([33, 193, 700])("scores of %i frames that are full, in the key that is found", async (frames) => {
    const piece = pieceOf(dense(frames));
    const found = await share(scoreMusicCost(piece, [music[0]], music, { transpose: "auto" }), (work) =>
      score(piece, music, { models: ["jsb/tanh"], transpose: "auto" }, work),
    );
    expect(found).toBeGreaterThan(0.8);
    expect(found).toBeLessThan(1.01);
  });

  test.each([{}, { steps: 100 }, { steps: 20, transpose: "auto" as const }])("predictions, %j", async (options) => {
    const piece = pieceOf(randomPiece(1, 300));
    const found = await share(predictMusicCost(piece, music, music, options), (work) =>
      predict(piece, music, { models: ["*/*"], ...options }, work),
    );
    expect(found).toBeGreaterThan(0.8); // beside it the search of the likeliest frames, which is not foreseen
  });

  test("what follows frames that are full", async () => {
    const piece = pieceOf(dense(7000));
    const [network] = music.filter(({ id }) => id === "jsb/tanh");
    const found = await share(predictMusicCost(piece, [network], music, { steps: 1 }), (work) =>
      predict(piece, music, { models: ["jsb/tanh"], steps: 1 }, work),
    );
    expect(found).toBeGreaterThan(0.8);
    expect(found).toBeLessThan(1.25); // the search of the likeliest frames is not foreseen
  });

  test.each([undefined, 500])("ten seconds of speech, and %j steps", async (steps) => {
    const recording = await recordingOf({ samples: randomRecording(1, 80_000), sampleRate: 8000 }, DEFAULT_LIMITS);
    const found = await share(speechCost(recording, speech, { steps }), (work) =>
      steps ? predict(recording, speech, { steps }, work) : score(recording, speech, {}, work),
    );
    expect(found).toBeGreaterThan(0.9);
    expect(found).toBeLessThan(1.1);
  });
});

describe("with the shipped models", async () => {
  const { models } = await loadModels(fileStore(fileURLToPath(new URL("../../models", import.meta.url))), kernelModule);
  const shipped = models.filter((model) => model.kind === "music");

  test("ten minutes of speech in Opus at 6 kbit/s may be scored by all models", () => {
    const ogg = 0.05; // what the container adds
    expect(600 * costOfSecond(models)).toBeLessThan(workLimit(DEFAULT_LIMITS, (1 + ogg) * 600 * (6000 / 8)));
  });

  test("10,000 frames may be scored by all models, in every key", () => {
    const roll = Array.from({ length: 10_000 }, (_, t) => [60 + (t % 12)]);
    const bytes = JSON.stringify({ pianoRoll: roll }).length;
    const piece = pieceOfRoll(pianoRoll(roll), DEFAULT_LIMITS);
    const cost = scoreMusicCost(piece, shipped, shipped, { transpose: "auto" });
    expect(cost).toBeLessThan(workLimit(DEFAULT_LIMITS, bytes));
  });

  test("a chord may be continued by the recommended models for as many frames as may be asked", () => {
    const piece = pieceOfRoll(pianoRoll([[60, 64, 67]]), DEFAULT_LIMITS);
    const recommended = shipped.filter(({ preset }) => preset === "nade");
    const cost = predictMusicCost(piece, recommended, shipped, { steps: MAX_STEPS.music });
    expect(cost).toBeLessThan(DEFAULT_LIMITS.work);
  });
});
