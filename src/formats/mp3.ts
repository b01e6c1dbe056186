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

/** Whether a frame of layer III begins here, by its header. */
export const isMp3Frame = (bytes: Uint8Array, at: number): boolean => headerAt(bytes, at) !== undefined;

/** @throws SurprisalError `malformed-audio` when no frame is found, or its sample rate changes; `unsupported-media-type` for a free bit rate. */
export function readMp3(bytes: Uint8Array): Mp3 {
  const frames: Uint8Array[] = [];
  const breaks: number[] = [];
  let first: Header | undefined;
  let [at, lost, cutOff] = [0, false, false];
  while (at + 4 <= bytes.length) {
    const header = headerAt(bytes, at);
    if (header?.bytes === 0 && at === 0) {
      throw new SurprisalError(
        "unsupported-media-type",
        `${expected("MP3 of a bit rate that the standard lists", "MP3 of a free bit rate, of which the decoder drops most")} This converts it: lame --decode in.mp3 out.wav`,
      );
    }
    const length = header?.bytes ?? 0;
    if (!header || length === 0) {
      lost = true;
      at += 1;
      continue;
    }
    const next = headerAt(bytes, at + length);
    const isWhole = at + length <= bytes.length;
    // Four bytes of sound may look like a header; two of them at the right distance do not.
    if (next ? next.sampleRate !== header.sampleRate : at + length + 4 <= bytes.length || lost) {
      lost = true;
      at += 1;
      continue;
    }
    if (first && header.sampleRate !== first.sampleRate) {
      throw malformed(
        `Expected one sample rate, got ${first.sampleRate} and then ${header.sampleRate} Hz in an MP3 file.`,
      );
    }
    first ??= header;
    if (!isWhole) {
      cutOff = true;
      break;
    }
    if (lost && frames.length > 0) breaks.push(frames.length);
    lost = false;
    frames.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (!first || frames.length === 0) throw malformed("Expected frames of MP3, got none.");
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

function headerAt(bytes: Uint8Array, at: number): Header | undefined {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  if (at + 4 > bytes.length || a !== 0xff || (b & 0xe6) !== 0xe2) return undefined; // sync and layer III
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
