/** MIDI file bytes -> the events of each track: midi-file reads what the scanner has made sound. */
import { type MidiEvent, parseMidi as parseMidiFile } from "midi-file";
import { expected } from "../errors.ts";
import { midiFile, readDivision } from "./midi-chunks.ts";
import { malformed, type Repairs } from "./midi-repairs.ts";
import { scanMidi } from "./midi-scanner.ts";

/** Each track ends in its only `endOfTrack`. */
export interface MidiTracks {
  readonly format: number; // 0, 1 or 2
  readonly ticksPerQuarter: number; // not whole for some files in SMPTE time
  readonly isSmpte: boolean; // its ticks are parts of a second, whatever the tempo
  readonly tracks: readonly (readonly MidiEvent[])[];
}

/** A header counts tracks in 16 bits. */
const MAX_TRACKS = 2 ** 16 - 1;

/** @throws SurprisalError `malformed-midi` for what is damaged or cut off so that notes are lost. */
export function readTracks(bytes: Uint8Array, repairs: Repairs): MidiTracks {
  const { format, division, tracks } = scanMidi(bytes, repairs);
  if (tracks.length > MAX_TRACKS) throw malformed(expected(`at most ${MAX_TRACKS} tracks`, tracks.length));
  const ticksPerQuarter = readDivision(division);
  return { format, ticksPerQuarter, isSmpte: division >= 0x8000, tracks: parseMidiFile(midiFile(tracks)).tracks };
}
