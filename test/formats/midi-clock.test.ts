import { describe, expect, test } from "vitest";
import { midiClock } from "../../src/formats/midi.ts";

const TICKS = 480;

const clock = ({ tempos = [], signatures = [], isSmpte = false }: Partial<Described> = {}) =>
  midiClock({
    ticksPerQuarter: TICKS,
    tempo: isSmpte ? undefined : tempos[0]?.[1],
    tempos: tempos.map(([quarter, tempo]) => ({ tick: quarter * TICKS, tempo })),
    timeSignatures: signatures.map(([quarter, ...signature]) => ({ tick: quarter * TICKS, signature })),
  });

interface Described {
  readonly tempos: [quarter: number, tempo: number][];
  readonly signatures: [quarter: number, beats: number, unit: number][];
  readonly isSmpte: boolean;
}

const at = (quarter: number) => quarter * TICKS;

describe("seconds", () => {
  test("are those of 120 quarter notes a minute where the file says nothing, and before its first tempo", () => {
    expect(clock().seconds(at(3))).toBeCloseTo(1.5, 12);
    expect(clock({ tempos: [[2, 60]] }).seconds(at(3))).toBeCloseTo(2, 12);
  });

  test("follow every change of tempo", () => {
    const { seconds } = clock({
      tempos: [
        [0, 60],
        [4, 120],
        [4, 240],
        [8, 30],
      ],
    });
    expect([0, 2, 4, 6, 8, 9].map((quarter) => seconds(at(quarter)))).toEqual([0, 2, 4, 4.5, 5, 7]);
  });

  test("of SMPTE time do not", () => {
    expect(clock({ tempos: [[0, 60]], isSmpte: true }).seconds(at(4))).toBe(2);
  });
});

describe("bars and beats", () => {
  test("are those of 4/4 where the file says nothing", () => {
    expect(clock().place(0)).toEqual({ bar: 1, beat: 1 });
    expect(clock().place(at(6.5))).toEqual({ bar: 2, beat: 3.5 });
  });

  test("count the note value that the signature names, and a new signature begins a new bar", () => {
    const { place, bars } = clock({
      signatures: [
        [0, 3, 4],
        [5, 6, 8],
      ],
    });
    expect([0, 3, 4.5].map((quarter) => place(at(quarter)))).toEqual([
      { bar: 1, beat: 1 },
      { bar: 2, beat: 1 },
      { bar: 2, beat: 2.5 },
    ]);
    expect(place(at(5))).toEqual({ bar: 3, beat: 1 });
    expect(place(at(8.5))).toEqual({ bar: 4, beat: 2 });
    expect(bars(at(9), 100)).toEqual([0, 3, 5, 8].map(at));
  });

  test("are not listed where there would be too many", () => {
    expect(clock({ signatures: [[0, 1, 128]] }).bars(at(100), 1000)).toEqual([]);
  });
});
