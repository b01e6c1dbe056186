import { describe, expect, test } from "vitest";
import { clipRoll, frameCount, pianoRoll, sliceRoll, toFrames, transposeRoll } from "../../src/formats/piano-roll.ts";

const FRAMES = [[60, 64, 67], [], [1, 127], [64]];

const failure = (code: string) => expect.objectContaining({ name: "SurprisalError", code });

describe("a piano roll", () => {
  test("stands in compressed rows", () => {
    const roll = pianoRoll(FRAMES);
    expect([...roll.offsets]).toEqual([0, 3, 3, 5, 6]);
    expect([...roll.pitches]).toEqual([60, 64, 67, 1, 127, 64]);
    expect(frameCount(roll)).toBe(4);
    expect(toFrames(roll)).toEqual(FRAMES);
  });

  test("takes pitches in any order and once", () => {
    expect(toFrames(pianoRoll([[100, 9, 60, 9]]))).toEqual([[9, 60, 100]]);
  });

  test("may have no frames", () => {
    expect(toFrames(pianoRoll([]))).toEqual([]);
  });

  test.each([0, 128, -1, 60.5, Number.NaN])("has no pitch %d", (pitch) => {
    expect(() => pianoRoll([[60], [60, pitch]])).toThrow(failure("malformed-piano-roll"));
    expect(() => pianoRoll([[60], [60, pitch]])).toThrow(`as the pitches of frame 1, got ${pitch}.`);
  });

  test("is sliced by frames as a list is", () => {
    const roll = pianoRoll(FRAMES);
    for (let start = 0; start <= FRAMES.length; start++) {
      for (let end = start; end <= FRAMES.length; end++) {
        expect(toFrames(sliceRoll(roll, start, end))).toEqual(FRAMES.slice(start, end));
      }
    }
    expect(toFrames(sliceRoll(sliceRoll(roll, 1, 4), 1, 3))).toEqual(FRAMES.slice(2, 4));
  });
});

describe("transposition", () => {
  test("moves every pitch and counts those that leave the range", () => {
    const roll = pianoRoll(FRAMES);
    const up = transposeRoll(roll, 2);
    expect(toFrames(up.roll)).toEqual([[62, 66, 69], [], [3], [66]]);
    expect(up.leftOut).toBe(1);
    const down = transposeRoll(roll, -64);
    expect(toFrames(down.roll)).toEqual([[3], [], [63], []]);
    expect(down.leftOut).toBe(4);
    expect(toFrames(roll)).toEqual(FRAMES);
  });

  test("is undone by its opposite when nothing is left out", () => {
    const roll = pianoRoll([[60, 64], [], [50]]);
    expect(transposeRoll(transposeRoll(roll, -6).roll, 6)).toEqual({ roll, leftOut: 0 });
  });

  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY])("by %d semitones is refused", (semitones) => {
    expect(() => transposeRoll(pianoRoll(FRAMES), semitones)).toThrow(failure("malformed-request"));
  });
});

describe("clipping", () => {
  test("leaves out the pitches above the highest and counts them frame by frame", () => {
    const { roll, leftOut } = clipRoll(pianoRoll([[64, 65], [66, 67], [65]]), 65);
    expect(toFrames(roll)).toEqual([[64, 65], [], [65]]);
    expect(leftOut).toBe(2);
  });

  test("keeps a roll whose pitches all fit", () => {
    const roll = pianoRoll(FRAMES);
    expect(clipRoll(roll, 127)).toEqual({ roll, leftOut: 0 });
  });
});
