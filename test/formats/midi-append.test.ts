import { readFileSync } from "node:fs";
import { parseMidi } from "midi-file";
import { describe, expect, test } from "vitest";
import { withTrack } from "../../src/formats/midi-append.ts";

const sample = readFileSync("src/web/samples/auld-lang-syne.mid");
const notes = [
  { pitch: 60, start: 65, length: 0.5 },
  { pitch: 64, start: 65.5, length: 400 }, // a delta of three bytes
  { pitch: 60, start: 65.5, length: 0.5 }, // struck again where it ends
];

describe("a MIDI file with notes after it", () => {
  test("has all that it had, and one track more at the notes' times", () => {
    const before = parseMidi(sample);
    const { header, tracks } = parseMidi(withTrack(sample, notes, { channel: 3, name: "continuation" }));
    expect(header).toEqual({ ...before.header, numTracks: before.tracks.length + 1 });
    expect(tracks.slice(0, -1)).toEqual(before.tracks);
    let tick = 0;
    const added = tracks[before.tracks.length].map((event) => {
      tick += event.deltaTime;
      const { noteNumber, channel } = event as { noteNumber?: number; channel?: number };
      return [tick / 480, event.type, noteNumber, channel];
    });
    expect(added).toEqual([
      [0, "trackName", undefined, undefined],
      [65, "noteOn", 60, 2],
      [65.5, "noteOff", 60, 2],
      [65.5, "noteOn", 64, 2],
      [65.5, "noteOn", 60, 2],
      [66, "noteOff", 60, 2],
      [465.5, "noteOff", 64, 2],
      [465.5, "endOfTrack", undefined, undefined],
    ]);
  });

  test("of format 0 is of format 1 then, since it has two tracks", () => {
    const single = Uint8Array.from([
      ...[..."MThd"].map((each) => each.charCodeAt(0)),
      ...[0, 0, 0, 6, 0, 0, 0, 1, 0, 96],
      ...[..."MTrk"].map((each) => each.charCodeAt(0)),
      ...[0, 0, 0, 12, 0, 0x90, 60, 64, 96, 0x80, 60, 0, 0, 0xff, 0x2f, 0],
    ]);
    const { header } = parseMidi(withTrack(single, notes, { channel: 1, name: "" }));
    expect(header).toMatchObject({ format: 1, numTracks: 2, ticksPerBeat: 96 });
    single[9] = 2;
    expect(() => withTrack(single, notes, { channel: 1, name: "" })).toThrow(
      "Expected a file of MIDI format 0 or 1, got 2.",
    );
  });
});
