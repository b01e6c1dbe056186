/** The shipped models of music while they learn: what the catalogue says of it, and the worst pieces that there are. */
import { expect, test } from "vitest";
import { DEFAULT_FOLDER, openModels } from "../../src/entry/node/local.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { modelsOfKind } from "../../src/model/select.ts";
import { loadMusicSet } from "../../src/training/datasets.ts";
import { evaluate } from "../../src/training/evaluate.ts";
import { hasMusicSet } from "../support/data.ts";

const all = await (await openModels(DEFAULT_FOLDER)).models();
const music = modelsOfKind(all, "music", ["*/*"]);

test("every model of music, and every ensemble, predicts the test pieces of its set better when it learns from each", () => {
  for (const { id, metrics } of music) {
    expect(metrics.adaptiveTest?.micro, id).toBeLessThan(metrics.test?.micro ?? Number.NaN);
    expect(metrics.adaptiveTest?.macro, id).toBeLessThan(metrics.test?.macro ?? Number.NaN);
  }
});

test.skipIf(!hasMusicSet("jsb"))("the catalogue names the adaptive test NLL within 1e-4", async () => {
  const { test: pieces } = await loadMusicSet("jsb");
  for (const model of music.filter(({ set }) => set === "jsb")) {
    const { micro, macro } = await evaluate({ score: (piece) => model.adaptiveScore(piece) }, pieces);
    expect(Math.abs(micro - (model.metrics.adaptiveTest?.micro ?? Number.NaN)), model.id).toBeLessThan(1e-4);
    expect(Math.abs(macro - (model.metrics.adaptiveTest?.macro ?? Number.NaN)), model.id).toBeLessThan(1e-4);
  }
});

test("all pitches and none in turn do not carry a model away: it learns even that", async () => {
  for (const model of music.filter(({ networks }) => networks.length === 1)) {
    const every = Array.from({ length: model.pitches }, (_, d) => d + 1);
    const { nll } = await model.adaptiveScore(pianoRoll(Array.from({ length: 300 }, (_, t) => (t % 2 ? [] : every))));
    const mean = (part: Float64Array) => part.reduce((sum, each) => sum + each, 0) / part.length;
    expect(nll.every(Number.isFinite), model.id).toBe(true);
    expect(mean(nll.subarray(200)), model.id).toBeLessThan(0.1 * mean(nll.subarray(0, 10)));
  }
});
