/**
 * WebM and Matroska bytes (RFC 8794, RFC 9559) -> the same with only its header, its tracks and its whole blocks. mediabunny then
 * meets no damage: it leaves out a cluster that is not whole, and on some bytes after the last cluster it never returns (1.61.0).
 */

import { joined } from "../util/joined.ts";
import { malformed } from "./waveform.ts";

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TRACKS = 0x1654ae6b;
const CLUSTER = 0x1f43b675;
/** Seeking, cues, attachments, chapters, tags, void, checksum. */
const SKIPPED = new Set([0x114d9b74, 0x1c53bb6b, 0x1941a469, 0x1043a770, 0x1254c367, 0xec, 0xbf]);
/** Of a cluster: its time, simple and grouped blocks, and what says nothing of the sound. */
const IN_CLUSTER = new Set([0xe7, 0xa3, 0xa0, 0xa7, 0xab, 0xaf, 0x5854, 0xec, 0xbf]);

export interface WholeWebm {
  readonly bytes: Uint8Array;
  readonly isCutOff: boolean; // in the middle of an element
}

interface Element {
  readonly id: number;
  readonly start: number; // of its data
  readonly end: number | undefined; // undefined where its size is not known
}

/** @throws SurprisalError `malformed-audio` when there is no header, or no segment after it. */
export function wholeWebm(bytes: Uint8Array): WholeWebm {
  const header = elementAt(bytes, 0);
  let segment = header?.end === undefined ? undefined : elementAt(bytes, header.end);
  while (segment?.id === 0xec && segment.end !== undefined) segment = elementAt(bytes, segment.end);
  if (header?.id !== EBML || segment?.id !== SEGMENT)
    throw malformed("Expected an EBML header and a segment of WebM, got other bytes.");
  const end = Math.min(bytes.length, segment.end ?? bytes.length);
  let isCutOff = (segment.end ?? 0) > bytes.length;
  const parts: Uint8Array[] = [];
  for (let at = segment.start; at < end; ) {
    const element = elementAt(bytes, at);
    const isKnown =
      element && (element.id === INFO || element.id === TRACKS || element.id === CLUSTER || SKIPPED.has(element.id));
    if (!isKnown) {
      // Times say how much is missing in front of the next cluster. After the last there may be anything.
      const next = nextCluster(bytes, at + 1);
      if (next === -1) break;
      at = next;
      continue;
    }
    isCutOff ||= (element.end ?? 0) > bytes.length;
    if (element.id === CLUSTER) {
      const blocks = blocksOf(bytes, element.start, Math.min(end, element.end ?? end));
      isCutOff ||= blocks.isCutOff;
      parts.push(sized(CLUSTER, bytes.subarray(element.start, blocks.end)));
      at = element.end ?? blocks.end;
      continue;
    }
    if (element.end === undefined || element.end > bytes.length) break;
    if (!SKIPPED.has(element.id)) parts.push(bytes.subarray(at, element.end));
    at = element.end;
  }
  return { bytes: joined([bytes.subarray(0, header.end), sized(SEGMENT, joined(parts))]), isCutOff };
}

/** Where the last whole element of a cluster ends. */
function blocksOf(bytes: Uint8Array, from: number, to: number): { readonly end: number; readonly isCutOff: boolean } {
  let at = from;
  while (at < to) {
    const element = elementAt(bytes, at);
    if (!element || !IN_CLUSTER.has(element.id) || element.end === undefined) break;
    if (element.end > to) return { end: at, isCutOff: element.end > bytes.length };
    at = element.end;
  }
  return { end: at, isCutOff: false };
}

function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const idBytes = Math.clz32(bytes[at] << 24) + 1;
  const sizeBytes = Math.clz32(bytes[at + idBytes] << 24) + 1;
  const start = at + idBytes + sizeBytes;
  if (idBytes > 4 || sizeBytes > 8 || start > bytes.length) return undefined;
  const id = bytes.subarray(at, at + idBytes).reduce((value, byte) => value * 256 + byte, 0);
  const size = bytes
    .subarray(at + idBytes + 1, start)
    .reduce((value, byte) => value * 256 + byte, bytes[at + idBytes] & (2 ** (8 - sizeBytes) - 1));
  const isUnknown = size >= 2 ** (7 * sizeBytes) - 1;
  return { id, start, end: isUnknown ? undefined : start + size };
}

function nextCluster(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0x1f, from);
  while (at !== -1 && elementAt(bytes, at)?.id !== CLUSTER) at = bytes.indexOf(0x1f, at + 1);
  return at;
}

/** An element of four bytes of name and eight of size. */
function sized(id: number, data: Uint8Array): Uint8Array {
  const element = new Uint8Array(12 + data.length);
  const view = new DataView(element.buffer);
  view.setUint32(0, id);
  view.setBigUint64(4, BigInt(data.length));
  view.setUint8(4, 1);
  element.set(data, 12);
  return element;
}
