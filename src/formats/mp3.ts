/**
 * MP3 bytes (ISO/IEC 11172-3 and 13818-3, layer III, and the "MPEG 2.5" of low rates) -> their frames, found by their headers
 * before anything is decoded: how long the sound lasts, and where some of it is missing.
 */

import { expected, SurprisalError } from "../errors.ts";
import { malformed } from "./waveform.ts";

/** kbit/s by the header's four bits: MPEG 1, and MPEG 2 and 2.5. */
const BIT_RATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const SAMPLE_RATES = [44_100, 48_000, 32_000];

interface Header {
  readonly sampleRate: number; // Hz
  readonly samples: number; // of one channel
  readonly channels: number;
  readonly bytes: number; // 0 where the bit rate is free
  readonly tagAt: number; // bytes from its start to a Xing or Info tag
}

export interface Mp3 {
  readonly sampleRate: number; // Hz
  readonly channels: number;
  readonly frameSamples: number; // of one channel
  readonly frames: readonly Uint8Array[];
  readonly announced: number | undefined; // frames by a Xing or Info tag, without the frame that holds it
  /** For each place where bytes are no frames: the number of frames before it. */
  readonly breaks: readonly number[];
  readonly cutOff: boolean; // in the middle of its last frame
}

/** Frames in a row by which sound is told from bytes that only look like a header. */
const CHAIN = 3;

/** The first byte of every header. */
const SYNC = 0xff;

/** How far into a file the first frame is looked for: the longest has 1441 bytes, and a program may have written a few more. */
const SEARCHED = 2 ** 13;

/** The bytes of this many frames may follow the sound, whatever they are: tags and padding. */
const MAX_TAIL_FRAMES = 2;

/** Whether frames of layer III begin here, or, in what was cut out of a stream, soon. */
export function isMp3(bytes: Uint8Array): boolean {
  if (headerAt(bytes, 0)) return true;
  const searched = bytes.subarray(0, SEARCHED);
  // By indexOf, since every MIDI file is searched to its end: a loop over its bytes took a tenth of a cold start.
  for (let at = searched.indexOf(SYNC, 1); at !== -1; at = searched.indexOf(SYNC, at + 1)) {
    if (isChainAt(bytes, at)) return true;
  }
  return false;
}

/** @throws SurprisalError `malformed-audio` when no frame is found, or its sample rate changes; `unsupported-media-type` for a free bit rate. */
export function readMp3(bytes: Uint8Array): Mp3 {
  if (headerAt(bytes, 0)?.bytes === 0) {
    throw new SurprisalError(
      "unsupported-media-type",
      `${expected("MP3 of a bit rate that the standard lists", "MP3 of a free bit rate, most of which the decoder drops")} This converts it: lame --decode in.mp3 out.wav`,
    );
  }
  const frames: Uint8Array[] = [];
  const breaks: number[] = [];
  let first: Header | undefined;
  let [at, end, cutOff] = [0, 0, false]; // end of the last frame
  while (at + 4 <= bytes.length) {
    const header = headerAt(bytes, at);
    const isNext = at === end && header !== undefined && first !== undefined && isLike(first, header);
    if (!header?.bytes || !(isNext || isChainAt(bytes, at))) {
      at += 1;
      continue;
    }
    if (first && !isLike(first, header)) {
      throw malformed(
        `Expected one sample rate, got ${first.sampleRate} and then ${header.sampleRate} Hz in an MP3 file.`,
      );
    }
    cutOff = at + header.bytes > bytes.length;
    if (at !== end) {
      frames.pop(); // bytes may be missing inside it
      breaks.push(frames.length);
    }
    first ??= header;
    end = cutOff ? bytes.length : at + header.bytes;
    if (!cutOff) frames.push(bytes.subarray(at, end));
    const next = headerAt(bytes, end);
    at = cutOff || (next && isLike(header, next)) ? end : at + 1;
  }
  if (!first || frames.length === 0) throw malformed("Expected frames of MP3, got none.");
  const tail = bytes.subarray(end);
  const isTag = /^(TAG|ID3|APETAGEX|LYRICSBEGIN)/.test(String.fromCharCode(...tail.subarray(0, 11)));
  if (!isTag && tail.length > MAX_TAIL_FRAMES * first.bytes) breaks.push(frames.length);
  const { sampleRate, channels, samples } = first;
  return {
    sampleRate,
    channels,
    frameSamples: samples,
    frames,
    announced: xingFrames(frames[0], first),
    breaks,
    cutOff,
  };
}

const isLike = (one: Header, other: Header): boolean => one.sampleRate === other.sampleRate;

/** Whether frames follow one another from here on, or a single one is the whole file. The last may be cut off. */
function isChainAt(bytes: Uint8Array, start: number): boolean {
  const first = headerAt(bytes, start);
  let at = start;
  for (let length = 0; length < CHAIN; length++) {
    const header = headerAt(bytes, at);
    if (!first || !header?.bytes || !isLike(first, header)) {
      return at + 4 > bytes.length && length > (start === 0 ? 0 : 1);
    }
    at += header.bytes;
  }
  return true;
}

/** The layer of MPEG audio that begins here, by its first header. */
export function mpegLayer([a, b, c]: Uint8Array): 1 | 2 | 3 | undefined {
  const isHeader = a === SYNC && (b & 0xe0) === 0xe0 && (b & 0x18) !== 8 && c >> 4 < 15 && (c & 12) !== 12;
  return isHeader ? ([undefined, 3, 2, 1] as const)[(b >> 1) & 3] : undefined;
}

function headerAt(bytes: Uint8Array, at: number): Header | undefined {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  if (at + 4 > bytes.length || a !== SYNC || (b & 0xe6) !== 0xe2) return undefined; // sync and layer III
  const version = (b >> 3) & 3; // 3 MPEG 1, 2 MPEG 2, 0 MPEG 2.5
  const bitRate = BIT_RATES[version === 3 ? 0 : 1][c >> 4];
  const rate = SAMPLE_RATES[(c >> 2) & 3];
  if (version === 1 || bitRate === undefined || rate === undefined) return undefined;
  const sampleRate = rate / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const samples = version === 3 ? 1152 : 576;
  const channels = d >> 6 === 3 ? 1 : 2;
  const side = version === 3 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;
  const length = bitRate === 0 ? 0 : Math.floor(((samples / 8) * 1000 * bitRate) / sampleRate) + ((c >> 1) & 1);
  return { sampleRate, samples, channels, bytes: length, tagAt: 4 + side };
}

/** Frames by the tag that encoders leave in the first frame: Xing, Info for a constant bit rate. */
function xingFrames(frame: Uint8Array, { tagAt }: Header): number | undefined {
  if (frame.length < tagAt + 12) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const isTag = [0x58696e67, 0x496e666f].includes(view.getUint32(tagAt));
  return isTag && view.getUint32(tagAt + 4) & 1 ? view.getUint32(tagAt + 8) : undefined;
}
