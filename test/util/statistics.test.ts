import { describe, expect, test } from "vitest";
import {
  better,
  type Estimate,
  macroAverage,
  microAverage,
  pairedDifference,
  seriesMean,
} from "../../src/util/statistics.ts";
import golden from "../fixtures/statistics/golden.json" with { type: "json" };
import { Random } from "../support/random.ts";

const pieces = (nll: readonly number[]) => nll.map((each, i) => ({ scoredFrames: golden.frames[i], nll: each }));
const [first, second] = [pieces(golden.first), pieces(golden.second)];

/** Value to rounding; ends within a twentieth of the width, four deviations of the noise of 10,000 resamples. */
function expectGolden(found: Estimate, [value, low, high]: readonly number[], tolerance = 0.05): void {
  expect(found.value).toBeCloseTo(value, 10);
  expect(Math.abs(found.low - low) / (high - low)).toBeLessThan(tolerance);
  expect(Math.abs(found.high - high) / (high - low)).toBeLessThan(tolerance);
}

/** Share of seeded trials whose interval holds the truth. */
function coverage(trials: number, truth: number, trial: (random: Random, seed: number) => Estimate): number {
  const random = new Random(1);
  const estimates = Array.from({ length: trials }, (_, seed) => trial(random, seed));
  return estimates.filter(({ low, high }) => low <= truth && truth <= high).length / trials;
}

/** Each step is half the one before and new chance. Mean 0. */
function autoregression(random: Random, steps: number): Float64Array {
  const series = new Float64Array(steps);
  let value = random.normal() / Math.sqrt(0.75);
  for (let t = 0; t < steps; t++) {
    series[t] = value;
    value = value / 2 + random.normal();
  }
  return series;
}

describe("averages over pieces", () => {
  test("have the intervals of scipy.stats.bootstrap", () => {
    expectGolden(microAverage(first), golden.micro);
    expectGolden(macroAverage(first), golden.macro);
  });

  test("differ between two models by as much as scipy.stats.bootstrap says", () => {
    const { micro, macro } = pairedDifference(first, second);
    expectGolden(micro, golden.microDifference);
    expectGolden(macro, golden.macroDifference);
  });

  test("have the normal law's interval when pieces are many and normal", () => {
    const random = new Random(2);
    const many = Array.from({ length: 2000 }, () => ({ scoredFrames: 1, nll: 8 + random.normal() }));
    const mean = many.reduce((sum, { nll }) => sum + nll, 0) / 2000;
    const deviation = Math.sqrt(many.reduce((sum, { nll }) => sum + (nll - mean) ** 2, 0) / 2000);
    const half = (1.959964 * deviation) / Math.sqrt(2000);
    expectGolden(microAverage(many), [mean, mean - half, mean + half]);
    expectGolden(macroAverage(many), [mean, mean - half, mean + half]);
  });

  test("hold the truth in 95 of 100 samples, with pieces of unequal length", () => {
    // The longer a piece, the lower its NLL: micro = E[frames · nll] / E[frames], with lengths 1 to 9 and nll 10 - length.
    const truth = (10 * 5 - 285 / 9) / 5;
    const share = coverage(300, truth, (random, seed) => {
      const sample = Array.from({ length: 80 }, () => random.integer(1, 9)).map((length) => ({
        scoredFrames: length,
        nll: 10 - length + random.normal(),
      }));
      return microAverage(sample, { resamples: 400, seed });
    });
    expect(share).toBeGreaterThan(0.91);
    expect(share).toBeLessThan(0.98);
  });

  test("come out alike for a seed, and otherwise for another", () => {
    expect(microAverage(first, { seed: 3 })).toEqual(microAverage(first, { seed: 3 }));
    expect(microAverage(first, { seed: 4 })).not.toEqual(microAverage(first, { seed: 3 }));
  });

  test("a difference of models on other pieces is refused", () => {
    expect(() => pairedDifference(first, second.slice(1))).toThrow(RangeError);
    expect(() => pairedDifference(first, second.toReversed())).toThrow(RangeError);
  });
});

describe("the mean of a series", () => {
  test("has the interval that NumPy finds by circular blocks of the same length, however few", () => {
    const series = Float64Array.from(golden.series);
    expectGolden(seriesMean(series, { resamples: 10_000 }), golden.seriesMean);
    expectGolden(seriesMean(series.slice(0, 36), { resamples: 10_000 }), golden.first36Mean);
  });

  test("is held by the interval although neighbours depend on each other, where drawing single steps fails", () => {
    const blocks = coverage(300, 0, (random, seed) =>
      seriesMean(autoregression(random, 300), { resamples: 400, seed }),
    );
    const steps = coverage(300, 0, (random, seed) => {
      const sample = Array.from(autoregression(random, 300), (nll) => ({ scoredFrames: 1, nll }));
      return microAverage(sample, { resamples: 400, seed });
    });
    expect(blocks).toBeGreaterThan(0.87);
    expect(blocks).toBeLessThan(0.98);
    expect(steps).toBeLessThan(0.8);
  });

  test("of equal steps is that step, without an interval", () => {
    const { value, low, high } = seriesMean(new Float64Array(37).fill(0.25));
    for (const end of [value, low, high]) expect(end).toBeCloseTo(0.25, 12);
  });
});

describe("a verdict", () => {
  test("is for the lower NLL, if the whole interval is on its side of zero", () => {
    const names = ["gru", "lstm"] as const;
    expect(better({ value: -1, low: -2, high: -0.1 }, names)).toBe("gru");
    expect(better({ value: 1, low: 0.1, high: 2 }, names)).toBe("lstm");
    expect(better({ value: 1, low: -0.1, high: 2 }, names)).toBeUndefined();
    expect(better({ value: 0, low: 0, high: 0 }, names)).toBeUndefined();
  });

  test("between equal models is wrong about once in twenty", () => {
    const random = new Random(5);
    const verdicts = Array.from({ length: 300 }, (_, seed) => {
      const [a, b] = [0, 1].map(() => Array.from({ length: 60 }, () => ({ scoredFrames: 9, nll: random.normal() })));
      return better(pairedDifference(a, b, { resamples: 400, seed }).micro, ["a", "b"]);
    });
    const wrong = verdicts.filter((name) => name !== undefined).length / 300;
    expect(wrong).toBeGreaterThan(0.02);
    expect(wrong).toBeLessThan(0.1);
  });
});
