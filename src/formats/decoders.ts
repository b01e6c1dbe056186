/**
 * FLAC, MP3, Ogg Vorbis and Ogg Opus -> mono samples, by builds of the reference decoders for WebAssembly. They are compiled
 * when they are first needed, which Workers refuse, so this belongs to Node and Lambda.
 */

import { SurprisalError } from "../errors.ts";
import { yieldToEventLoop } from "../util/yield.ts";
import { announcedSeconds } from "./durations.ts";
import { wholePages } from "./ogg.ts";
import { type CodedFormat, checkSeconds, type Waveform } from "./wav.ts";

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly bitDepth?: number; // of FLAC, whose decoder takes the largest sample above 0 for full scale
  readonly errors: readonly { readonly message: string }[];
}

/** What the decoders have in common. */
interface StreamDecoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>;
  flush?(): Promise<Decoded>;
  free(): void;
}

const DECODERS: Readonly<Record<CodedFormat, () => Promise<StreamDecoder>>> = {
  FLAC: async () => new (await import("@wasm-audio-decoders/flac")).FLACDecoder(),
  MP3: async () => new (await import("mpg123-decoder")).MPEGDecoder(),
  "Ogg Vorbis": async () => new (await import("@wasm-audio-decoders/ogg-vorbis")).OggVorbisDecoder(),
  "Ogg Opus": async () => new (await import("ogg-opus-decoder")).OggOpusDecoder(),
};

/** Bytes that are decoded at once: a few bytes of FLAC may hold a second of silence, and all of it stands in memory. */
const PORTION = 2048;

/**
 * Decodes a file; the channels are averaged. A file that was cut off is read to its last whole frame.
 * @throws SurprisalError `too-large` when it is longer than `maxSeconds`, by its header before anything is decoded and
 * else as soon as it shows; `malformed-audio` when a part of it cannot be decoded: a gap would be scored as if it were sound.
 */
export async function decode(file: Uint8Array, format: CodedFormat, maxSeconds: number): Promise<Waveform> {
  // Of a page that was cut off the decoders would make sound that nobody recorded.
  const { bytes, granule } = format.startsWith("Ogg") ? wholePages(file) : { bytes: file };
  checkSeconds(announcedSeconds(bytes, format, granule) ?? 0, maxSeconds);
  const decoder = await DECODERS[format]();
  const parts: Float32Array[] = [];
  let [length, rate] = [0, 0];
  const take = ({ channelData, samplesDecoded, sampleRate, bitDepth, errors }: Decoded) => {
    if (errors.length > 0) throw malformed(format, errors[0].message);
    if (samplesDecoded === 0) return;
    if (rate !== 0 && sampleRate !== rate) throw malformed(format, `its rate changes from ${rate} to ${sampleRate} Hz`);
    rate = sampleRate;
    length += samplesDecoded;
    checkSeconds(length / rate, maxSeconds);
    parts.push(averaged(bitDepth ? channelData.map(exactly(bitDepth)) : channelData, samplesDecoded));
  };
  try {
    await decoder.ready;
    for (let at = 0; at < bytes.length; at += PORTION) {
      take(await decoder.decode(bytes.subarray(at, at + PORTION)));
      await yieldToEventLoop();
    }
    if (decoder.flush) take(await decoder.flush());
  } catch (error) {
    throw error instanceof SurprisalError ? error : malformed(format, String(error));
  } finally {
    decoder.free();
  }
  if (length === 0) throw malformed(format, "it has no sound");
  const samples = new Float32Array(length);
  let position = 0;
  for (const part of parts) {
    samples.set(part, position);
    position += part.length;
  }
  return { samples, sampleRate: rate };
}

/** The integers that were coded, where full scale is 2^(bits - 1). */
const exactly = (bits: number) => (channel: Float32Array) =>
  channel.map((sample) => Math.round(sample * (2 ** (bits - 1) - 1)) / 2 ** (bits - 1));

function averaged(channels: readonly Float32Array[], length: number): Float32Array {
  const mean = new Float32Array(length);
  for (const channel of channels) for (let t = 0; t < length; t++) mean[t] += channel[t] / channels.length;
  return mean;
}

const malformed = (format: CodedFormat, reason: string) =>
  new SurprisalError("malformed-audio", `The ${format} cannot be read: ${reason.trim().replace(/[.!]$/, "")}.`);
