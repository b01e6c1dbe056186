/** MIDI file bytes -> the events of each track: midi-file reads what the scanner has made sound. */
import { type MidiEvent, parseMidi as parseMidiFile } from "midi-file";
import { expected } from "../errors.ts";
import { malformed, type Repairs } from "./midi-repairs.ts";
import { scanMidi } from "./midi-scanner.ts";

/** Each track ends in its only `endOfTrack`. */
export interface MidiTracks {
  readonly format: number; // 0, 1 or 2
  readonly ticksPerQuarter: number; // not whole for some files in SMPTE time
  readonly isSmpte: boolean; // its ticks are parts of a second, whatever the tempo
  readonly tracks: readonly (readonly MidiEvent[])[];
}

/** Real frames per second by what SMPTE time calls them; 29 is NTSC's drop frame. */
const SMPTE_RATES = new Map([
  [24, 24],
  [25, 25],
  [29, 30_000 / 1001],
  [30, 30],
]);

/** SMPTE time is read through 120 quarter notes a minute. */
const QUARTERS_PER_SECOND = 2;

/** A header counts tracks in 16 bits. */
const MAX_TRACKS = 2 ** 16 - 1;

/** @throws SurprisalError `malformed-midi` for what is damaged or cut off so that notes are lost. */
export function readTracks(bytes: Uint8Array, repairs: Repairs): MidiTracks {
  const { format, division, tracks } = scanMidi(bytes, repairs);
  if (tracks.length > MAX_TRACKS) throw malformed(expected(`at most ${MAX_TRACKS} tracks`, tracks.length));
  const ticksPerQuarter = readDivision(division);
  return { format, ticksPerQuarter, isSmpte: division >= 0x8000, tracks: parseMidiFile(cleanFile(tracks)).tracks };
}

const uint32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const MTHD = [0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 1];
const MTRK = [0x4d, 0x54, 0x72, 0x6b];

/** A file of format 1 that holds the tracks; its division plays no part. */
function cleanFile(tracks: readonly Uint8Array[]): Uint8Array {
  const file = new Uint8Array(tracks.reduce((length, track) => length + 8 + track.length, 14));
  file.set([...MTHD, tracks.length >> 8, tracks.length & 255, 0, 1]);
  let at = 14;
  for (const track of tracks) {
    file.set([...MTRK, ...uint32(track.length)], at);
    file.set(track, at + 8);
    at += 8 + track.length;
  }
  return file;
}

/** Ticks per quarter note of a header's division. */
function readDivision(division: number): number {
  if (division < 0x8000) {
    if (division === 0) throw malformed(expected("at least 1 tick per quarter note in the header", 0));
    return division;
  }
  const [frames, ticks] = [0x100 - (division >> 8), division & 0xff];
  const rate = SMPTE_RATES.get(frames);
  if (rate === undefined || ticks === 0) {
    const wanted = `${[...SMPTE_RATES.keys()].join(", ")} SMPTE frames a second of at least 1 tick in the header`;
    throw malformed(expected(wanted, `${frames} of ${ticks}`));
  }
  return (rate * ticks) / QUARTERS_PER_SECOND;
}
