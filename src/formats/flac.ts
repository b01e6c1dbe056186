/**
 * FLAC bytes (RFC 9639) -> their frames, found by their checksums before anything is decoded. Each frame says where it stands,
 * so a gap is seen as a gap.
 */

import { expected } from "../errors.ts";
import { type Gap, malformed } from "./waveform.ts";

const BLOCK_SIZES = [0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768]; // section 9.1.1
const SAMPLE_RATES = [0, 88_200, 176_400, 192_000, 8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]; // section 9.1.2
const SAMPLE_BITS = [0, 8, 12, 0, 16, 20, 24, 32]; // section 9.1.4

/** Section 8.2, the metadata block that stands first. */
export interface StreamInfo {
  readonly sampleRate: number; // Hz
  readonly channels: number;
  readonly bits: number; // per sample
  readonly samples: number; // of one channel; 0 when unknown
  readonly blockSize: number; // of a stream whose blocks are all of one size, else 0
  readonly bytes: Uint8Array; // "fLaC" and the block, marked as the last one
}

export interface FlacFrame {
  readonly bytes: Uint8Array;
  readonly start: number; // samples before it, by its own header
  readonly samples: number; // of one channel
}

interface Header {
  readonly sampleRate: number; // Hz
  readonly channels: number;
  readonly bits: number;
  readonly start: number;
  readonly samples: number;
  readonly bytes: number; // of the header
}

/** So often may a byte be read in the search for the ends of frames: a file made of false starts must not take forever. */
const MAX_PASSES = 8;

/** @throws SurprisalError `malformed-audio` when it does not begin with a STREAMINFO block. */
export function readStreamInfo(bytes: Uint8Array): StreamInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 42 || (view.getUint8(4) & 127) !== 0) {
    throw malformed("Expected a STREAMINFO block at the start of the FLAC file, got none.");
  }
  const [smallest, largest] = [view.getUint16(8), view.getUint16(10)];
  const packed = view.getUint32(18);
  const start = bytes.slice(0, 42);
  start.set([0x80, 0, 0, 34], 4); // the last block of metadata, of 34 bytes
  return {
    sampleRate: packed >>> 12,
    channels: ((packed >>> 9) & 7) + 1,
    bits: (((packed & 0x1ff) << 23) >>> 27) + 1,
    samples: (view.getUint8(21) & 15) * 2 ** 32 + view.getUint32(22),
    blockSize: smallest === largest ? smallest : 0,
    bytes: start,
  };
}

/** Where the frames begin: after the metadata. */
export function metadataBytes(bytes: Uint8Array): number {
  let at = 4;
  while (at + 4 <= bytes.length) {
    const isLast = bytes[at] >= 128;
    at += 4 + bytes[at + 1] * 2 ** 16 + bytes[at + 2] * 2 ** 8 + bytes[at + 3];
    if (isLast) break;
  }
  return at;
}

/**
 * All whole frames from `from` on; what is damaged is left out.
 * @throws SurprisalError `malformed-audio` when they are not of the form that STREAMINFO announces, or when there are so many
 * false starts that finding the true ones would take too long
 */
export function readFrames(bytes: Uint8Array, from: number, info: StreamInfo): FlacFrame[] {
  const frames: FlacFrame[] = [];
  let blockSize = info.blockSize;
  const first = anyHeaderAt(bytes, from, info, blockSize);
  if (first && !isOf(info, first))
    throw malformed(expected(`frames of ${formOf(info)}, as the FLAC file announces`, formOf(first)));
  let budget = MAX_PASSES * bytes.length + 2 ** 16;
  for (let at = from; at < bytes.length; ) {
    const header = headerAt(bytes, at, info, blockSize);
    // A sample has at most one bit more in a frame than in the sound (section 9.2.3), and a subframe's header a few bytes.
    const most = header
      ? header.bytes + info.channels * (Math.ceil((header.samples * (info.bits + 1)) / 8) + 16) + 2
      : 0;
    const end = header ? endOf(bytes, at, Math.min(bytes.length, at + most), info, blockSize) : 0;
    budget -= header ? (end || Math.min(bytes.length, at + most)) - at : 1;
    if (budget < 0) throw malformed("Expected frames of FLAC, got too many bytes that only begin as frames do.");
    if (!header || end === 0) {
      at = nextSync(bytes, at + 1);
      continue;
    }
    if (blockSize === 0 && (bytes[at + 1] & 1) === 0) blockSize = header.samples;
    frames.push({ bytes: bytes.subarray(at, end), start: header.start, samples: header.samples });
    at = end;
  }
  return frames;
}

/** What is missing between frames, the frames that follow one another, and where the last ends by its own count. */
export function runsOf(frames: readonly FlacFrame[]): { gaps: Gap[]; runs: FlacFrame[][]; end: number } {
  const gaps: Gap[] = [];
  const runs: FlacFrame[][] = [[]];
  const byStart = new Map<number, FlacFrame>();
  let [end, held] = [0, 0];
  for (const frame of frames) {
    const { start, samples } = frame;
    if (start !== end) {
      const isRepeated = isSame(byStart.get(start), frame);
      gaps.push({ at: held, samples: start > end ? start - end : undefined, isRepeated });
      if (isRepeated) continue;
      runs.push([]);
    }
    byStart.set(start, frame);
    runs[runs.length - 1].push(frame);
    end = start + samples;
    held += samples;
  }
  return { gaps, runs, end };
}

const isSame = (one: FlacFrame | undefined, { bytes }: FlacFrame): boolean =>
  one !== undefined && one.bytes.length === bytes.length && bytes.every((byte, i) => byte === one.bytes[i]);

function nextSync(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at !== -1 && (bytes[at + 1] & 0xfe) !== 0xf8) at = bytes.indexOf(0xff, at + 1);
  return at === -1 ? bytes.length : at;
}

const isOf = (info: StreamInfo, { sampleRate, channels, bits }: Header): boolean =>
  sampleRate === info.sampleRate && channels === info.channels && bits === info.bits;

const formOf = ({ sampleRate, channels, bits }: Pick<Header, "sampleRate" | "channels" | "bits">): string =>
  `${channels} ${channels === 1 ? "channel" : "channels"} of ${bits} bits at ${sampleRate} Hz`;

function headerAt(bytes: Uint8Array, at: number, info: StreamInfo, blockSize: number): Header | undefined {
  const header = anyHeaderAt(bytes, at, info, blockSize);
  return header && isOf(info, header) ? header : undefined;
}

/**
 * Section 9.1, whatever the form of the frame; what it does not say is as in `info`.
 * @param blockSize of a stream whose frames are numbered, 0 before it is known
 */
function anyHeaderAt(bytes: Uint8Array, at: number, info: StreamInfo, blockSize: number): Header | undefined {
  if (bytes[at] !== 0xff || (bytes[at + 1] & 0xfe) !== 0xf8 || at + 6 > bytes.length) return undefined;
  const [sizeCode, rateCode, channelCode] = [bytes[at + 2] >> 4, bytes[at + 2] & 15, bytes[at + 3] >> 4];
  const bitsCode = (bytes[at + 3] >> 1) & 7;
  if (sizeCode === 0 || rateCode === 15 || channelCode > 10 || bitsCode === 3 || bytes[at + 3] & 1) return undefined;
  // The number of the frame, or of its first sample, is coded as UTF-8 codes a character, in up to seven bytes.
  const lead = bytes[at + 4];
  const ones = Math.clz32(~(lead << 24));
  if (ones === 1 || ones > 7) return undefined;
  let number = ones === 0 ? lead : lead & (2 ** Math.max(0, 7 - ones) - 1);
  let next = at + 5;
  for (; next < at + 4 + ones; next++) {
    if ((bytes[next] & 0xc0) !== 0x80) return undefined;
    number = number * 64 + (bytes[next] & 63);
  }
  let samples = BLOCK_SIZES[sizeCode];
  if (sizeCode === 6) samples = bytes[next++] + 1;
  if (sizeCode === 7) samples = bytes[next++] * 256 + bytes[next++] + 1;
  let sampleRate = SAMPLE_RATES[rateCode] || info.sampleRate;
  if (rateCode === 12) sampleRate = bytes[next++] * 1000;
  if (rateCode > 12) sampleRate = (bytes[next++] * 256 + bytes[next++]) * (rateCode === 13 ? 1 : 10);
  if (next >= bytes.length || crc8(bytes, at, next) !== bytes[next]) return undefined;
  return {
    sampleRate,
    channels: channelCode < 8 ? channelCode + 1 : 2,
    bits: SAMPLE_BITS[bitsCode] || info.bits,
    start: bytes[at + 1] & 1 ? number : number * (blockSize || samples),
    samples,
    bytes: next + 1 - at,
  };
}

/** Where the checksum of a frame says that it ends, in front of another or at the end; 0 where it does not. */
function endOf(bytes: Uint8Array, at: number, limit: number, info: StreamInfo, blockSize: number): number {
  let sum = 0;
  let last = 0;
  for (let i = at; i < limit; i++) {
    sum = ((sum << 8) ^ CRC16[((sum >>> 8) ^ bytes[i]) & 255]) & 0xffff;
    if (sum !== 0 || i < at + 8) continue;
    if (i + 1 === bytes.length || headerAt(bytes, i + 1, info, blockSize)) return i + 1;
    last = i + 1;
  }
  // After the last frame of a file there may be anything.
  return limit < bytes.length || last === 0 || nextSync(bytes, last) < bytes.length ? 0 : last;
}

/** Remainders of the polynomial (section 9.1.8: x^8 + x^2 + x + 1, section 9.3: x^16 + x^15 + x^2 + 1). */
const remainders = (bits: 8 | 16, polynomial: number) =>
  Uint16Array.from({ length: 256 }, (_, byte) => {
    let word = byte << (bits - 8);
    for (let bit = 0; bit < 8; bit++) word = (word << 1) ^ ((word >> (bits - 1)) & 1 ? polynomial : 0);
    return word & (2 ** bits - 1);
  });
const CRC8 = remainders(8, 0x07);
const CRC16 = remainders(16, 0x8005);

function crc8(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum = CRC8[sum ^ bytes[i]];
  return sum;
}
