/**
 * MIDI file bytes -> the events of each track. Chunks by the Standard MIDI Files 1.0 specification (RP-001), events by
 * midi-file, which trusts every length that a file claims: all that is damaged is found and refused here.
 */
import { type MidiEvent, parseMidi as parseMidiFile } from "midi-file";
import { SurprisalError } from "../errors.ts";

/** A file of format 0 or 1. Each track ends in its only `endOfTrack`; events hold no text and no system-exclusive data. */
export interface MidiTracks {
  readonly ticksPerQuarter: number; // not whole for some files in SMPTE time
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

/** A number of variable length has at most four bytes of seven bits. */
const TICKS_END = 2 ** 28;

const malformed = (detail: string, options?: ErrorOptions) => new SurprisalError("malformed-midi", detail, options);

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Four bytes as text, the unprintable ones as dots. */
const idAt = (bytes: Uint8Array, at: number) =>
  String.fromCharCode(...bytes.subarray(at, at + 4)).replace(/[^ -~]/g, ".");

/**
 * Reads a bare file or one in a RIFF wrapper (.rmi). Chunks of unknown kinds and bytes after the last track are skipped.
 * @throws SurprisalError `malformed-midi` for all that is damaged or cut off, and for format 2 (tracks that are pieces apart).
 */
export function readTracks(bytes: Uint8Array): MidiTracks {
  const file = unwrap(bytes);
  if (file.length < 14 || idAt(file, 0) !== "MThd") {
    throw malformed(
      `The file begins with "${idAt(file, 0)}" and has ${file.length} bytes; wanted "MThd" and at least 14.`,
    );
  }
  const view = viewOf(file);
  const [headerLength, format, trackCount] = [view.getUint32(4), view.getUint16(8), view.getUint16(10)];
  if (headerLength < 6) throw malformed(`The header has ${headerLength} bytes; wanted at least 6.`);
  if (format > 1) throw malformed(`The file is of MIDI format ${format}; wanted 0 or 1.`);
  const ticksPerQuarter = readDivision(view.getUint16(12));

  const tracks: MidiEvent[][] = [];
  for (let at = 8 + headerLength; tracks.length < trackCount; ) {
    if (at + 8 > file.length) {
      throw malformed(`The file ends after ${tracks.length} tracks; wanted the ${trackCount} of its header.`);
    }
    const [id, start, length] = [idAt(file, at), at + 8, view.getUint32(at + 4)];
    at = start + length;
    if (at > file.length) {
      throw malformed(
        `The chunk "${id}" claims ${length} bytes; wanted at most the ${file.length - start} that are left.`,
      );
    }
    if (id === "MTrk") tracks.push(readEvents(file.subarray(start, at), `Track ${tracks.length + 1} of ${trackCount}`));
  }
  return { ticksPerQuarter, tracks };
}

/** The MIDI file within a RIFF file of the form RMID: its `data` chunk. Anything else is returned as it is. */
function unwrap(bytes: Uint8Array): Uint8Array {
  if (idAt(bytes, 0) !== "RIFF" || idAt(bytes, 8) !== "RMID") return bytes;
  const view = viewOf(bytes);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [id, start, length] = [idAt(bytes, at), at + 8, view.getUint32(at + 4, true)];
    if (id === "data") return bytes.subarray(start, start + length);
    at = start + length + (length % 2);
  }
  throw malformed(`The RIFF file of ${bytes.length} bytes has no chunk "data"; wanted a MIDI file in one.`);
}

/** Ticks per quarter note of a header's division. */
function readDivision(division: number): number {
  if (division < 0x8000) {
    if (division === 0) throw malformed("The header has 0 ticks per quarter note; wanted at least 1.");
    return division;
  }
  const [frames, ticks] = [0x100 - (division >> 8), division & 0xff];
  const rate = SMPTE_RATES.get(frames);
  if (rate === undefined || ticks === 0) {
    const wanted = `${[...SMPTE_RATES.keys()].join(", ")} and at least 1`;
    throw malformed(`The header has ${frames} SMPTE frames a second of ${ticks} ticks; wanted ${wanted}.`);
  }
  return (rate * ticks) / QUARTERS_PER_SECOND;
}

/** Stands behind the bytes of every track: midi-file reads undefined beyond the end, and tells nobody. */
const END_OF_TRACK = [0, 0xff, 0x2f, 0];

/**
 * What midi-file reads a track from. It takes what lies beyond an index by `slice`, and goes on behind: a negative length
 * would send it back for ever, and a long text would overflow its stack. So lengths are checked and nothing is handed over.
 */
class TrackBytes extends Uint8Array {
  override slice(start: number, end: number): Uint8Array<ArrayBuffer> {
    const left = this.length - END_OF_TRACK.length - start;
    if (end < start || end - start > left)
      throw malformed(`an event claims ${end - start} bytes where ${left} are left`);
    return new Uint8Array();
  }
}

/** Format 0, one track, any division, and the head of a track chunk whose bytes `slice` supplies. */
const ONE_TRACK = [..."MThd\0\0\0\x06\0\0\0\x01\0\x01MTrk\0\0\0\0"].map((character) => character.charCodeAt(0));

/** The events up to the first end of track, which is supplied where a track has none. */
function readEvents(body: Uint8Array, name: string): MidiEvent[] {
  const track = new TrackBytes(body.length + END_OF_TRACK.length);
  track.set(body);
  track.set(END_OF_TRACK, body.length);
  const file = Object.assign([...ONE_TRACK], {
    slice: (start: number, end: number) => (start === ONE_TRACK.length ? track : ONE_TRACK.slice(start, end)),
  });
  let events: MidiEvent[];
  try {
    events = parseMidiFile(file).tracks[0];
  } catch (cause) {
    // midi-file throws strings.
    const found = cause instanceof Error ? cause.message : String(cause);
    throw malformed(`${name} cannot be read: ${found}; wanted whole MIDI events.`, { cause });
  }

  // An event that is cut off has swallowed the mark that was supplied, or lent it the beginning of a delta time.
  const end = events.findIndex((event) => event.type === "endOfTrack");
  if (end === -1 || (end === events.length - 1 && events[end].deltaTime !== 0)) {
    throw malformed(`${name} ends in the middle of an event; wanted whole MIDI events.`);
  }
  events.length = end + 1;
  for (const event of events) {
    if (!(event.deltaTime >= 0 && event.deltaTime < TICKS_END)) {
      throw malformed(`${name} has an event ${event.deltaTime} ticks after the one before; wanted less than 2^28.`);
    }
    if ("noteNumber" in event && (event.noteNumber > 127 || ("velocity" in event && event.velocity > 127))) {
      throw malformed(`${name} has a note with a data byte above 127; wanted at most 127.`);
    }
  }
  return events;
}
