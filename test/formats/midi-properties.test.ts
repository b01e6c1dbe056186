import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { type MidiNotes, parseMidi, quantize, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";

fc.configureGlobal({ seed: 7 }); // the same cases on every machine

const text = (characters: string) => [...characters].map((character) => character.charCodeAt(0));
const uint32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const delta = (n: number) => (n < 128 ? [n] : [128 | (n >> 7), n & 127]);

/** A note that begins `rest` ticks after the one before has ended; notes of a track follow each other. */
const anyNote = fc.record({
  rest: fc.integer({ min: 0, max: 400 }),
  length: fc.integer({ min: 1, max: 900 }),
  pitch: fc.integer({ min: 1, max: 127 }),
  velocity: fc.integer({ min: 1, max: 127 }),
});
type Line = { rest: number; length: number; pitch: number; velocity: number }[];
const anyLines = fc.array(fc.array(anyNote, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 });

const END = [0, 0xff, 0x2f, 0];
const noteEvents = ({ rest, length, pitch, velocity }: Line[number], channel: number) => [
  [...delta(rest), 0x90 | channel, pitch, velocity],
  [...delta(length), 0x80 | channel, pitch, 0],
];

/** What a file is made of; each fault changes one thing. */
interface Parts {
  trackCount: number;
  before: number[][]; // bytes before each track's chunk
  lengthOf: ((bytes: number) => number)[]; // what each track says of its length
  events: number[][][]; // by track, whole events, without the End of Track
  ends: number[][]; // by track
}
const partsOf = (lines: Line[]): Parts => ({
  trackCount: lines.length,
  before: lines.map(() => []),
  lengthOf: lines.map(() => (bytes) => bytes),
  events: lines.map((line, track) => line.flatMap((note) => noteEvents(note, track))),
  ends: lines.map(() => END),
});

function fileOf({ trackCount, before, lengthOf, events, ends }: Parts): Uint8Array {
  const tracks = events.map((track, i) => {
    const body = [...track.flat(), ...ends[i]];
    return [...before[i], ...text("MTrk"), ...uint32(Math.max(0, lengthOf[i](body.length))), ...body];
  });
  return Uint8Array.from([...text("MThd"), 0, 0, 0, 6, 0, 1, 0, trackCount, 1, 0xe0, ...tracks.flat()]);
}

const notesOf = ({ pitches, onsets, offsets, channels, tracks }: MidiNotes) => ({
  pitches,
  onsets,
  offsets,
  channels,
  tracks,
});

/** Faults that cost no note. Each says what it does to the parts, by a number that the property draws. */
const faults: Record<string, (parts: Parts, n: number) => void> = {
  "a length too long": (parts, n) => {
    parts.lengthOf[n % parts.events.length] = (bytes) => bytes + 1 + (n % 7);
  },
  "a length of 0": (parts, n) => {
    parts.lengthOf[n % parts.events.length] = () => 0;
  },
  "a length too short": (parts, n) => {
    parts.lengthOf[n % parts.events.length] = (bytes) => bytes - 1 - (n % 7);
  },
  "a length that says that it is unknown": (parts, n) => {
    parts.lengthOf[n % parts.events.length] = () => (n % 2 === 0 ? 0xffffffff : 0x7fffffff);
  },
  "more tracks counted": (parts, n) => {
    parts.trackCount += 1 + (n % 50);
  },
  "fewer tracks counted": (parts, n) => {
    parts.trackCount = n % parts.trackCount;
  },
  "bytes between tracks": (parts, n) => {
    parts.before[n % parts.before.length] = Array.from({ length: 1 + (n % 9) }, (_, i) => (n * (i + 1)) % 128);
  },
  "a velocity above 127": (parts, n) => {
    const note = parts.events[n % parts.events.length][0];
    note[note.length - 1] = 128 + (n % 100);
  },
  "a message of a cable": (parts, n) => {
    const messages = [[0xf1, 9], [0xf2, 9, 9], [0xf3, 9], [0xf4], [0xf5], [0xf6], [0xf8], [0xf9], [0xfd], [0xfe]];
    const track = parts.events[n % parts.events.length];
    track.splice(n % (track.length + 1), 0, [0, ...messages[n % messages.length]]);
  },
  "a timing clock within an event": (parts, n) => {
    const track = parts.events[n % parts.events.length];
    const event = track[n % track.length];
    event.splice(event.length - 2, 0, 0xf8); // after the status
  },
  "a program above 127": (parts, n) => {
    parts.events[n % parts.events.length].unshift([0, 0xc0, 128 + (n % 100)]);
  },
  "a system-exclusive message without a length": (parts, n) => {
    parts.events[n % parts.events.length].unshift([0, 0xf0, 0x7e, 0x7f, 9, 1, 0xf7]);
  },
  "an End of Track amid the track": (parts, n) => {
    const track = parts.events[n % parts.events.length];
    track.splice(n % track.length, 0, END);
  },
};

/** Faults that play no part in a score: no warning is due. */
const harmless: Record<string, number[]> = {
  "a key signature of 1 byte": [0, 0xff, 0x59, 1, 0],
  "a sequence number of 0 bytes": [0, 0xff, 0, 0],
  "an SMPTE offset of 4 bytes": [0, 0xff, 0x54, 4, 0x60, 0, 3, 0],
  "a tempo of 4 bytes": [0, 0xff, 0x51, 4, 0, 7, 161, 32],
  "a time signature of 1 byte": [0, 0xff, 0x58, 1, 4],
  "a channel prefix of 3 bytes": [0, 0xff, 0x20, 3, 0, 0, 0],
};

describe("any roll", () => {
  test("that begins and ends with a note is read back as it was written", () => {
    const pitch = fc.integer({ min: 1, max: 127 });
    const sounding = fc.array(pitch, { minLength: 1, maxLength: 8 });
    const frames = fc.tuple(sounding, fc.array(fc.array(pitch, { maxLength: 8 }), { maxLength: 40 }), sounding);
    const rate = fc.oneof(fc.integer({ min: 1, max: 1024 }), fc.double({ min: 1 / 64, max: 1024, noNaN: true }));
    fc.assert(
      fc.property(frames, rate, ([first, middle, last], framesPerQuarter) => {
        const roll = pianoRoll([first, ...middle, last]);
        const notes = parseMidi(writeMidi(roll, { framesPerQuarter, timeSignature: [6, 8], tempo: 90 }));
        expect(quantize(notes, framesPerQuarter)).toMatchObject({ roll, betweenFrames: 0 });
        expect(notes.timeSignature).toEqual([6, 8]);
        expect(notes.tempo).toBeCloseTo(90, 3);
        expect(notes.warnings).toEqual([]);
      }),
    );
  });
});

describe("a whole file with", () => {
  test.each(Object.entries(faults))("%s gives all of its notes, and one warning", (_, damage) => {
    fc.assert(
      fc.property(anyLines, fc.nat({ max: 10_000 }), (lines, n) => {
        const whole = parseMidi(fileOf(partsOf(lines)));
        expect(whole.warnings).toEqual([]);
        const parts = partsOf(lines);
        damage(parts, n);
        const damaged = parseMidi(fileOf(parts));
        expect(notesOf(damaged)).toEqual(notesOf(whole));
        expect(damaged.warnings.map(({ code }) => code)).toEqual(["repaired-midi"]);
      }),
    );
  });

  test.each(Object.entries(harmless))("%s gives all of its notes", (_, event) => {
    fc.assert(
      fc.property(anyLines, (lines) => {
        const parts = partsOf(lines);
        parts.events[0].unshift(event);
        const notes = parseMidi(fileOf(parts));
        expect(notesOf(notes)).toEqual(notesOf(parseMidi(fileOf(partsOf(lines)))));
        expect(notes.warnings).toEqual([]);
      }),
    );
  });

  test("a lost note-off gives all other notes their length", () => {
    fc.assert(
      fc.property(anyLines, fc.nat({ max: 10_000 }), (lines, n) => {
        const whole = parseMidi(fileOf(partsOf(lines)));
        const parts = partsOf(lines);
        const track = parts.events[n % lines.length];
        const off = 2 * (n % (track.length / 2)) + 1;
        track[off] = [...delta(lines[n % lines.length][(off - 1) / 2].length), 0xff, 1, 0];
        const notes = parseMidi(fileOf(parts));
        expect(notes.onsets).toEqual(whole.onsets);
        expect(notes.offsets.filter((tick, i) => tick !== whole.offsets[i]).length).toBeLessThanOrEqual(1);
        expect(notes.warnings.map(({ count }) => count)).toEqual([1]);
      }),
    );
  });

  test("a late End of Track gives the notes as they were", () => {
    fc.assert(
      fc.property(anyLines, (lines) => {
        const parts = partsOf(lines);
        parts.ends[0] = [0xff, 0xff, 0xff, 0x7f, 0xff, 0x2f, 0];
        expect(notesOf(parseMidi(fileOf(parts)))).toEqual(notesOf(parseMidi(fileOf(partsOf(lines)))));
      }),
    );
  });
});

describe("arbitrary bytes", () => {
  const orRefused = (bytes: Uint8Array) => {
    try {
      quantize(parseMidi(bytes, { pedal: true }), 2);
    } catch (error) {
      if (!(error instanceof SurprisalError)) throw error;
    }
  };

  test("are read or refused", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), orRefused));
  });

  test("are read or refused as the events of a track", () => {
    const byte = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 0x40, 0x90, 0x80, 0xf0, 0xf7, 0xff, 0x2f, 0x4d));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 120 }), fc.integer({ min: -9, max: 9 }), (bytes, error) => {
        orRefused(
          fileOf({
            trackCount: 1,
            before: [[]],
            lengthOf: [(length) => length + error],
            events: [[bytes]],
            ends: [END],
          }),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
