/**
 * WAV bytes -> mono samples, and back. Chunks are walked here, so that a header that lies about lengths harms nobody; the
 * samples themselves are read by wavefile: integers of 8 to 32 bits, floats, A-law and µ-law.
 */

import wavefile from "wavefile";
import { SurprisalError } from "../errors.ts";
import { MAX_CHANNELS, MAX_SECONDS, SAMPLE_RATES } from "../limits.ts";
import { yieldToEventLoop } from "../util/yield.ts";

const { WaveFile } = wavefile;

/** Mono audio; full scale = 1. */
export interface Waveform {
  readonly samples: Float32Array;
  readonly sampleRate: number; // Hz
}

/** Decodes audio of a format that is not WAV, and stops when it lasts longer than `maxSeconds`. */
export type Decoder = (bytes: Uint8Array, format: CodedFormat, maxSeconds: number) => Promise<Waveform>;

/** What a decoder is asked for. */
export type CodedFormat = "FLAC" | "MP3" | "Ogg Vorbis" | "Ogg Opus";

const FORMATS: Readonly<Record<number, readonly number[]>> = {
  1: [8, 16, 24, 32], // integers
  3: [32, 64], // floats
  6: [8], // A-law
  7: [8], // µ-law
};
/** Frames that are decoded at once: in between, a sample takes eight bytes. */
const PORTION = 2 ** 15;
const EXTENSIBLE = 0xfffe;

interface Chunks {
  readonly format: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number; // per sample
  readonly data: Uint8Array; // whole frames
}

/** Whether the bytes begin as audio of a format that is known here. */
export const isAudio = (bytes: Uint8Array): boolean => isWav(bytes) || codedFormat(bytes) !== undefined;

const isWav = (bytes: Uint8Array) => /^RIFF....WAVE/s.test(textOf(bytes, 0, 12));

const textOf = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));

function codedFormat(bytes: Uint8Array): CodedFormat | undefined {
  const start = textOf(bytes, 0, 64);
  if (start.startsWith("fLaC")) return "FLAC";
  if (start.startsWith("OggS")) {
    if (start.includes("OpusHead")) return "Ogg Opus";
    if (start.includes("\x01vorbis")) return "Ogg Vorbis";
    return undefined;
  }
  // A frame of MPEG layer III: eleven bits of sync, and neither a reserved version nor a reserved bit rate or sample rate.
  const [a, b, c] = bytes;
  const isFrame =
    a === 0xff && b >= 0xe0 && (b & 0x18) !== 0x08 && (b & 0x06) === 0x02 && c < 0xf0 && (c & 0x0c) !== 0x0c;
  return start.startsWith("ID3") || isFrame ? "MP3" : undefined;
}

/**
 * Reads a file of audio.
 * @param decode of formats other than WAV, where the runtime has one
 * @throws SurprisalError `malformed-audio` when it is damaged, `unsupported-media-type` when nobody here reads its format,
 * `too-large` when it is longer than `maxSeconds`.
 */
export async function readAudio(
  bytes: Uint8Array,
  { decode, maxSeconds = MAX_SECONDS }: { decode?: Decoder | undefined; maxSeconds?: number } = {},
): Promise<Waveform> {
  if (isWav(bytes)) return readWav(bytes, maxSeconds);
  const format = codedFormat(bytes);
  if (format && decode) return decode(bytes, format, maxSeconds);
  throw new SurprisalError(
    "unsupported-media-type",
    format
      ? `Found ${format}, whose decoder this runtime cannot run, since it is compiled when it is needed; wanted WAV.`
      : `Found audio that begins neither as WAV, FLAC, MP3, Ogg Vorbis nor Ogg Opus does; wanted one of them.`,
  );
}

/** @throws SurprisalError `too-large` when a recording lasts longer than it may. */
export function checkSeconds(seconds: number, maxSeconds: number): void {
  if (seconds > maxSeconds) {
    throw new SurprisalError(
      "too-large",
      `The recording lasts ${Math.round(seconds)} s; wanted at most ${maxSeconds} s.`,
    );
  }
}

/**
 * Reads a WAV file; the channels are averaged.
 * @throws SurprisalError `malformed-audio` when it is not one or is damaged, `unsupported-media-type` for a codec other than
 * those above, `too-large` when it is longer than `maxSeconds`, before any sample is decoded.
 */
export async function readWav(bytes: Uint8Array, maxSeconds = MAX_SECONDS): Promise<Waveform> {
  const { format, channels, sampleRate, bits, data } = readChunks(bytes);
  const frames = data.length / (channels * (bits / 8));
  checkSeconds(frames / sampleRate, maxSeconds);
  const samples = new Float32Array(frames);
  const frameBytes = data.length / frames;
  for (let start = 0; start < frames; start += PORTION) {
    const part = data.subarray(start * frameBytes, Math.min(frames, start + PORTION) * frameBytes);
    const interleaved = decode({ format, channels, sampleRate, bits, data: part });
    for (let t = 0; t * channels < interleaved.length; t++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += interleaved[t * channels + c];
      samples[start + t] = sum / channels;
    }
    await yieldToEventLoop();
  }
  const faulty = samples.findIndex((sample) => !Number.isFinite(sample));
  if (faulty !== -1) throw malformed(`sample ${faulty} is ${samples[faulty]}; wanted finite numbers.`);
  return { samples, sampleRate };
}

function readChunks(bytes: Uint8Array): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || name(0) !== "RIFF" || name(8) !== "WAVE") {
    throw malformed("it does not begin as a WAV file does (RIFF, WAVE).");
  }
  let found: Omit<Chunks, "data"> | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const start = at + 8;
    const length = view.getUint32(at + 4, true);
    const end = Math.min(start + length, bytes.length);
    if (name(at) === "fmt ") found = readFormat(new DataView(bytes.buffer, bytes.byteOffset + start, end - start));
    if (name(at) === "data") {
      if (!found) throw malformed("its data come before their format.");
      // A recorder that streams writes no length, or the largest there is: what is there counts.
      const there = bytes.subarray(start, length === 0 ? bytes.length : end);
      const frameBytes = found.channels * (found.bits / 8);
      return { ...found, data: there.subarray(0, there.length - (there.length % frameBytes)) };
    }
    at = start + length + (length % 2); // chunks begin at even places
  }
  throw malformed(`it has no ${found ? "data" : "format"} chunk.`);
}

function readFormat(view: DataView): Omit<Chunks, "data"> {
  if (view.byteLength < 16) throw malformed(`its format chunk has ${view.byteLength} bytes; wanted at least 16.`);
  const tag = view.getUint16(0, true);
  const format = tag === EXTENSIBLE && view.byteLength >= 26 ? view.getUint16(24, true) : tag;
  const [channels, sampleRate, bits] = [view.getUint16(2, true), view.getUint32(4, true), view.getUint16(14, true)];
  if (!FORMATS[format]?.includes(bits)) {
    throw new SurprisalError(
      "unsupported-media-type",
      `Found a WAV file of format ${format} with ${bits} bits; wanted integers of 8 to 32 bits, floats, A-law or µ-law.`,
    );
  }
  if (channels < 1 || channels > MAX_CHANNELS) {
    throw malformed(`it has ${channels} channels; wanted 1 to ${MAX_CHANNELS}.`);
  }
  const { min, max } = SAMPLE_RATES;
  if (!(sampleRate >= min && sampleRate <= max)) {
    throw malformed(`its sample rate is ${sampleRate} Hz; wanted ${min} to ${max}.`);
  }
  return { format, channels, sampleRate, bits };
}

/** Interleaved samples, full scale = 1, of a file rewritten with a plain header. */
function decode({ format, channels, sampleRate, bits, data }: Chunks): Float64Array {
  const file = new Uint8Array(44 + data.length);
  const view = new DataView(file.buffer);
  const text = (at: number, name: string) => file.set(new TextEncoder().encode(name), at);
  const frameBytes = channels * (bits / 8);
  text(0, "RIFF");
  view.setUint32(4, 36 + data.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, format, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, bits, true);
  text(36, "data");
  view.setUint32(40, data.length, true);
  file.set(data, 44);
  const wav = new WaveFile(file);
  if (format === 6) wav.fromALaw();
  if (format === 7) wav.fromMuLaw();
  const samples = wav.getSamples(true);
  if (format === 3) return samples;
  const decodedBits = Number(wav.bitDepth);
  const [scale, offset] = decodedBits === 8 ? [2 ** 7, 2 ** 7] : [2 ** (decodedBits - 1), 0];
  return samples.map((sample) => (sample - offset) / scale);
}

/** A WAV file of 16 bits; samples beyond full scale are clipped. */
export function writeWav({ samples, sampleRate }: Waveform): Uint8Array<ArrayBuffer> {
  const wav = new WaveFile();
  const integers = Int16Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * 32768))));
  wav.fromScratch(1, sampleRate, "16", integers);
  return new Uint8Array(wav.toBuffer());
}

const malformed = (reason: string) => new SurprisalError("malformed-audio", `The audio cannot be read: ${reason}`);
