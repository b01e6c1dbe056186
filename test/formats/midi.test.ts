import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { isMidi, type MidiNotes, parseMidi, quantize, writeMidi } from "../../src/formats/midi.ts";
import { frameCount, type PianoRoll, pianoRoll, toFrames } from "../../src/formats/piano-roll.ts";
import { MAX_FRAMES } from "../../src/limits.ts";
import { loadMusicSet } from "../../src/training/datasets.ts";
import { hasMusicSet } from "../support/data.ts";
import { Random, randomFrames } from "../support/random.ts";
import { requires } from "../support/requires.ts";

const fixture = (name: string) => readFileSync(new URL(`../fixtures/midi/${name}`, import.meta.url));

interface Expected extends Pick<MidiNotes, "durationQuarters"> {
  readonly file: string;
  readonly restruck: number;
  readonly unclosed: number;
  readonly pitch0: number;
  readonly betweenFrames: Record<string, number>;
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
  toFrames(quantize(parseMidi(bytes, { channels }), framesPerQuarter).roll);
const countOf = ({ warnings }: MidiNotes, code: string, detail = /./) =>
  warnings.find((warning) => warning.code === code && detail.test(warning.detail))?.count ?? 0;

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
    expect(countOf(notes, "restruck-notes")).toBe(expected.restruck);
    expect(countOf(notes, "unclosed-notes")).toBe(expected.unclosed);
    expect(countOf(notes, "notes-left-out", /pitch 0/)).toBe(expected.pitch0);
    expect(notes.durationQuarters).toBeCloseTo(expected.durationQuarters, 9);
    for (const [framesPerQuarter, frames] of Object.entries(expected.frames)) {
      const { roll, betweenFrames } = quantize(notes, Number(framesPerQuarter));
      expect(toFrames(roll)).toEqual(frames);
      expect(betweenFrames).toBe(expected.betweenFrames[framesPerQuarter]);
    }
  });

  test("leaves the drums out unless they are chosen", () => {
    const file = midi([[0, 0x99, 36, 64, 4, 0x89, 36, 64, ...NOTE, ...END]]);
    expect(framesOf(file)).toEqual([[60]]);
    expect(framesOf(file, 1, [1, 10])).toEqual([[36], [60]]);
  });

  test("puts a note into the frames whose sample points it covers, 3/8 after the grid points", () => {
    // At 8 ticks a quarter, points at ticks 3, 11, 19, 27: onset and length of each pitch.
    const pairs = [
      [60, 0, 3], // ends at the point: not in frame 0
      [62, 0, 1], // tick 3 to 4: in frame 0
      [64, 4, 12], // tick 8 to 20: frames 1 and 2
      [65, 0, 7], // tick 20 to 27: between
      [67, 0, 1], // tick 27 to 28: frame 3
    ]; // pitch, ticks before, ticks long
    const track = pairs.flatMap(([pitch, rest, length]) => [rest, 0x90, pitch, 64, length, 0x80, pitch, 0]);
    const notes = parseMidi(midi([[...track, ...END]], { division: 8 }));
    const quantized = quantize(notes, 1);
    expect(toFrames(quantized.roll)).toEqual([[62], [64], [64], [67]]);
    expect(quantized).toMatchObject({ betweenFrames: 2, offGrid: 3 });
    expect(toFrames(quantize(notes, 1, { samplePoint: 0 }).roll)).toEqual([[60], [64], [64], [65]]);
  });

  test("lets a note that nothing ends last to the end of its own track", () => {
    const file = midi([
      [0, 0x90, 60, 64, 8, ...END.slice(1)],
      [0, 0x91, 72, 64, 12, 0x81, 72, 0, ...END],
    ]);
    expect(framesOf(file)).toEqual([[60, 72], [60, 72], [72]]);
    expect(countOf(parseMidi(file), "unclosed-notes")).toBe(1);
  });

  test("takes a track without an end mark, and reads on after one that comes too early", () => {
    expect(framesOf(midi([NOTE]))).toEqual([[60]]);
    const early = midi([[...NOTE, ...END, ...NOTE]]);
    expect(framesOf(early)).toEqual([[60], [60]]);
    expect(countOf(parseMidi(early), "repaired-midi", /Track 1 goes on after an End of Track/)).toBe(1);
    expect(framesOf(midi([[...NOTE, ...END, 0, 60, 64, 9, 9]])), "no events").toEqual([[60]]);
  });

  test("reads the note-off that stands alone after an End of Track", () => {
    const [on, off] = [NOTE.slice(0, 4), NOTE.slice(4)];
    for (const body of [
      [...on, ...END, ...off, ...END],
      [...on, ...END, ...off],
    ]) {
      const notes = parseMidi(midi([body]));
      expect([...notes.offsets]).toEqual([4]);
      expect(notes.warnings.map(({ code }) => code)).toEqual(["repaired-midi"]);
    }
  });

  test.each([0, 0x7fffffff, 0xffffffff])(
    "reads on after an early End of Track where the length is unknown, %i",
    (length) => {
      const header = chunk("MThd", [...uint16(1), ...uint16(2), ...uint16(4)]);
      const early = chunk("MTrk", [...NOTE, ...END, ...NOTE, ...END], length);
      const next = chunk("MTrk", [0, 0x91, 72, 64, 4, 0x81, 72, 0, ...END]);
      const notes = parseMidi(Uint8Array.from([...header, ...early, ...next]));
      expect([...notes.pitches]).toEqual([60, 72, 60]);
      expect(notes.warnings.map(({ detail }) => detail)).toEqual([
        "Track 1 goes on after an End of Track.",
        "Track 1 is 24 bytes longer than its length says.",
      ]);
      const unended = chunk("MTrk", [...NOTE, ...END, ...NOTE], length);
      expect([...parseMidi(Uint8Array.from([...header, ...next, ...unended])).pitches]).toEqual([72, 60, 60]);
    },
  );

  test("searches a file of many Ends of Track once, not from each of them", () => {
    const searches = vi.spyOn(Uint8Array.prototype, "indexOf");
    const searchesOf = (ends: number) => {
      searches.mockClear();
      parseMidi(midi([[...NOTE, ...Array<number[]>(ends).fill(END).flat()]]));
      return searches.mock.calls.length;
    };
    expect(searchesOf(2000)).toBe(searchesOf(2));
    searches.mockRestore();
  });

  describe("in wrappers within each other", () => {
    const bare = [...midi([[...NOTE, ...END]])];
    const riff = (data: number[]) => {
      const length = uint32(data.length).reverse();
      return [...text("RIFF"), ...uint32(data.length + 12).reverse(), ...text("RMIDdata"), ...length, ...data];
    };
    const macBinary = (data: number[]) => [0, 5, ...text("a.mid"), ...new Array(121).fill(0), ...data];
    const utf8 = (data: number[]) => [...new TextEncoder().encode(String.fromCharCode(...data))];
    const wrappers: [string, (data: number[]) => number[]][] = [
      ["RIFF", riff],
      ["MacBinary", macBinary],
      ["UTF-8", utf8],
    ];
    test.each(
      wrappers.flatMap(([outer, wrap]) => wrappers.map(([inner, own]) => [inner, outer, wrap(own(bare))] as const)),
    )("%s in %s is read", (_, __, file) => {
      expect(isMidi(Uint8Array.from(file))).toBe(true);
      expect(framesOf(Uint8Array.from(file))).toEqual([[60]]);
    });

    test("what is there in the place of a MIDI file is named", () => {
      const page = riff(riff(text("<!doctype html><p>")));
      expect(refusal(() => parseMidi(Uint8Array.from(page))).message).toBe(
        'Expected a MIDI file, which begins "MThd", got an HTML page that begins "<!doctype html><p>" in its wrapper.',
      );
      let deep = bare;
      for (let depth = 0; depth < 9; depth++) deep = riff(deep);
      expect(refusal(() => parseMidi(Uint8Array.from(deep))).message).toContain("in at most 8 wrappers");
    });
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

  test("does not read what a longer file has left after the last track", () => {
    const two = midi([
      [...NOTE, ...END],
      [...NOTE, ...END],
    ]);
    const leftover = [...NOTE.slice(3), ...END, ...chunk("MTrk", [0, 0x90, 72, 64, 4, 0x80, 72, 0, ...END])];
    const file = parseMidi(Uint8Array.from([...two, ...leftover]));
    expect([...file.pitches]).toEqual([60, 60]);
    expect(file.warnings).toEqual([]);
    const cut = Uint8Array.from([...two, ...chunk("MTrk", NOTE, 999)]);
    expect([...parseMidi(cut).pitches]).toEqual([60, 60]);
    expect(countOf(parseMidi(cut), "repaired-midi", /stands another that cannot be read/)).toBe(1);
  });

  test("chooses tracks and programs, and counts what it leaves out", () => {
    const file = midi([
      [0, 0xc0, 40, ...NOTE, ...END],
      [0, 0x91, 72, 64, 4, 0x81, 72, 0, ...END],
    ]);
    expect([...parseMidi(file, { tracks: [2] }).pitches]).toEqual([72]);
    const violin = parseMidi(file, { programs: [41] });
    expect([...violin.pitches]).toEqual([60]);
    expect([...violin.tracks, ...violin.channels]).toEqual([1, 1]);
    expect(violin.warnings.map(({ detail }) => detail)).toEqual(["1 note of other programs was left out by programs."]);
    expect(refusal(() => parseMidi(file, { tracks: [3] })).message).toContain(
      "in tracks 3, got 2 notes on channels 1, 2",
    );
  });

  test("reads one piece of format 2 if it is chosen", () => {
    const file = midi(
      [
        [...NOTE, ...END],
        [...NOTE, ...END],
      ],
      { format: 2 },
    );
    expect([...parseMidi(file, { tracks: [2] }).tracks]).toEqual([2]);
  });

  test("lengthens notes to the end of the pedal", () => {
    const track = [...NOTE, 0, 0xb0, 64, 127, 0, 0x90, 62, 64, 2, 0x80, 62, 0, 10, 0xb0, 64, 0, ...END];
    expect([...parseMidi(midi([track])).offsets]).toEqual([4, 6]);
    expect([...parseMidi(midi([track]), { pedal: true }).offsets]).toEqual([4, 16]);
  });

  test("counts no onset as off the grid for being late with all the others", () => {
    const track = (delay: number, off: number) => [delay, 0x90, 60, 64, 8, 0x80, 60, 0, off, ...NOTE.slice(1), ...END];
    const offGrid = (delay: number, off = 0) =>
      quantize(parseMidi(midi([track(delay, off)], { division: 8 })), 1).offGrid;
    for (let delay = 0; delay < 8; delay++) expect([offGrid(delay), offGrid(delay, 3)]).toEqual([0, 1]);
    // At 7 frames a quarter of 8 ticks, onsets at ticks 0, 1, 2, 3, 5, 6, 7 are as near as ticks come to the grid.
    const rounded = Array.from({ length: 7 }, (_, k) => [Math.round((8 * k) / 7), 60 + k]);
    const chord = rounded.flatMap(([tick, pitch], k) => [tick - (rounded[k - 1]?.[0] ?? 0), 0x90, pitch, 64]);
    expect(quantize(parseMidi(midi([[...chord, ...END]], { division: 8 })), 7).offGrid).toBe(0);
  });

  test("keeps the file's own grid when the music begins between two frames", () => {
    const track = [3, 0x90, 60, 64, 3, 0x80, 60, 0, 0, 0x90, 62, 64, 4, 0x80, 62, 0, ...END]; // quarters 0.75 to 1.5 to 2.5
    expect(framesOf(midi([track]), 1)).toEqual([[60], [62]]);
    expect(framesOf(midi([track]), 2)).toEqual([[60], [62], [62]]);
  });
});

describe("a damaged file", () => {
  const track = [...NOTE, ...END];
  const whole = midi([track]);

  test.each<[string, Uint8Array, string]>([
    ["is empty", new Uint8Array(), 'Expected a MIDI file, which begins "MThd", got an empty file.'],
    ["is of another kind", Uint8Array.from(text("RIFF\x20\0\0\0WAVEfmt ")), "got WAV audio that begins"],
    ["is a wrapper of nothing", Uint8Array.from(text("RIFF\x0c\0\0\0RMIDLIST\0\0\0\0")), "got a RIFF file without one"],
    ["has a header cut short", whole.slice(0, 13), "Expected a MIDI file of at least 14 bytes, got 13 bytes."],
    [
      "holds two pieces",
      midi([track, track], { format: 2 }),
      "2 pieces, in tracks 1, 2. Choose one, such as tracks=1.",
    ],
    ["has no ticks", midi([track], { division: 0 }), "Expected at least 1 tick per quarter note in the header, got 0."],
    ["has no SMPTE ticks", midi([NOTE], { division: 0xe700 }), "of at least 1 tick in the header, got 25 of 0."],
    ["has an unknown SMPTE rate", midi([NOTE], { division: 0xff28 }), "of at least 1 tick in the header, got 1 of 40."],
    ["has no track", midi([], { count: 3 }), "Expected 3 tracks, as the header counts, got none."],
    [
      "is cut off in a track",
      midi([[...NOTE, ...NOTE, ...END]]).slice(0, -9),
      "Track 1 is 9 bytes longer than the file, which is cut off or damaged.",
    ],
    ["is cut off between events", midi([[...NOTE, ...NOTE, ...END]]).slice(0, -12), "Track 1 is 12 bytes longer than"],
    ["ends in a delta time", midi([[...NOTE, 0x81, 0x80]]), "Track 1 cannot be read from byte 30 on: a number goes on"],
    ["ends after a status byte", midi([[...NOTE, 0, 0x90]]), "Track 1 cannot be read from byte 30 on: a channel event"],
    ["ends before a velocity", midi([[...NOTE, 0, 0x90, 60]]), "a channel event goes on beyond the end"],
    [
      "ends in a tempo",
      midi([[...NOTE, 0, 0xff, 0x51, 3, 7]]),
      "the meta event at byte 31 of 3 bytes goes on beyond the end",
    ],
    ["begins with running status", midi([[0, 60, 64, ...END]]), "byte 23 is data (0x3c) without an event before it"],
    [
      "has an undefined status where one was leant on",
      midi([[...NOTE, 0, 0xf4, 0, 60, 64, ...END]]),
      "byte 33 is data (0x3c) without an event before it",
    ],
    [
      "has a text beyond its track",
      midi([[0, 0xff, 1, 9, 65, ...END]]),
      "the meta event at byte 23 of 9 bytes goes on beyond",
    ],
    ["has a pitch above 127", midi([[0, 0x90, 200, 64, ...END]]), "byte 24 is the pitch 200 of a note, above 127"],
  ])("that %s is refused in a sentence", (_, file, sentence) => {
    const error = refusal(() => parseMidi(file));
    expect(error.message).toContain(sentence);
    expect(error.message).toMatch(/^(Expected|Track) [^\n]+\.$/);
    expect(error.code).toBe("malformed-midi");
  });

  test("cannot send the reader back by a negative length or delta", () => {
    // Five bytes of variable length overflow 32 bits to -16: the event before, again and again.
    for (const events of [
      [...NOTE, 0, 0xf0, 0x8f, 0xff, 0xff, 0xff, 0x70, ...END],
      [0x8f, 0xff, 0xff, 0xff, 0x70, 0x90, 60, 64, ...END],
    ]) {
      expect(refusal(() => parseMidi(midi([events]))).message).toContain("has more than 28 bits");
    }
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
        const { roll } = quantize(parseMidi(bytes), random.pick([1, 2, 4]));
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
    const between = midi([[...NOTE, ...delta28, 0x90, 60, 64, 4, 0x80, 60, 64, ...END]], { division: 1 });
    const within = midi([[0, 0x90, 60, 64, ...delta28, 0x80, 60, 64, ...END]], { division: 1 });
    for (const [file, frames, most] of [
      [between, 268435463, 10_000], // mostly silent
      [within, 268435455, 100_000],
    ] as const) {
      const error = refusal(() => quantize(parseMidi(file), 1));
      expect(error.code).toBe("too-large");
      expect(error.message).toContain(`Expected at most ${most} frames, got ${frames} at 1`);
    }
  });

  test("does not count silence around the music", () => {
    const file = midi([[...delta28, ...NOTE.slice(1), ...delta28, ...END.slice(1)]]);
    expect(framesOf(file)).toEqual([[60]]);
  });

  test("of frames is exact", () => {
    const long = parseMidi(midi([[0, 0x90, 60, 64, 100, 0x80, 60, 0, ...END]], { division: 1 }));
    expect(frameCount(quantize(long, 1, { maxFrames: 100 }).roll)).toBe(100);
    expect(refusal(() => quantize(long, 1, { maxFrames: 99 })).message).toContain(
      "Expected at most 99 frames, got 100 at 1 frame a quarter note.",
    );
    expect(refusal(() => quantize({ ...long, offsets: Float64Array.of(MAX_FRAMES + 1) }, 1)).code).toBe("too-large");
  });

  test("of bytes and of notes is exact", () => {
    const file = midi([[...NOTE, ...NOTE, ...END]]);
    expect(parseMidi(file, { limits: { bytes: file.length, notes: 2 } }).pitches).toHaveLength(2);
    expect(refusal(() => parseMidi(file, { limits: { bytes: file.length - 1 } })).code).toBe("too-large");
    expect(refusal(() => parseMidi(file, { limits: { notes: 1 } })).message).toContain(
      "Expected a MIDI file of at most 1 notes, got 2.",
    );
  });

  test("keeps many long notes of one pitch as cheap as one", () => {
    // 20,000 notes of 10,000 frames each: 200 million cells if each were filled anew.
    const count = 20_000;
    const ons = new Array(count).fill([0, 0x90, 60, 64]).flat();
    const offs = [0xce, 0x10, 0x80, 60, 0, ...new Array(count - 1).fill([0, 0x80, 60, 0]).flat()];
    const { roll } = quantize(parseMidi(midi([[...ons, ...offs, ...END]], { division: 1 })), 1);
    expect(frameCount(roll)).toBe(10_000);
    expect(roll.pitches).toHaveLength(10_000);
  });

  test("finds nothing to score where there are no notes on the channels", () => {
    const drums = midi([[0, 0x99, 36, 64, 4, 0x89, 36, 64, ...END]]);
    for (const file of [drums, midi([END]), midi([]), midi([[0, 0x90, 0, 64, 4, 0x80, 0, 64, ...END]])]) {
      expect(refusal(() => parseMidi(file)).code).toBe("nothing-to-score");
    }
    expect(refusal(() => parseMidi(drums)).message).toBe(
      "Expected notes that are not drums, got 1 note, all of them drums on channel 10. channels=10 reads them as pitches.",
    );
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
      expect(quantize(notes, framesPerQuarter).roll).toEqual(roll);
      expect(notes.warnings).toEqual([]);
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

  test.each([3, 60_000_001, Number.NaN])("refuses a tempo of %d", (tempo) => {
    expect(refusal(() => writeMidi(pianoRoll([[60]]), { framesPerQuarter: 1, tempo })).code).toBe("malformed-request");
  });
});

describe.skipIf(!hasMusicSet("jsb"))("JSB Chorales", () => {
  test("come back from MIDI as they were, every test piece", async () => {
    const { test: pieces } = await loadMusicSet("jsb");
    expect(pieces).toHaveLength(77);
    for (const roll of pieces) {
      expect(quantize(parseMidi(writeMidi(roll, { framesPerQuarter: 1 })), 1).roll).toEqual(roll);
    }
  });
});

describe("files from the world", () => {
  const { MIDI_FOLDERS: folders = "" } = process.env;
  const hasFolders = requires(
    folders !== "",
    "MIDI_FOLDERS is not set; it names folders of MIDI files to try, several joined as in PATH",
  );

  test.skipIf(!hasFolders)("are read, and read back as they were written", () => {
    const paths = folders.split(delimiter).flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(midi?|rmi)$/i.test(name))
        .map((name) => join(folder, name)),
    );
    expect(paths).not.toEqual([]);
    const counts = { read: 0, warned: 0, refused: 0 };
    for (const path of paths) {
      const notes = readIfItHasNotes(path);
      if (!notes) {
        counts.refused += 1;
        continue;
      }
      counts[notes.warnings.length > 0 ? "warned" : "read"] += 1;
      for (const framesPerQuarter of [1, 2, 4]) {
        const { roll } = quantize(notes, framesPerQuarter);
        expectSound(roll);
        const again = framesOf(writeMidi(roll, { framesPerQuarter }), framesPerQuarter);
        expect(JSON.stringify(again), path).toBe(JSON.stringify(toFrames(roll)));
      }
    }
    console.log(`${paths.length} files: ${JSON.stringify(counts)}`);
    expect(counts.refused).toBeLessThan(0.02 * paths.length);
  });
});

/** No refusal but that of a file without notes is right here. */
function readIfItHasNotes(path: string) {
  try {
    return parseMidi(readFileSync(path));
  } catch (error) {
    expect(String(error), path).toContain("Expected a MIDI file with notes, got none.");
    return undefined;
  }
}

/** A roll as its type promises, that begins and ends with a sounding frame. */
function expectSound(roll: PianoRoll): void {
  const frames = toFrames(roll);
  expect(String(pianoRoll(frames).pitches), "ascending and distinct").toBe(String(roll.pitches));
  expect(frames[0]).not.toEqual([]);
  expect(frames.at(-1)).not.toEqual([]);
}
