import { expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { best, tryAdaptiveRates, withAdaptiveRate } from "../../src/training/adaptive-rate.ts";
import { uniform } from "../../src/util/random.ts";
import { randomCheckpoint } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

const checkpoint = randomCheckpoint({ set: "jsb", cell: "gru", hidden: 5 });
/** Drawn from the model itself: it has nothing to learn from them, so what it learns is wrong, and the faster the worse. */
const pieces = await Promise.all([80, 60].map(async (frames, seed) => pianoRoll(await sampled(frames, uniform(seed)))));

async function sampled(frames: number, draw: () => number): Promise<number[][]> {
  const network = new MusicNetwork(checkpoint, "", kernelModule);
  const piece = [[60]];
  let { state, next } = await network.advance(network.initialState(), pianoRoll(piece));
  while (piece.length < frames) {
    piece.push(next.sample(draw, 1));
    ({ state, next } = await network.advance(state, pianoRoll(piece.slice(-1))));
  }
  return piece;
}

const tried = await tryAdaptiveRates(checkpoint, kernelModule, pieces);

test("each rate has the NLL over all frames of the pieces that a model of that rate gives them", async () => {
  for (const { rate, valid } of tried) {
    const { metadata } = withAdaptiveRate(checkpoint, rate);
    const network = new MusicNetwork({ ...checkpoint, metadata }, "", kernelModule);
    const scored = await Promise.all(pieces.map((piece) => network.adaptiveScore(piece)));
    const nll = scored.flatMap((each) => [...each.nll]);
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
