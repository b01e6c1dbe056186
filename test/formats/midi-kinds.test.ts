import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { gridWarnings, type MidiNotes, parseMidi, quantize } from "../../src/formats/midi.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";

const folder = new URL("../fixtures/midi/kinds/", import.meta.url);
const kind = (name: string) => readFileSync(new URL(name, folder));
const notesOf = ({ ticksPerQuarter, pitches, onsets, offsets }: MidiNotes) => ({
  ticksPerQuarter,
  pitches,
  onsets,
  offsets,
});
const base = parseMidi(kind("00-base.mid"));
const two = parseMidi(kind("00-two.mid"));
const details = (notes: MidiNotes) => {
  const quantized = quantize(notes, 1, { maxFrames: DEFAULT_LIMITS.frames });
  return [...notes.warnings, ...gridWarnings(quantized, 1, notes)].map(({ detail }) => detail);
};

test("the references are what the README says", () => {
  expect(base.pitches).toHaveLength(16);
  expect(base.durationQuarters).toBe(16);
  expect(two.pitches).toHaveLength(20);
  expect(two.durationQuarters).toBe(16);
  expect([...base.warnings, ...two.warnings]).toEqual([]);
});

/** Files that mean the notes of a reference, and their only warning. */
const same: [string, MidiNotes, string | undefined][] = [
  ["00-base.mid", base, undefined],
  ["00-two.mid", two, undefined],
  ["02a-length-5-too-long-last.mid", base, "Track 1 is 5 bytes shorter than its length says."],
  ["02b-length-5-too-long-first-of-2.mid", two, "Track 1 is 5 bytes shorter than its length says."],
  ["02e-length-0-streaming.mid", base, "Track 1 is 148 bytes longer than its length says."],
  ["02f-missing-last-byte.mid", base, "Track 1 is 1 byte shorter than its length says."],
  ["03a-ntrks-one-too-many.mid", two, "The header counts 3 tracks, the file has 2; notes may be lacking."],
  ["03b-ntrks-one-too-few.mid", two, "The header counts 1 track, the file has 2."],
  ["03e-ntrks-0.mid", base, "The header counts 0 tracks, the file has 1."],
  ["05a-format-2-one-track.mid", base, undefined],
  ["07d-rmid-data-size-0.rmi", base, 'The RIFF chunk "data" claims 0 bytes and has 170.'],
  ["15c-key-signature-1-byte.mid", base, undefined],
  ["15d-sequence-number-0-bytes.mid", base, undefined],
  ["15f-smpte-offset-4-bytes.mid", base, undefined],
  ["15h-tempo-4-bytes.mid", base, undefined],
  ["19d-one-zero-byte-between.mid", two, "A gap of 1 byte lies before track 2."],
  [
    "23b-melody-on-channel-10.mid",
    base,
    "4 notes of channel 10 (drums) were left out: channels=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 reads them too.",
  ],
  ["30j-macbinary.mid", base, "The MIDI file begins after 128 bytes of a MacBinary header."],
  ["37a-f8-in-track.mid", base, "Track 1 has 1 system message, such as timing clocks, which no file should have."],
  ["38b-velocity-200.mid", base, "Track 1 has data above 127 in 1 event."],
  ["38e-sysex-without-length.mid", base, "Track 1 has 1 system-exclusive message without a length."],
];

/** Files that are refused. */
const refused: [string, SurprisalError["code"], string][] = [
  [
    "17c-one-stray-note-far-away.mid",
    "too-large",
    "Expected at most 10000 frames, got 50017 at 1 frame a quarter note: 50,000 quarters of silence lie between quarter 16 and the last note.",
  ],
  [
    "23a-drums-only.mid",
    "nothing-to-score",
    "Expected notes that are not drums, got 16 notes, all of them drums on channel 10. channels=10 reads them as pitches.",
  ],
  ["30a-html-404.mid", "malformed-midi", 'got an HTML page that begins "<!DOCTYPE html> <html><h".'],
  ["30c-gzip.mid.gz", "malformed-midi", "got a gzip archive that begins with the bytes 1f 8b 08 00"],
  ["30h-utf8-mangled.mid", "malformed-midi", "read as text and written again as UTF-8: 33 of its bytes are lost"],
];

/** Files whose notes stand by themselves. */
const own = [
  "10c-repeated-notes-whole.mid",
  "10d-repeated-notes-one-off-missing.mid",
  "12b-never-ended-late-eot.mid",
  "27a-triplets.mid",
  "27b-eighths-at-one-frame-a-quarter.mid",
];

test("every file of the folder is in a table here", () => {
  const files = readdirSync(folder).filter((name) => name !== "README.md");
  expect(
    [...same, ...refused]
      .map(([name]) => name)
      .concat(own)
      .sort(),
  ).toEqual(files.sort());
});

describe("a file of a kind that users report", () => {
  test.each(same)("%s is read as it is meant", (name, reference, warning) => {
    const notes = parseMidi(kind(name));
    expect(notesOf(notes)).toEqual(notesOf(reference));
    expect(details(notes)).toEqual(warning === undefined ? [] : [warning]);
  });

  test.each(refused)("%s is refused and its cause named", (name, code, sentence) => {
    expect.assertions(3);
    try {
      details(parseMidi(kind(name)));
    } catch (error) {
      expect(error).toBeInstanceOf(SurprisalError);
      expect(error).toHaveProperty("code", code);
      expect(error).toHaveProperty("message", expect.stringContaining(sentence));
    }
  });

  test("a note-off that is lost costs one note its length", () => {
    const whole = parseMidi(kind("10c-repeated-notes-whole.mid"));
    const lost = parseMidi(kind("10d-repeated-notes-one-off-missing.mid"));
    expect(lost.durationQuarters).toBe(31);
    expect(lost.onsets).toEqual(whole.onsets);
    expect(lost.offsets).toEqual(whole.offsets.with(2, whole.onsets[3]));
    expect(details(lost)).toEqual(["1 note has no note-off and ends where the same pitch is struck again."]);
  });

  test("a note that nothing ends lasts to the last note event, not to a far End of Track", () => {
    const notes = parseMidi(kind("12b-never-ended-late-eot.mid"));
    expect(notes.pitches).toHaveLength(17);
    expect(notes.durationQuarters).toBe(16);
    expect(details(notes)[0]).toBe("1 note has no end and lasts to the last note event or the end of the track.");
  });

  test("triplets are counted where they miss the grid", () => {
    // Of three eighth triplets one begins on the quarter: 8 of 24 on the grid, whether it has 1, 2 or 4 frames.
    const notes = parseMidi(kind("27a-triplets.mid"));
    expect(notes.pitches).toHaveLength(24);
    for (const rate of [1, 2, 4]) expect(quantize(notes, rate).offGrid).toBe(16);
    expect(quantize(notes, 3).offGrid).toBe(0);
    expect(details(notes)).toContain("16 of 24 onsets lie between grid points at 1 frame a quarter note.");
  });

  test("a melody in eighths at one frame a quarter has one pitch a frame", () => {
    const notes = parseMidi(kind("27b-eighths-at-one-frame-a-quarter.mid"));
    const { roll } = quantize(notes, 1);
    expect(roll.offsets).toEqual(Uint32Array.from({ length: 9 }, (_, t) => t));
    expect(details(notes)[0]).toBe(
      "8 of 16 notes fall between frames at 1 frame a quarter note; a higher framesPerQuarter reads more, but no model was trained at another rate than its own.",
    );
  });
});
