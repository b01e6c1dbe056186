/** Tracks of events <-> the chunks of a Standard MIDI File (RP-001), and what the division in its header means. */
import { expected } from "../errors.ts";
import { malformed } from "./midi-repairs.ts";

/** Real frames per second by what SMPTE time calls them; 29 is NTSC's drop frame. */
const SMPTE_RATES = new Map([
  [24, 24],
  [25, 25],
  [29, 30_000 / 1001],
  [30, 30],
]);

/** SMPTE time is read through 120 quarter notes a minute. */
const QUARTERS_PER_SECOND = 2;

const uint32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const uint16 = (n: number) => [n >>> 8, n & 255];
const MTHD = [0x4d, 0x54, 0x68, 0x64, ...uint32(6)];
const MTRK = [0x4d, 0x54, 0x72, 0x6b];

/** A file of format 1. @param division the header's 16 bits, which play no part where only events are read */
export function midiFile(tracks: readonly Uint8Array[], division = 1): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(tracks.reduce((length, track) => length + 8 + track.length, 14));
  file.set([...MTHD, ...uint16(1), ...uint16(tracks.length), ...uint16(division)]);
  let at = 14;
  for (const track of tracks) {
    file.set([...MTRK, ...uint32(track.length)], at);
    file.set(track, at + 8);
    at += 8 + track.length;
  }
  return file;
}

/** Ticks per quarter note of a header's division. @throws SurprisalError `malformed-midi` */
export function readDivision(division: number): number {
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
