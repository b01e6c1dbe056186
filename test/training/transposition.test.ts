import { describe, expect, test } from "vitest";
import { pianoRoll, toFrames } from "../../src/formats/piano-roll.ts";
import { transposeSome } from "../../src/training/transposition.ts";
import { uniform } from "../../src/util/random.ts";

const HIGHEST = 96;
const frames = [[50, 54, 57], [], [60]];
const pieces = Array.from({ length: 4000 }, () => pianoRoll(frames));

/** Semitones by which a piece was moved; every pitch must have moved as far. */
function shiftOf(moved: ReturnType<typeof toFrames>, original = frames): number {
  const shift = moved[0][0] - original[0][0];
  expect(moved).toEqual(original.map((frame) => frame.map((pitch) => pitch + shift)));
  return shift;
}

const shiftsOf = (settings: { transposedShare: number; maxTransposition: number }) =>
  transposeSome(pieces, settings, HIGHEST, uniform(7)).map((piece) => {
    if (piece instanceof Float32Array) throw new Error("No piece of music.");
    return shiftOf(toFrames(piece));
  });

describe("random transposition", () => {
  test("moves the asked share of pieces, all shifts alike, and each piece as a whole", () => {
    const shifts = shiftsOf({ transposedShare: 0.75, maxTransposition: 5 });
    const count = (shift: number) => shifts.filter((each) => each === shift).length;
    expect(Math.abs(count(0) - 1000)).toBeLessThan(4 * Math.sqrt(4000 * 0.25 * 0.75));
    for (const shift of [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]) {
      expect(Math.abs(count(shift) - 300)).toBeLessThan(4 * Math.sqrt(4000 * 0.075 * 0.925));
    }
    expect(Math.max(...shifts.map(Math.abs))).toBe(5);
  });

  test("keeps every pitch within the model's range", () => {
    const high = [[90, HIGHEST - 1]];
    const moved = transposeSome(
      Array.from({ length: 200 }, () => pianoRoll(high)),
      { transposedShare: 1, maxTransposition: 3 },
      HIGHEST,
      uniform(2),
    );
    const shifts = moved.map((piece) => (piece instanceof Float32Array ? Number.NaN : shiftOf(toFrames(piece), high)));
    expect([...new Set(shifts)].sort((a, b) => a - b)).toEqual([-3, -2, -1, 1]);
  });

  test("leaves a piece alone that cannot move, and one of rests", () => {
    const settings = { transposedShare: 1, maxTransposition: 5 };
    const full = pianoRoll([[1, HIGHEST]]);
    expect(transposeSome([full], settings, HIGHEST, uniform(1))).toEqual([full]);
    const rests = pianoRoll([[], []]);
    expect(transposeSome([rests], settings, HIGHEST, uniform(1))).toEqual([rests]);
  });

  test("draws nothing when no piece is to be moved, so that older trainings can be repeated", () => {
    const uniform = () => {
      throw new Error("drawn");
    };
    expect(transposeSome(pieces, { transposedShare: 0, maxTransposition: 0 }, HIGHEST, uniform)).toBe(pieces);
  });
});
