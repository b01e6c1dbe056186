/**
 * The bytes of a MIDI file as people have them -> clean tracks for midi-file, and what was put right on the way. Chunks by the
 * Standard MIDI Files 1.0 specification (RP-001). The rule: where every note can be recovered, the file is read; where
 * notes are lost for certain, it is refused in a sentence that names the cause.
 */
import { expected, SurprisalError } from "../errors.ts";
import { idAt, indexOfId, unwrap, viewOf } from "./midi-container.ts";
import { EventReader, type Mark } from "./midi-events.ts";
import { counted, malformed, type Repairs } from "./midi-repairs.ts";

export interface ScannedFile {
  readonly format: number; // 0, 1 or 2
  readonly division: number; // the header's 16 bits
  readonly tracks: readonly Uint8Array[]; // clean events, without a chunk's head
}

const HEAD = 8; // bytes of a chunk before its body: four characters and a length
const HEADER_BODY = 6;

/** Bytes that are lacking at the end and can hold no note beside the End of Track: three of a note and four of the end. */
const NOTELESS = 6;

/** @throws SurprisalError `malformed-midi` */
export function scanMidi(bytes: Uint8Array, repairs: Repairs): ScannedFile {
  const file = unwrap(bytes, repairs);
  if (file.length < HEAD + HEADER_BODY) {
    throw malformed(expected("a MIDI file of at least 14 bytes", counted(file.length, "byte")));
  }
  const view = viewOf(file);
  const [format, trackCount, division] = [view.getUint16(8), view.getUint16(10), view.getUint16(12)];
  if (format > 2)
    repairs.add("header", `The header has the MIDI format ${format}, which does not exist; it is read as 1.`);

  const tracks: Uint8Array[] = [];
  for (let at = firstChunk(file, repairs); at < file.length; ) {
    const id = idAt(file, at);
    // Files that were written over longer ones have the rest of those after the last track that the header counts.
    const isExtra = trackCount > 0 && tracks.length >= trackCount;
    if (id === "MTrk") {
      const track = isExtra
        ? tryTrack(file, at, tracks.length + 1, repairs)
        : scanTrack(file, at, tracks.length + 1, repairs);
      if (track === undefined) break;
      tracks.push(track.events);
      at = track.end;
    } else if (id === "MThd") {
      repairs.add("container", `Another MIDI file follows at byte ${at}; only the first is read.`);
      break;
    } else if (isChunk(file, at) && isBoundary(file, chunkEnd(file, at))) at = chunkEnd(file, at);
    else {
      const next = isExtra ? -1 : indexOfId(file, "MTrk", at + 1);
      if (next === -1) break;
      repairs.add(
        "padding",
        `A gap of ${counted(next - at, "byte")} lies before track ${tracks.length + 1}.`,
        next - at,
      );
      at = next;
    }
  }
  checkCount(trackCount, tracks.length, repairs);
  return { format: format > 2 ? 1 : format, division, tracks };
}

/** A track that the header does not count: undefined, with a warning, where it cannot be read. */
function tryTrack(file: Uint8Array, chunk: number, number: number, repairs: Repairs): ScannedTrack | undefined {
  try {
    return scanTrack(file, chunk, number, repairs);
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    repairs.add(
      "track-count",
      `After the ${counted(number - 1, "track")} of the header stands another that cannot be read.`,
    );
    return undefined;
  }
}

/** Where the first chunk after the header begins. */
function firstChunk(file: Uint8Array, repairs: Repairs): number {
  const length = viewOf(file).getUint32(4);
  const end = HEAD + length;
  if (length >= HEADER_BODY && isBoundary(file, end)) return end;
  if (length !== HEADER_BODY) repairs.add("header", `The header claims ${length} bytes; it is read as ${HEADER_BODY}.`);
  return HEAD + HEADER_BODY;
}

function checkCount(claimed: number, found: number, repairs: Repairs): void {
  if (claimed === found) return;
  if (found === 0) throw malformed(expected(`${counted(claimed, "track")}, as the header counts`, "none"));
  const lacking = claimed > found ? `; notes may be lacking` : "";
  const sentence = `The header counts ${counted(claimed, "track")}, the file has ${found}${lacking}.`;
  repairs.add("track-count", sentence, Math.abs(claimed - found));
}

const chunkEnd = (file: Uint8Array, at: number) => at + HEAD + viewOf(file).getUint32(at + 4);

/** Whether a chunk of any kind stands whole in the file. */
const isChunk = (file: Uint8Array, at: number) =>
  at + HEAD <= file.length && /^[A-Za-z][\w ]{3}$/.test(idAt(file, at)) && chunkEnd(file, at) <= file.length;

/** Whether a chunk may end here: the file ends, or another chunk begins. */
const isBoundary = (file: Uint8Array, at: number) =>
  at === file.length || (at < file.length && (idAt(file, at) === "MTrk" || isChunk(file, at)));

/** A track's clean events, and where the next chunk may begin. */
interface ScannedTrack {
  readonly events: Uint8Array;
  readonly end: number;
}

/**
 * Reads the events of a track. Its length counts where it leads to another chunk; else the events themselves say where it ends.
 * After an End of Track that comes too early, reading goes on where events follow, to the last one.
 */
function scanTrack(file: Uint8Array, chunk: number, number: number, repairs: Repairs): ScannedTrack {
  if (chunk + HEAD > file.length) throw malformed(`The file ends in the first 8 bytes of track ${number}.`);
  const claimed = claimedEnd(file, chunk);
  const isTrusted = isBoundary(file, claimed);
  const reader = new EventReader(file, chunk + HEAD);
  let limit = isTrusted ? claimed : file.length;
  let ended: Mark | undefined; // after the last End of Track that has events before it
  const hasGoneOn = () => ended !== undefined && reader.written.length > ended.written;
  const addEarlyEnd = () => repairs.add("end-of-track", `Track ${number} goes on after an End of Track.`);
  while (reader.at < limit && !((!isTrusted || ended) && idAt(file, reader.at) === "MTrk")) {
    const outcome = reader.next(limit);
    if (outcome === "event") continue;
    if (outcome === "end") {
      if (ended === undefined) {
        // Looked for once: a megabyte of Ends of Track would be searched to its end for each.
        const next = indexOfId(file, "MTrk", reader.at, limit);
        if (next !== -1) limit = next;
        ended = reader.mark();
      } else if (hasGoneOn()) {
        addEarlyEnd();
        ended = reader.mark();
      }
      if (reader.at === claimed) break;
      reader.forgetStatus();
    } else if (ended !== undefined || isNoteless(file, claimed, reader.at)) break;
    else throw unreadable(outcome, { file, claimed, number, reader });
  }
  if (ended !== undefined) {
    const isUnknown = claimed === chunk + HEAD;
    if (hasGoneOn() && reader.at === limit && (isUnknown || reader.at <= claimed)) addEarlyEnd();
    else reader.restore(ended);
  } else checkCut(file, claimed, number, reader);
  addTally(reader, number, repairs);
  return { events: reader.finish(), end: endOf(file, { claimed, isTrusted, number, reader }, repairs) };
}

/** A length of which a recorder that never closed the file knew nothing is taken for 0. */
const UNKNOWN_LENGTHS = [0x7fffffff, 0xffffffff];

function claimedEnd(file: Uint8Array, chunk: number): number {
  const length = viewOf(file).getUint32(chunk + 4);
  return chunk + HEAD + (UNKNOWN_LENGTHS.includes(length) ? 0 : length);
}

interface Place {
  readonly file: Uint8Array;
  readonly claimed: number; // where the track ends by its length
  readonly number: number; // of the track, from 1
  readonly reader: EventReader;
}

/** The error for an event that cannot be read: the file's end if that is the cause, else what stands there. */
function unreadable({ why, cut }: { why: string; cut: boolean }, { file, claimed, number, reader }: Place) {
  if (claimed > file.length && cut) return longerThanFile(number, claimed - file.length);
  return malformed(`Track ${number} cannot be read from byte ${reader.at} on: ${why}.`);
}

const longerThanFile = (number: number, missing: number) =>
  malformed(`Track ${number} is ${counted(missing, "byte")} longer than the file, which is cut off or damaged.`);

/** A track without an End of Track has lost notes if more bytes are lacking than that takes. */
function checkCut(file: Uint8Array, claimed: number, number: number, reader: EventReader): void {
  const missing = claimed - file.length;
  if (reader.at === file.length && missing > NOTELESS) throw longerThanFile(number, missing);
}

/** Whether a file is cut off in an event that must be the End of Track: its delta time is there, or 0xff too. */
function isNoteless(file: Uint8Array, claimed: number, at: number): boolean {
  const missing = claimed - file.length;
  const rest = file.subarray(at);
  const isBegun = rest.length === 1 || (rest.length === 2 && rest[1] === 0xff);
  return isBegun && missing > 0 && missing + rest.length <= NOTELESS;
}

/** Where the next chunk is looked for; says how far a wrong length was off. */
function endOf(
  file: Uint8Array,
  { claimed, isTrusted, number, reader }: Omit<Place, "file"> & { readonly isTrusted: boolean },
  repairs: Repairs,
): number {
  const { at } = reader;
  if (at === claimed) return at;
  const [more, kind] = at < claimed ? [claimed - at, "shorter"] : [at - claimed, "longer"];
  if (isTrusted && indexOfId(file, "MTrk", at, claimed) === -1) {
    if (file.subarray(at, claimed).some((byte) => byte !== 0)) {
      repairs.add(
        "padding",
        `Track ${number} goes on for ${counted(more, "byte")} after its end, without events.`,
        more,
      );
    }
    return claimed;
  }
  repairs.add("track-length", `Track ${number} is ${counted(more, "byte")} ${kind} than its length says.`);
  return at;
}

function addTally(
  { tally: { dataBytes, realTime, rawExclusive } }: EventReader,
  number: number,
  repairs: Repairs,
): void {
  if (dataBytes > 0) {
    repairs.add("data-byte", `Track ${number} has data above 127 in ${counted(dataBytes, "event")}.`, dataBytes);
  }
  if (realTime > 0) {
    const found = `Track ${number} has ${counted(realTime, "system message")}, such as timing clocks, which no file should have.`;
    repairs.add("real-time", found, realTime);
  }
  if (rawExclusive > 0) {
    const found = `Track ${number} has ${counted(rawExclusive, "system-exclusive message")} without a length.`;
    repairs.add("system-exclusive", found, rawExclusive);
  }
}
