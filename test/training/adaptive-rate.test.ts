import { expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { best, tryAdaptiveRates, withAdaptiveRate } from "../../src/training/adaptive-rate.ts";
import { randomCheckpoint, randomPiece } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

const checkpoint = randomCheckpoint({ set: "jsb", cell: "gru", hidden: 5 });
const pieces = [400, 300].map((frames, seed) => pianoRoll(randomPiece(seed, frames)));

const tried = await tryAdaptiveRates(checkpoint, kernelModule, pieces);

test("each rate has the NLL over all frames of the pieces that a model of that rate gives them", () => {
  for (const { rate, valid } of tried) {
    const { metadata } = withAdaptiveRate(checkpoint, rate);
    const nll = pieces.flatMap((piece) => [
      ...new MusicNetwork({ ...checkpoint, metadata }, "", kernelModule).adaptiveScore(piece).nll,
    ]);
    expect(valid).toBeCloseTo(nll.reduce((sum, each) => sum + each, 0) / nll.length, 9);
  }
});

test("rates rise until two in a row are no better than the best, which is chosen", () => {
  expect(tried.map(({ rate }) => rate)).toEqual(tried.map(({ rate }) => rate).toSorted((p, q) => p - q));
  expect(tried.indexOf(best(tried))).toBe(tried.length - 3);
  expect(best(tried).valid).toBe(Math.min(...tried.map(({ valid }) => valid)));
});

test("another rate changes neither the tensors nor where the metadata have it", () => {
  const written = (rate: number, from = checkpoint) => writeCheckpoint(withAdaptiveRate(from, rate));
  const read = readCheckpoint(written(0.05));
  expect(read.tensors).toEqual(checkpoint.tensors);
  expect(read.metadata.adaptiveRate).toBe("0.05");
  expect(written(0.02, read)).toEqual(written(0.02));
});
