/** A MIDI file and notes that follow it -> the file with one track more. Its tracks stay as they are, repaired where they are damaged. */
import { expected } from "../errors.ts";
import { midiFile, readDivision } from "./midi-chunks.ts";
import { malformed, Repairs } from "./midi-repairs.ts";
import { scanMidi } from "./midi-scanner.ts";

export interface AppendedNote {
  readonly pitch: number; // MIDI
  readonly start: number; // quarter notes from the beginning of the file
  readonly length: number; // quarter notes
}

const VELOCITY = 80;
const [NOTE_ON, NOTE_OFF] = [0x90, 0x80];
const TRACK_NAME = [0xff, 0x03];
const END_OF_TRACK = [0xff, 0x2f, 0];

/**
 * Adds notes in a track of their own. Tempos and instruments are those that the file has there; a file of format 0 becomes one
 * of format 1.
 * @param channel of the notes, from 1
 * @param name of the track
 * @throws SurprisalError `malformed-midi` for what cannot be read, and for format 2, whose tracks are pieces of their own.
 */
export function withTrack(
  bytes: Uint8Array,
  notes: readonly AppendedNote[],
  { channel, name }: { readonly channel: number; readonly name: string },
): Uint8Array<ArrayBuffer> {
  const { format, division, tracks } = scanMidi(bytes, new Repairs());
  if (format === 2) throw malformed(expected("a file of MIDI format 0 or 1", "2"));
  const ticks = (quarters: number) => Math.round(quarters * readDivision(division));
  const events = notes.flatMap(({ pitch, start, length }) => {
    const from = ticks(start);
    const to = Math.max(from + 1, ticks(start + length)); // a grid may be too coarse for the note
    return [
      { tick: from, bytes: [NOTE_ON | (channel - 1), pitch, VELOCITY] },
      { tick: to, bytes: [NOTE_OFF | (channel - 1), pitch, 0] },
    ];
  });
  events.sort((a, b) => a.tick - b.tick || a.bytes[0] - b.bytes[0]); // a note ends before its pitch is struck again
  const title = new TextEncoder().encode(name);
  const track = [0, ...TRACK_NAME, ...variableLength(title.length), ...title];
  let now = 0;
  for (const { tick, bytes } of events) {
    track.push(...variableLength(tick - now), ...bytes);
    now = tick;
  }
  return midiFile([...tracks, Uint8Array.from([...track, 0, ...END_OF_TRACK])], division);
}

/** Seven bits in a byte, the highest first; all but the last have the eighth bit. */
function variableLength(value: number): number[] {
  const bytes = [value & 127];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift(128 | (rest & 127));
  return bytes;
}
