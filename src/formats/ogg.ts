/**
 * Ogg bytes (RFC 3533) -> the packets of the sound in it. A page carries its length, its position in time, its number and a
 * checksum; files may be chained: one stream after the other, each with its own headers.
 */

import { joined } from "../util/joined.ts";
import { malformed } from "./waveform.ts";

const HEADER_BYTES = 27;
const MAGIC = 0x4f676753; // "OggS"
const POLYNOMIAL = 0x04c11db7;

interface Page {
  readonly start: number;
  readonly body: number; // where its segments begin
  readonly end: number;
  readonly serial: number; // of its stream
  readonly number: number;
  readonly checksum: number;
  readonly granule: number; // position of its end, in the codec's units; -1 when no packet ends in it
  readonly isContinued: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly lengths: Uint8Array; // of segments; a packet goes on while they are 255
}

/** Packets that end in one page. */
export interface OggPage {
  readonly packets: readonly Uint8Array[];
  readonly granule: number; // -1 when no packet ends in it
  readonly isAfterGap: boolean; // the page before it is not there
  readonly isRepeated: boolean; // it was there before; its packets are left out
  readonly isLast: boolean;
}

/** Where the sound of a page ends, when it has any. */
export const endOf = ({ granule }: OggPage, packets: readonly Uint8Array[]): number | undefined =>
  granule < 0 || packets.length === 0 ? undefined : granule;

/** One of the streams of a file. */
export interface OggStream {
  readonly pages: readonly OggPage[];
  readonly isWhole: boolean; // its last page is there
}

/** The streams of a chain, in order. */
export interface OggFile {
  readonly streams: readonly OggStream[];
  readonly isCutOff: boolean; // in the middle of a page
}

/**
 * The streams of a chain that `isSound` knows by their first packets.
 * @throws SurprisalError `malformed-audio` when a page does not begin where the one before ends, or its checksum is wrong.
 */
export function oggStreams(bytes: Uint8Array, isSound: (packet: Uint8Array) => boolean): OggFile {
  const streams: Stream[] = [];
  const known = new Map<number, Stream | undefined>();
  let [at, begins, chosen] = [0, false, false];
  while (at + HEADER_BYTES <= bytes.length) {
    const page = pageAt(bytes, at);
    if (!page) {
      // After the last page of every stream there may be a tag, or zeros.
      if (streams.length > 0 && streams.every(({ isWhole }) => isWhole) && !hasPage(bytes, at)) break;
      throw malformed(`Expected a page at byte ${at} of the Ogg file, got something else.`);
    }
    if (page.end > bytes.length) return { streams, isCutOff: true };
    if (checksum(bytes, page.start, page.end) !== page.checksum) {
      throw malformed(
        `Expected the page at byte ${at} of the Ogg file to have its own checksum, got another: it is damaged.`,
      );
    }
    at = page.end;
    // A link may be the same as the one before it; a first page that only follows itself is a copy.
    if (page.isFirst && known.get(page.serial)?.pages.length !== 1) {
      // The first pages of all streams of a link stand together.
      if (!begins) chosen = false;
      begins = true;
      const first = bytes.subarray(page.body, page.end);
      const stream = !chosen && isSound(first) ? new Stream() : undefined;
      if (stream) streams.push(stream);
      chosen ||= stream !== undefined;
      known.set(page.serial, stream);
    } else begins = false;
    known.get(page.serial)?.add(page, bytes);
  }
  return { streams, isCutOff: false };
}

class Stream implements OggStream {
  readonly pages: OggPage[] = [];
  isWhole = false;
  #number = -1;
  #part: Uint8Array[] = []; // of a packet that goes on in the next page
  readonly #checksums = new Map<number, number>(); // by number of page

  add(page: Page, bytes: Uint8Array): void {
    if (this.#checksums.get(page.number) === page.checksum) {
      this.pages.push({ packets: [], granule: -1, isAfterGap: false, isRepeated: true, isLast: false });
      return;
    }
    this.#checksums.set(page.number, page.checksum);
    const isAfterGap = this.#number !== -1 && page.number !== (this.#number + 1) % 2 ** 32;
    this.#number = page.number;
    if (isAfterGap || !page.isContinued) this.#part = [];
    // What continues a packet whose beginning is missing is no packet.
    let isOrphan = page.isContinued && this.#part.length === 0;
    const packets: Uint8Array[] = [];
    let [from, to] = [page.body, page.body];
    for (const length of page.lengths) {
      to += length;
      if (length === 255) continue;
      if (!isOrphan) packets.push(joined([...this.#part, bytes.subarray(from, to)]));
      isOrphan = false;
      this.#part = [];
      from = to;
    }
    if (from < to && !isOrphan) this.#part.push(bytes.subarray(from, to));
    this.isWhole ||= page.isLast;
    this.pages.push({ packets, granule: page.granule, isAfterGap, isRepeated: false, isLast: page.isLast });
  }
}

function pageAt(bytes: Uint8Array, start: number): Page | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  if (view.getUint32(0) !== MAGIC) return undefined;
  const body = start + HEADER_BYTES + view.getUint8(26);
  const lengths = bytes.subarray(start + HEADER_BYTES, body);
  const flags = view.getUint8(5);
  return {
    start,
    body,
    end: body + lengths.reduce((sum, length) => sum + length, 0),
    serial: view.getUint32(14, true),
    number: view.getUint32(18, true),
    checksum: view.getUint32(22, true),
    granule: Number(view.getBigInt64(6, true)),
    isContinued: (flags & 1) !== 0,
    isFirst: (flags & 2) !== 0,
    isLast: (flags & 4) !== 0,
    lengths,
  };
}

function hasPage(bytes: Uint8Array, from: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = bytes.indexOf(0x4f, from); at !== -1 && at + HEADER_BYTES <= bytes.length; ) {
    if (view.getUint32(at) === MAGIC) return true;
    at = bytes.indexOf(0x4f, at + 1);
  }
  return false;
}

/** Packets -> an Ogg stream of them, for a decoder that takes no less. Positions and checksums stay 0. */
export function pagesOf(packets: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let number = 0;
  for (const packet of packets) {
    const segments = Math.floor(packet.length / 255) + 1; // the last is shorter than 255 bytes, and may be empty
    for (let first = 0; first < segments; first += 255) {
      const count = Math.min(255, segments - first);
      const header = new Uint8Array(HEADER_BYTES + count).fill(255, HEADER_BYTES);
      const view = new DataView(header.buffer);
      view.setUint32(0, MAGIC);
      view.setUint8(5, first > 0 ? 1 : number === 0 ? 2 : 0); // continued, or first
      view.setUint32(18, number++, true);
      view.setUint8(26, count);
      if (first + count === segments) header[header.length - 1] = packet.length % 255;
      parts.push(header, packet.subarray(first * 255, (first + count) * 255));
    }
  }
  return joined(parts);
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
