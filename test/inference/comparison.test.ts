import { expect, test } from "vitest";
import { compareWithBest, type ScoredInput } from "../../src/inference/comparison.ts";
import { Random } from "../support/random.ts";

const FRAMES = 200;

/** A model that needs so many nats a frame, and chance. */
const model = (id: string, nats: number, reading = {}, frames = FRAMES): ScoredInput => {
  const random = new Random(id.charCodeAt(0));
  const nll = Float64Array.from({ length: frames }, () => nats + random.normal());
  return { model: id, input: { framesPerQuarter: 1, leftOut: 0, ...reading }, nll };
};

const mean = (values: Float64Array) => values.reduce((a, b) => a + b) / values.length;

const best = model("best", 8);

test("a model that is far behind is worse, and one beside the best is not told from it", () => {
  const [far, near] = [model("far", 9), model("near", 8.001)];
  const { comparisons, notCompared } = compareWithBest(best, [far, near]);
  expect(notCompared).toEqual([]);
  expect(comparisons.map(({ model, better }) => [model, better])).toEqual([
    ["far", "best"],
    ["near", null],
  ]);
  expect(comparisons[0].difference).toBeCloseTo(mean(far.nll) - mean(best.nll), 10);
  const { low, high } = comparisons[0].interval;
  // Differences of two normal numbers of deviation 1 deviate by √2.
  expect((high - low) / (2 * 1.96 * Math.sqrt(2 / FRAMES))).toBeCloseTo(1, 0);
});

test("models that read other frames are named with the reason, not compared", () => {
  const others = [model("finer", 9, { framesPerQuarter: 2 }), model("shorter", 9, { leftOut: 4 })];
  expect(compareWithBest(best, others)).toEqual({
    comparisons: [],
    notCompared: [
      {
        model: "finer",
        reason: "It read the piece at 2 frames per quarter note, best 1: their frames differ.",
      },
      { model: "shorter", reason: "It left out 4 notes, best 0: their frames differ." },
    ],
  });
});

test("a piece of few frames gets no verdict", () => {
  const { comparisons, notCompared } = compareWithBest(model("best", 8, {}, 29), [model("far", 20, {}, 29)]);
  expect(comparisons).toEqual([]);
  expect(notCompared).toEqual([{ model: "far", reason: "Expected at least 30 scored frames, got 29." }]);
});
