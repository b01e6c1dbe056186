import { expect, test } from "vitest";
import { frameCount, type PianoRoll, pianoRoll } from "../../src/formats/piano-roll.ts";
import { evaluate } from "../../src/training/evaluate.ts";

/** A model to whom every frame of a piece is as surprising as the piece's first pitch is high. */
const model = {
  score: (roll: PianoRoll) => ({ nll: new Float64Array(frameCount(roll) - 1).fill(roll.pitches[0]) }),
};

test("micro weighs frames alike, macro pieces; first frames do not count", async () => {
  const pieces = [pianoRoll([[10], [], []]), pianoRoll([[40], [], [], [], [], [], []])];
  expect(await evaluate(model, pieces)).toEqual({
    scoredFrames: 8,
    micro: (2 * 10 + 6 * 40) / 8,
    macro: (10 + 40) / 2,
    pieces: [
      { scoredFrames: 2, nll: 10 },
      { scoredFrames: 6, nll: 40 },
    ],
  });
});

test("no pieces have no average", async () => {
  await expect(evaluate(model, [])).rejects.toThrow("Expected at least one piece, got none.");
});
