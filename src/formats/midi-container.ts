/**
 * A MIDI file in what people wrap it in -> the bytes from "MThd" on: bare, in a RIFF file of the form RMID (.rmi), after a
 * MacBinary header or a few foreign bytes, or written again as UTF-8 by a program that took it for text.
 */
import { expected } from "../errors.ts";
import { describeBeginning, isKnownBeginning, isMacBinary, MAC_BINARY_BYTES } from "./beginning.ts";
import { malformed, type Repairs } from "./midi-repairs.ts";

/** "MThd" is looked for among so many bytes. A MacBinary header has 128. */
const PREFIX_BYTES = 1024;

export const idAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Index of four characters in the bytes from `from` on and before `end`; -1 where they are not. */
export function indexOfId(bytes: Uint8Array, id: string, from: number, end = bytes.length): number {
  const first = id.charCodeAt(0);
  for (let at = bytes.indexOf(first, from); at !== -1 && at + 4 <= end; at = bytes.indexOf(first, at + 1)) {
    if (idAt(bytes, at) === id) return at;
  }
  return -1;
}

/** Whether bytes are a MIDI file that unwrap finds. */
export const isMidi = (bytes: Uint8Array): boolean => isRiff(bytes) || indexOfMidi(bytes) !== -1;

/** Wrappers within each other, such as a RIFF file after a MacBinary header. */
const MAX_WRAPPERS = 8;

/** @throws SurprisalError `malformed-midi` when there is no MIDI file, in a sentence that says what there is. */
export function unwrap(bytes: Uint8Array, repairs: Repairs): Uint8Array {
  let inner = bytes;
  for (let wrappers = 0; wrappers <= MAX_WRAPPERS; wrappers++) {
    const next = unwrapOnce(inner, repairs);
    if (next === inner) return inner;
    if (next === undefined) {
      const found = `${describeBeginning(inner)}${wrappers > 0 ? " in its wrapper" : ""}`;
      throw malformed(expected('a MIDI file, which begins "MThd"', found));
    }
    inner = next;
  }
  throw malformed(expected(`a MIDI file in at most ${MAX_WRAPPERS} wrappers`, "more"));
}

/** What the outermost wrapper holds: the same bytes where there is none, undefined where there is no MIDI file. */
function unwrapOnce(bytes: Uint8Array, repairs: Repairs): Uint8Array | undefined {
  if (!isMidi(bytes)) return undefined;
  const decoded = undoUtf8(bytes, repairs);
  if (decoded) return decoded;
  if (isRiff(bytes)) return unwrapRiff(bytes, repairs);
  const at = indexOfMidi(bytes);
  if (at === 0) return bytes;
  const header = isMacBinary(bytes) && at === MAC_BINARY_BYTES ? " of a MacBinary header" : "";
  repairs.add("container", `The MIDI file begins after ${at} bytes${header}.`, at);
  return bytes.subarray(at);
}

const isRiff = (bytes: Uint8Array) => idAt(bytes, 0) === "RIFF" && idAt(bytes, 8) === "RMID";

/** Where a MIDI file begins, alone or in a RIFF file, after bytes that nothing else begins with; -1 for nowhere. */
function indexOfMidi(bytes: Uint8Array): number {
  if (idAt(bytes, 0) === "MThd") return 0;
  if (isKnownBeginning(bytes)) return -1;
  const form = indexOfId(bytes, "RMID", 8, PREFIX_BYTES) - 8;
  const bare = indexOfId(bytes, "MThd", 1, PREFIX_BYTES);
  return form >= 0 && idAt(bytes, form) === "RIFF" ? form : bare;
}

/** The chunk `data`. Writers that never closed the file leave its size 0: then it lasts to the end. */
function unwrapRiff(bytes: Uint8Array, repairs: Repairs): Uint8Array {
  const view = viewOf(bytes);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [id, start, length] = [idAt(bytes, at), at + 8, view.getUint32(at + 4, true)];
    if (id === "data") {
      if (length > 0 && start + length <= bytes.length) return bytes.subarray(start, start + length);
      repairs.add("container", `The RIFF chunk "data" claims ${length} bytes and has ${bytes.length - start}.`);
      return bytes.subarray(start);
    }
    at = start + length + (length % 2);
  }
  const at = indexOfId(bytes, "MThd", 12);
  if (at === -1) throw malformed(expected('a MIDI file in the chunk "data" of a RIFF file', "a RIFF file without one"));
  repairs.add("container", `The sizes of the RIFF file are wrong; its MIDI file begins at byte ${at}.`);
  return bytes.subarray(at);
}

/**
 * A status byte never makes valid UTF-8, so a MIDI file that is valid UTF-8 and has bytes above 127 was taken for Latin-1 text
 * and encoded. That can be undone unless bytes above 127 were replaced by U+FFFD. Undefined where it did not happen.
 */
function undoUtf8(bytes: Uint8Array, repairs: Repairs): Uint8Array | undefined {
  if (!bytes.some((byte) => byte > 127)) return undefined;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const lost = text.split("\ufffd").length - 1;
  if (lost > 0) {
    const found = `a file that was read as text and written again as UTF-8: ${lost} of its bytes are lost`;
    throw malformed(expected("a MIDI file", `${found} ("MThd" stands in it, U+FFFD in their places)`));
  }
  const codes = Uint16Array.from(text, (character) => character.charCodeAt(0));
  if (codes.some((code) => code > 255)) return undefined;
  repairs.add("container", "The file was written again as UTF-8 by a program that took it for text; that was undone.");
  return Uint8Array.from(codes);
}
