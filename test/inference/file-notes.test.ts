import { type MidiEvent, writeMidi } from "midi-file";
import { describe, expect, test } from "vitest";
import { parseMidi } from "../../src/formats/midi.ts";
import { pieceOfMidi } from "../../src/inference/piece.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { randomModel } from "../support/models.ts";

const TICKS = 8;
const gru = randomModel({ set: "jsb", cell: "gru", pitches: 90 });

/** Notes as pitch, onset and length in quarters, and channel from 1; 60 quarters a minute in 3/4. */
function midi(notes: [pitch: number, onset: number, length: number, channel?: number][]) {
  const strokes = notes.flatMap(([noteNumber, onset, length, channel = 1]) => [
    { tick: onset * TICKS, event: { type: "noteOn", noteNumber, velocity: 64, channel: channel - 1 } },
    { tick: (onset + length) * TICKS, event: { type: "noteOff", noteNumber, velocity: 0, channel: channel - 1 } },
  ]);
  strokes.sort((a, b) => a.tick - b.tick || (a.event.type === "noteOff" ? -1 : 1));
  let before = 0;
  const events = strokes.map(({ tick, event }) => {
    const deltaTime = tick - before;
    before = tick;
    return { deltaTime, ...event } as MidiEvent;
  });
  const clef: MidiEvent = {
    deltaTime: 0,
    type: "timeSignature",
    numerator: 3,
    denominator: 4,
    metronome: 24,
    thirtyseconds: 8,
  };
  const tempo: MidiEvent = { deltaTime: 0, type: "setTempo", microsecondsPerBeat: 1e6 };
  const end: MidiEvent = { deltaTime: 0, type: "endOfTrack" };
  const file = {
    header: { format: 0 as const, numTracks: 1, ticksPerBeat: TICKS },
    tracks: [[tempo, clef, ...events, end]],
  };
  return pieceOfMidi(parseMidi(Uint8Array.from(writeMidi(file))), DEFAULT_LIMITS);
}

const scored = (piece: ReturnType<typeof midi>, expected = false) =>
  scoreMusic(piece, [gru], { detail: "notes", transpose: 0, expected });

describe("the notes of a file", () => {
  test("have their times, and their places in the bars", async () => {
    const { scores, bars } = await scored(
      midi([
        [60, 1, 1],
        [64, 2, 1.5, 3],
        [62, 4, 2],
      ]),
    );
    const [{ notes = [], startQuarters }] = scores;
    expect(startQuarters).toBe(1);
    expect(notes.map(({ nll, ...rest }) => rest)).toEqual([
      {
        frame: 0,
        pitch: 60,
        onsetQuarters: 1,
        durationQuarters: 1,
        onsetSeconds: 1,
        durationSeconds: 1,
        bar: 1,
        beat: 2,
        channel: 1,
        track: 1,
      },
      {
        frame: 1,
        pitch: 64,
        onsetQuarters: 2,
        durationQuarters: 1.5,
        onsetSeconds: 2,
        durationSeconds: 1.5,
        bar: 1,
        beat: 3,
        channel: 3,
        track: 1,
      },
      {
        frame: 3,
        pitch: 62,
        onsetQuarters: 4,
        durationQuarters: 2,
        onsetSeconds: 4,
        durationSeconds: 2,
        bar: 2,
        beat: 2,
        channel: 1,
        track: 1,
      },
    ]);
    expect(bars).toEqual([0, 3, 6].map((at) => ({ quarters: at, seconds: at })));
  });

  test("that have no score of their own say why", async () => {
    const { scores } = await scored(
      midi([
        [60, 0, 1],
        [60, 0, 2, 2],
        [60, 1, 1],
        [65, 1.5, 0.25],
        [100, 1, 1],
        [67, 2, 1],
      ]),
    );
    const [{ notes = [], unscored = [] }] = scores;
    expect(notes.map(({ pitch }) => pitch)).toEqual([60, 67]);
    expect(unscored.map(({ pitch, frame, reason }) => [pitch, frame, reason])).toEqual([
      [60, 0, "doubled"],
      [60, 1, "held"],
      [100, null, "out-of-range"],
      [65, null, "between-frames"],
    ]);
  });

  test("and that are in a frame all the same have the probability that they sound there", async () => {
    const { scores } = await scored(
      midi([
        [60, 0, 1],
        [60, 1, 1],
        [64, 1, 1],
        [64, 1, 1, 2],
      ]),
      true,
    );
    const [{ notes = [], unscored = [], perFrame = [] }] = scores;
    const [held, doubled] = unscored;
    expect(held).toMatchObject({ pitch: 60, reason: "held" });
    expect(doubled).toMatchObject({ pitch: 64, reason: "doubled", probability: notes[1].probability });
    const both = -Math.log((held.probability ?? 0) * (doubled.probability ?? 0));
    expect(both).toBeLessThan(perFrame[1] ?? 0); // the rest is that nothing else sounds
    expect(both).toBeGreaterThan(0);
  });
});
