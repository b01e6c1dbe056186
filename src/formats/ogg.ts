/** Ogg bytes -> their whole pages (RFC 3533), each of which carries its length, its position in time and a checksum. */
import { SurprisalError } from "../errors.ts";

const HEADER_BYTES = 27;
const MAGIC = 0x4f676753; // "OggS"
const POLYNOMIAL = 0x04c11db7;

export interface OggPages {
  readonly bytes: Uint8Array; // without a page that was cut off at the end
  readonly granule: number; // position of the end of the last page, in the codec's units
}

/** @throws SurprisalError `malformed-audio` when a page does not begin where the one before ends, or its checksum is wrong. */
export function wholePages(bytes: Uint8Array): OggPages {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [at, granule] = [0, 0];
  while (at + HEADER_BYTES <= bytes.length) {
    if (view.getUint32(at) !== MAGIC) throw malformed(`no page begins at byte ${at}`);
    const segments = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + view.getUint8(at + 26));
    const end = at + HEADER_BYTES + view.getUint8(at + 26) + segments.reduce((sum, length) => sum + length, 0);
    if (end > bytes.length) break;
    if (checksum(bytes, at, end) !== view.getUint32(at + 22, true))
      throw malformed(`the page at byte ${at} is damaged`);
    const position = Number(view.getBigInt64(at + 6, true));
    if (position >= 0) granule = position; // -1: no packet ends in the page
    at = end;
  }
  return { bytes: bytes.subarray(0, at), granule };
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let word = byte << 24;
  for (let bit = 0; bit < 8; bit++) word = word & 0x80000000 ? (word << 1) ^ POLYNOMIAL : word << 1;
  return word;
});

/** Of a page, whose own checksum counts as 0. */
function checksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) {
    const byte = i >= start + 22 && i < start + 26 ? 0 : bytes[i];
    sum = (sum << 8) ^ TABLE[(sum >>> 24) ^ byte];
  }
  return sum >>> 0;
}

const malformed = (reason: string) => new SurprisalError("malformed-audio", `The Ogg file cannot be read: ${reason}.`);
