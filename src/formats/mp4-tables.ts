/**
 * The tables of an MP4 file (ISO/IEC 14496-12) -> whether they may be read. A few bytes can claim four thousand million packets,
 * and mediabunny walks through all of them: one such file kept it busy for 82 s (measured with 1.61.0, a million claimed).
 */

import { expected, SurprisalError } from "../errors.ts";
import { malformed, unsupported } from "./waveform.ts";

/** Boxes that hold boxes, as mediabunny descends into them. */
const CONTAINERS = new Set(
  "moov trak mdia minf dinf mfra edts sinf schi stbl mvex moof traf meta".split(" "), // in no other are there tables
);

/** Codings of QuickTime and MP4 that are not compressed, or only by G.711. */
const PCM = new Set([
  "sowt",
  "twos",
  "lpcm",
  "in24",
  "in32",
  "fl32",
  "fl64",
  "raw ",
  "NONE",
  "ulaw",
  "alaw",
  "ipcm",
  "fpcm",
]);

/** Boxes that no other holds. */
const TOP = new Set("ftyp styp moov moof mdat sidx mfra free skip wide uuid".split(" "));

const MAX_DEPTH = 8; // moov, trak, mdia, minf, stbl are five

/** Opus has no packets shorter than 2.5 ms (RFC 6716, section 2.1.4). */
const PACKETS_A_SECOND = 400;

/**
 * @returns the bytes as far as they can be read, and whether they end inside a box
 * @throws SurprisalError `too-large` when the tables claim more packets than `maxSeconds` may have, `malformed-audio` when they
 * contradict one another or describe encryption, `unsupported-media-type` when they are of PCM
 */
export function checkTables(bytes: Uint8Array, maxSeconds: number): { bytes: Uint8Array; isCutOff: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const limit = Math.min(bytes.length, maxSeconds * PACKETS_A_SECOND);
  let [usable, isCutOff] = [0, false]; // bytes of whole boxes, of which the last may be cut off sound
  let fragments = 0; // packets of all fragments
  let coding = ""; // of the track that is being read
  const checked = (packets: number): number => {
    // Each sample of PCM counts as a packet.
    if (packets > limit && PCM.has(coding)) throw unsupported("PCM in MP4", "Opus in MP4", "mov");
    if (packets > limit) {
      throw new SurprisalError("too-large", expected(`at most ${limit} packets in the MP4 file`, packets));
    }
    return packets;
  };

  function walk(from: number, to: number, depth: number): void {
    if (depth > MAX_DEPTH)
      throw malformed(expected(`at most ${MAX_DEPTH} boxes in one another in the MP4 file`, "more"));
    let [timed, sized] = [0, 0]; // packets of a track
    for (let at = from; at + 8 <= to; ) {
      const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      const size = view.getUint32(at);
      const start = at + (size === 1 ? 16 : 8);
      const end = size === 1 && at + 16 <= to ? at + Number(view.getBigUint64(at + 8)) : size === 0 ? to : at + size;
      if (end < start) throw malformed(expected("boxes of at least 8 bytes in the MP4 file", end - at));
      if (depth === 0) {
        // Of tables, a part says nothing; after the last box there may be anything.
        const isWhole = end <= bytes.length;
        isCutOff ||= !isWhole && TOP.has(name);
        if (!isWhole && name !== "mdat") return;
        usable = Math.min(end, bytes.length);
      }
      const inside = Math.min(end, to);
      if (CONTAINERS.has(name)) {
        // In QuickTime this box holds others at once, in MP4 after four bytes.
        walk(start, inside, depth + 1);
        if (name === "meta") walk(start + 4, inside, depth + 1);
      }
      const u32 = (offset: number) => (start + offset + 4 <= inside ? view.getUint32(start + offset) : 0);
      if (name === "stsd") coding = String.fromCharCode(...bytes.subarray(start + 12, start + 16));
      if (name === "stts") timed = checked(sumOf(u32, 8, inside - start));
      if (name === "ctts") checked(sumOf(u32, 8, inside - start));
      if (name === "stsc") checked(sumOf(u32, 12, inside - start));
      if (name === "stsz" || name === "stz2") sized = checked(u32(8));
      if (name === "trun") fragments = checked(fragments + u32(4));
      if (name === "saiz" || name === "senc") throw malformed("Expected sound in the MP4 file, got it encrypted.");
      at = end;
    }
    if (timed > sized) throw malformed(expected(`times for ${sized} packets in the MP4 file`, timed));
  }
  walk(0, bytes.length, 0);
  return { bytes: bytes.subarray(0, usable), isCutOff };
}

/** Packets of a table of entries that count them: stts and ctts in the first of two words, stsc in the second of three. */
function sumOf(u32: (offset: number) => number, entryBytes: 8 | 12, bytes: number): number {
  const entries = Math.min(u32(4), Math.floor((bytes - 8) / entryBytes));
  let sum = 0;
  for (let i = 0; i < entries; i++) sum += u32(entryBytes + i * entryBytes);
  return sum;
}
