import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { type MidiNotes, parseMidi, quantize, writeMidi } from "../../src/formats/midi.ts";
import { frameCount, type PianoRoll, pianoRoll, toFrames } from "../../src/formats/piano-roll.ts";
import { MAX_FRAMES } from "../../src/limits.ts";
import { loadMusicSet } from "../../src/training/datasets.ts";
import { hasMusicSet } from "../support/data.ts";
import { Random, randomFrames } from "../support/random.ts";
import { requires } from "../support/requires.ts";

const fixture = (name: string) => readFileSync(new URL(`../fixtures/midi/${name}`, import.meta.url));

interface Expected extends Pick<MidiNotes, "unclosed" | "leftOut" | "durationQuarters"> {
  readonly file: string;
  readonly channels: number[];
  readonly notes: number;
  readonly frames: Record<string, number[][]>; // by framesPerQuarter
}
const golden: Expected[] = JSON.parse(fixture("expected.json").toString());
const files = [...new Set(golden.map(({ file }) => file))];

const uint16 = (n: number) => [(n >> 8) & 255, n & 255];
const uint32 = (n: number) => [...uint16(n >>> 16), ...uint16(n)];
const text = (characters: string) => [...characters].map((character) => character.charCodeAt(0));
const chunk = (id: string, body: number[], length = body.length) => [...text(id), ...uint32(length), ...body];

/** A file of whole chunks; what a test names may lie. */
function midi(tracks: number[][], { format = 1, count = tracks.length, division = 4 } = {}): Uint8Array {
  const header = [...uint16(format), ...uint16(count), ...uint16(division)];
  return Uint8Array.from([...chunk("MThd", header), ...tracks.flatMap((body) => chunk("MTrk", body))]);
}

const END = [0, 0xff, 0x2f, 0];
const NOTE = [0, 0x90, 60, 64, 4, 0x80, 60, 64]; // a quarter note at 4 ticks a quarter
const framesOf = (bytes: Uint8Array, framesPerQuarter = 1, channels?: number[]) =>
  toFrames(quantize(parseMidi(bytes, channels && { channels }), framesPerQuarter));

/** The error that a call throws; a test fails when it throws none, or one that no client should see. */
function refusal(call: () => unknown): SurprisalError {
  try {
    call();
  } catch (error) {
    if (error instanceof SurprisalError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("reading", () => {
  test.each(golden)("$file, channels $channels, as an independent reader does", (expected) => {
    const notes = parseMidi(fixture(expected.file), { channels: expected.channels });
    expect(notes.pitches).toHaveLength(expected.notes);
    expect(notes.unclosed).toBe(expected.unclosed);
    expect(notes.leftOut).toBe(expected.leftOut);
    expect(notes.durationQuarters).toBeCloseTo(expected.durationQuarters, 9);
    for (const [framesPerQuarter, frames] of Object.entries(expected.frames)) {
      expect(toFrames(quantize(notes, Number(framesPerQuarter)))).toEqual(frames);
    }
  });

  test("leaves the drums out unless they are chosen", () => {
    const file = midi([[0, 0x99, 36, 64, 4, 0x89, 36, 64, ...NOTE, ...END]]);
    expect(framesOf(file)).toEqual([[60]]);
    expect(framesOf(file, 1, [1, 10])).toEqual([[36], [60]]);
  });

  test("rounds halves of a frame up and gives every note a frame", () => {
    // Onsets and offsets in frames: 0 to 0.25, 0.5 to 1.5, 2.25 to 2.5, 2.75 to 3.25.
    const pairs = [
      [60, 0, 1],
      [62, 1, 4],
      [64, 3, 1],
      [65, 1, 2],
    ]; // pitch, ticks before, ticks long
    const track = pairs.flatMap(([pitch, rest, length]) => [rest, 0x90, pitch, 64, length, 0x80, pitch, 0]);
    expect(framesOf(midi([[...track, ...END]]))).toEqual([[60], [62], [64], [65]]);
  });

  test("lets a note that nothing ends last to the end of its own track", () => {
    const file = midi([
      [0, 0x90, 60, 64, 8, ...END.slice(1)],
      [0, 0x91, 72, 64, 12, 0x81, 72, 0, ...END],
    ]);
    expect(framesOf(file)).toEqual([[60, 72], [60, 72], [72]]);
    expect(parseMidi(file).unclosed).toBe(1);
  });

  test("takes a track without an end mark, and nothing behind one", () => {
    expect(framesOf(midi([NOTE]))).toEqual([[60]]);
    expect(framesOf(midi([[...NOTE, ...END, ...NOTE]]))).toEqual([[60]]);
  });

  test("skips chunks of other kinds, a longer header and bytes after the last track", () => {
    const header = chunk("MThd", [...uint16(1), ...uint16(1), ...uint16(4), 9, 9]);
    const track = chunk("MTrk", [...NOTE, ...END]);
    const file = [...header, ...chunk("XFIH", [1, 2, 3]), ...track, 0, 0, 0];
    expect(framesOf(Uint8Array.from(file))).toEqual([[60]]);
  });

  test("passes over a text and system-exclusive data of half a million bytes", () => {
    const long = new Array(500_000).fill(65);
    const length = [0x80 | (long.length >> 14), 0x80 | ((long.length >> 7) & 127), long.length & 127];
    const track = [0, 0xff, 1, ...length, ...long, 0, 0xf0, ...length, ...long, ...NOTE, ...END];
    expect(framesOf(midi([track]))).toEqual([[60]]);
  });

  test("keeps the file's own grid when the music begins between two frames", () => {
    const track = [3, 0x90, 60, 64, 2, 0x80, 60, 0, 1, 0x90, 62, 64, 4, 0x80, 62, 0, ...END]; // quarters 0.75 to 1.25, 1.5 to 2.5
    expect(framesOf(midi([track]), 1)).toEqual([[60], [62]]);
    expect(framesOf(midi([track]), 2)).toEqual([[60], [62], [62]]);
  });
});

describe("a damaged file", () => {
  const whole = midi([[...NOTE, ...END]]);

  test.each<[string, Uint8Array, string]>([
    ["is empty", new Uint8Array(), 'The file begins with "" and has 0 bytes; wanted "MThd" and at least 14.'],
    ["is of another kind", Uint8Array.from(text("RIFF\x20\0\0\0WAVEfmt ")), 'The file begins with "RIFF"'],
    ["is a wrapper of nothing", Uint8Array.from(text("RIFF\x0c\0\0\0RMIDLIST\0\0\0\0")), 'has no chunk "data"'],
    ["has a header cut short", whole.slice(0, 13), 'begins with "MThd" and has 13 bytes'],
    ["has a header of 4 bytes", whole.with(7, 4), "The header has 4 bytes; wanted at least 6."],
    ["is of format 2", midi([[...NOTE, ...END]], { format: 2 }), "The file is of MIDI format 2; wanted 0 or 1."],
    ["has no ticks", midi([[...NOTE, ...END]], { division: 0 }), "The header has 0 ticks per quarter note; wanted"],
    ["has no SMPTE ticks", midi([NOTE], { division: 0xe700 }), "25 SMPTE frames a second of 0 ticks; wanted"],
    ["has an unknown SMPTE rate", midi([NOTE], { division: 0xff28 }), "1 SMPTE frames a second of 40 ticks; wanted"],
    ["claims 65535 tracks", midi([NOTE], { count: 65535 }), "ends after 1 tracks; wanted the 65535 of its header."],
    ["claims a track of 2^32 bytes", whole.fill(255, 18, 22).slice(), "claims 4294967295 bytes; wanted at most the 12"],
    [
      "is cut off in a track",
      midi([[...NOTE, ...END]]).slice(0, -5),
      'chunk "MTrk" claims 12 bytes; wanted at most the 7',
    ],
    ["ends in a delta time", midi([[...NOTE, 0x81, 0x80]]), "Track 1 of 1 ends in the middle of an event"],
    ["ends behind a delta time", midi([[...NOTE, 0]]), "Track 1 of 1 ends in the middle of an event"],
    ["ends behind a status byte", midi([[...NOTE, 0, 0x90]]), "Track 1 of 1 ends in the middle of an event"],
    ["ends before a velocity", midi([[...NOTE, 0, 0x90, 60]]), "Track 1 of 1 ends in the middle of an event"],
    ["ends in a tempo", midi([[...NOTE, 0, 0xff, 0x51, 3, 7]]), "Track 1 of 1 ends in the middle of an event"],
    ["begins with running status", midi([[0, 60, 64, ...END]]), "Track 1 of 1 cannot be read"],
    ["has an unknown status byte", midi([[0, 0xf1, 0, ...END]]), "Unrecognised MIDI event type byte: 241"],
    [
      "has a tempo of 2 bytes",
      midi([[0, 0xff, 0x51, 2, 7, 7, ...END]]),
      "Expected length for setTempo event is 3, got 2",
    ],
    ["has a text beyond its track", midi([[0, 0xff, 1, 9, 65, ...END]]), "an event claims 9 bytes where 5 are left"],
    ["has a pitch above 127", midi([[0, 0x90, 200, 64, ...END]]), "a note with a data byte above 127"],
    ["has a velocity above 127", midi([[0, 0x90, 60, 200, ...END]]), "a note with a data byte above 127"],
  ])("that %s is refused in a sentence", (_, file, sentence) => {
    const error = refusal(() => parseMidi(file));
    expect(error.message).toContain(sentence);
    expect(error.message).toMatch(/^[^\n]+; wanted [^\n]+\.$/);
    expect(error.code).toBe("malformed-midi");
  });

  test("cannot send the reader back by a negative length", () => {
    // Five bytes of variable length overflow 32 bits to -16: the event before, again and again.
    const track = [...NOTE, 0, 0xf0, 0x8f, 0xff, 0xff, 0xff, 0x70, ...END];
    expect(refusal(() => parseMidi(midi([track]))).message).toContain("an event claims -16 bytes");
  });

  test("cannot go back in time by a negative delta", () => {
    const track = [0x8f, 0xff, 0xff, 0xff, 0x70, 0x90, 60, 64, ...END];
    expect(refusal(() => parseMidi(midi([track]))).message).toContain("an event -16 ticks after the one before");
  });

  test("of any kind is read or refused", () => {
    const random = new Random(5);
    const codes = new Map<string, number>();
    for (let round = 0; round < 4000; round++) {
      let bytes = Uint8Array.from(fixture(random.pick(files)));
      for (let edits = random.integer(1, 2); edits > 0; edits--) {
        const at = random.integer(0, bytes.length - 1);
        const kind = random.integer(0, 3);
        if (kind === 0) bytes = bytes.slice(0, at + 1);
        else if (kind === 1)
          bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + random.integer(1, 4))]);
        else bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0x90, 0xf0, 0xff, random.integer(0, 255)]);
        if (bytes.length === 0) break;
      }
      let code = "read";
      try {
        const roll = quantize(parseMidi(bytes), random.pick([1, 2, 4]));
        expectSound(roll);
      } catch (error) {
        if (!(error instanceof SurprisalError)) throw error;
        code = error.code;
      }
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    expect(codes.get("read")).toBeGreaterThan(500);
    expect(codes.get("malformed-midi")).toBeGreaterThan(500);
  });
});

describe("a limit", () => {
  const delta28 = [0xff, 0xff, 0xff, 0x7f]; // 2^28 - 1 ticks

  test("holds a file of 40 bytes that claims 2^28 ticks, between notes or in one", () => {
    const between = midi([[...NOTE, ...delta28, 0x90, 60, 64, ...END]], { division: 1 });
    const within = midi([[0, 0x90, 60, 64, ...delta28, 0x80, 60, 64, ...END]], { division: 1 });
    for (const [file, frames] of [
      [between, 268435459],
      [within, 268435455],
    ] as const) {
      const error = refusal(() => quantize(parseMidi(file), 1));
      expect(error.code).toBe("too-large");
      expect(error.message).toContain(`The notes span ${frames + (file === between ? 1 : 0)} frames at 1`);
    }
  });

  test("does not count silence around the music", () => {
    const file = midi([[...delta28, ...NOTE.slice(1), ...delta28, ...END.slice(1)]]);
    expect(framesOf(file)).toEqual([[60]]);
  });

  test("of frames is exact", () => {
    const long = parseMidi(midi([[0, 0x90, 60, 64, 100, 0x80, 60, 0, ...END]], { division: 1 }));
    expect(frameCount(quantize(long, 1, 100))).toBe(100);
    expect(refusal(() => quantize(long, 1, 99)).message).toContain(
      "span 100 frames at 1 frames a quarter note; wanted at most 99.",
    );
    expect(refusal(() => quantize({ ...long, offsets: Float64Array.of(MAX_FRAMES + 1) }, 1)).code).toBe("too-large");
  });

  test("of bytes and of notes is exact", () => {
    const file = midi([[...NOTE, ...NOTE, ...END]]);
    expect(parseMidi(file, { limits: { bytes: file.length, notes: 2 } }).pitches).toHaveLength(2);
    expect(refusal(() => parseMidi(file, { limits: { bytes: file.length - 1 } })).code).toBe("too-large");
    expect(refusal(() => parseMidi(file, { limits: { notes: 1 } })).message).toContain(
      "has 2 notes; wanted at most 1.",
    );
  });

  test("keeps many long notes of one pitch as cheap as one", () => {
    // 20,000 notes of 10,000 frames each: 200 million cells if each were filled anew.
    const count = 20_000;
    const ons = new Array(count).fill([0, 0x90, 60, 64]).flat();
    const offs = [0xce, 0x10, 0x80, 60, 0, ...new Array(count - 1).fill([0, 0x80, 60, 0]).flat()];
    const roll = quantize(parseMidi(midi([[...ons, ...offs, ...END]], { division: 1 })), 1);
    expect(frameCount(roll)).toBe(10_000);
    expect(roll.pitches).toHaveLength(10_000);
  });

  test("finds nothing to score where there are no notes on the channels", () => {
    const drums = midi([[0, 0x99, 36, 64, 4, 0x89, 36, 64, ...END]]);
    for (const file of [drums, midi([END]), midi([]), midi([[0, 0x90, 0, 64, 4, 0x80, 0, 64, ...END]])]) {
      expect(refusal(() => parseMidi(file)).code).toBe("nothing-to-score");
    }
    expect(refusal(() => parseMidi(drums)).message).toContain("has 1 notes, 0 of them on channels 1 to 16 but 10;");
    expect(refusal(() => parseMidi(drums, { channels: [] })).code).toBe("nothing-to-score");
  });

  test.each([[0], [17], [1.5], [Number.NaN]])("of channels refuses %d", (channel) => {
    expect(refusal(() => parseMidi(midi([NOTE]), { channels: [1, channel] })).code).toBe("malformed-request");
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1025])("of the grid refuses %d frames a quarter", (value) => {
    expect(refusal(() => quantize(parseMidi(midi([NOTE])), value)).code).toBe("malformed-request");
    expect(refusal(() => writeMidi(pianoRoll([[60]]), { framesPerQuarter: value })).code).toBe("malformed-request");
  });
});

describe("writing", () => {
  test("gives the bytes that the specification asks for", () => {
    const body = [
      [0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40], // 60 quarter notes a minute: 1,000,000 microseconds
      [0, 0x90, 60, 80, 24, 0x90, 64, 80], // 60 is held over the second frame
      [24, 0x80, 60, 0, 0, 0x80, 64, 0], // a rest
      [24, 0x90, 62, 80, 24, 0x80, 62, 0, 0, 0x90, 61, 80], // off before on
      [24, 0x80, 61, 0, 24, 0xff, 0x2f, 0], // the last frame is a rest
    ].flat();
    const bytes = writeMidi(pianoRoll([[60], [60, 64], [], [62], [61], []]), { framesPerQuarter: 2, tempo: 60 });
    expect(bytes).toEqual(midi([body], { format: 0, division: 48 }));
  });

  test("is read back as the same roll", () => {
    const random = new Random(11);
    for (let round = 0; round < 300; round++) {
      const frames = randomFrames(random, random.integer(1, 60), 127, random.pick([0.5, 4, 30])).map((frame) =>
        frame.map((column) => column + 1),
      );
      frames.unshift([random.integer(1, 127)]);
      frames.push([random.integer(1, 127)]);
      const framesPerQuarter = random.pick([1, 2, 3, 4, 6, 7, 12, 24, 480, 1024, 0.5, 0.3, 1.5, 1 / 64]);
      const roll = pianoRoll(frames);
      const notes = parseMidi(writeMidi(roll, { framesPerQuarter, tempo: random.integer(4, 1000) }));
      expect(quantize(notes, framesPerQuarter)).toEqual(roll);
      expect(notes.unclosed).toBe(0);
    }
  });

  test("loses silence at the ends, and nothing else", () => {
    const bytes = writeMidi(pianoRoll([[], [], [60], [], [62], []]), { framesPerQuarter: 1 });
    expect(framesOf(bytes)).toEqual([[60], [], [62]]);
  });

  test("gives a whole file for a roll of silence", () => {
    expect(refusal(() => parseMidi(writeMidi(pianoRoll([[], []]), { framesPerQuarter: 1 }))).code).toBe(
      "nothing-to-score",
    );
  });

  test.each([3, 1001, Number.NaN])("refuses a tempo of %d", (tempo) => {
    expect(refusal(() => writeMidi(pianoRoll([[60]]), { framesPerQuarter: 1, tempo })).code).toBe("malformed-request");
  });
});

describe.skipIf(!hasMusicSet("jsb"))("JSB Chorales", () => {
  test("come back from MIDI as they were, every test piece", async () => {
    const { test: pieces } = await loadMusicSet("jsb");
    expect(pieces).toHaveLength(77);
    for (const roll of pieces) {
      expect(quantize(parseMidi(writeMidi(roll, { framesPerQuarter: 1 })), 1)).toEqual(roll);
    }
  });
});

describe("files from the world", () => {
  const { SURPRISAL_MIDI_FOLDER: folders = "" } = process.env;
  const hasFolders = requires(
    folders !== "",
    "SURPRISAL_MIDI_FOLDER is not set; it names folders of MIDI files to try, several joined as in PATH",
  );

  test.skipIf(!hasFolders)("are read, and read back as they were written", () => {
    const paths = folders.split(delimiter).flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(midi?|rmi)$/i.test(name))
        .map((name) => join(folder, name)),
    );
    expect(paths).not.toEqual([]);
    for (const path of paths) {
      const notes = parseMidi(readFileSync(path));
      for (const framesPerQuarter of [1, 2, 4]) {
        const roll = quantize(notes, framesPerQuarter);
        expectSound(roll);
        const again = framesOf(writeMidi(roll, { framesPerQuarter }), framesPerQuarter);
        expect(JSON.stringify(again), path).toBe(JSON.stringify(toFrames(roll)));
      }
    }
  });
});

/** A roll as its type promises, that begins and ends with a sounding frame. */
function expectSound(roll: PianoRoll): void {
  const frames = toFrames(roll);
  expect(String(pianoRoll(frames).pitches), "ascending and distinct").toBe(String(roll.pitches));
  expect(frames[0]).not.toEqual([]);
  expect(frames.at(-1)).not.toEqual([]);
}
