import { expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { fitOf } from "../../src/inference/fit.ts";
import { pieceOfRoll } from "../../src/inference/piece.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { deciles } from "../../src/util/statistics.ts";
import { randomModel } from "../support/models.ts";

const measured = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20];
const model = Object.assign(randomModel({ set: "jsb", cell: "gru" }), {
  metrics: { test: { micro: 5, macro: 5, deciles: measured } },
});

test.each([
  [0, 0],
  [0.5, 5],
  [5, 50],
  [9, 90],
  [14.5, 95],
  [20, 100],
])("a piece of %d nats a frame has percentile %d", (nll, percentile) => {
  expect(fitOf(model, nll, { framesPerQuarter: 1 })).toEqual({ percentile, warnings: [] });
});

test("beyond all test pieces, above or below, a piece is unlike the music that the model knows", () => {
  const unlike = (than: string, all: string) => [
    {
      code: "unlike-training-music",
      count: 1,
      detail: `At ${than} surprising than any test piece of jsb (${all}): it is unlike the music that jsb/gru knows.`,
    },
  ];
  expect(fitOf(model, 20.01, { framesPerQuarter: 1 })).toEqual({
    percentile: 100,
    warnings: unlike("20.01 nats a frame this piece is more", "20.00 or less"),
  });
  expect(fitOf(model, -0.01, { framesPerQuarter: 1 })).toEqual({
    percentile: 0,
    warnings: unlike("-0.01 nats a frame this piece is less", "0.00 or more"),
  });
});

test("at another frame rate than the test pieces a piece has no place among them, and the answer says so", async () => {
  const detail = "At framesPerQuarter 4 there is no percentile: the test pieces of jsb were read at 1.";
  const warning = { code: "other-frame-rate", count: 1, detail };
  expect(fitOf(model, 5, { framesPerQuarter: 4 })).toEqual({ warnings: [warning] });
  const piece = pieceOfRoll(pianoRoll([[60], [62], [64]]), DEFAULT_LIMITS);
  const [score] = (await scoreMusic(piece, [model], { framesPerQuarter: 4 })).scores;
  expect(score).not.toHaveProperty("percentile");
  expect(score.warnings).toEqual([warning]);
});

test("a piece that was scored adaptively has its place among test pieces scored so", () => {
  const both = Object.assign(randomModel({ set: "jsb", cell: "gru" }), {
    metrics: { ...model.metrics, adaptiveTest: { micro: 4, macro: 4, deciles: measured.map((nll) => nll / 2) } },
  });
  const [plain, adaptive] = [false, true].map((adaptive) => fitOf(both, 3, { framesPerQuarter: 1, adaptive }));
  expect([plain?.percentile, adaptive?.percentile]).toEqual([30, 60]);
  expect(fitOf(model, 3, { framesPerQuarter: 1, adaptive: true })).toBeUndefined();
});

test("without test pieces nothing is said", () => {
  expect(fitOf(randomModel({ set: "jsb", cell: "gru" }), 5, { framesPerQuarter: 1 })).toBeUndefined();
});

test("deciles of a hundred and one numbers in any order are every tenth of them", () => {
  const shuffled = Array.from({ length: 101 }, (_, k) => (k * 37) % 101);
  expect(deciles(shuffled)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  expect(deciles([3])).toEqual(Array.from({ length: 11 }, () => 3));
});
