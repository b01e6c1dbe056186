/**
 * FLAC, MP3, Ogg and Opus in WebM or MP4 -> mono samples, by builds of the reference decoders for WebAssembly. They are compiled
 * when they are first needed, which Workers refuse, so this belongs to Node and Lambda. What a file is made of is found before
 * it is decoded (flac.ts, mp3.ts, ogg.ts), so that sound that is missing is known to be.
 */

import { expected, SurprisalError, type Warning } from "../errors.ts";
import { Work } from "../util/work.ts";
import type { CodedFormat } from "./audio.ts";
import { DownmixMeter, downmixWeights, flacLayout, type Speaker, vorbisLayout } from "./downmix.ts";
import { metadataBytes, readFrames, readStreamInfo, runsOf } from "./flac.ts";
import { readMp3 } from "./mp3.ts";
import { joined, oggStreams, pagesOf } from "./ogg.ts";
import { isOpusHead, OPUS_RATE, type OpusStream, opusOfOgg } from "./opus.ts";
import type { Timeline } from "./timeline.ts";
import { isVorbisHead, type VorbisStream, vorbisOfOgg } from "./vorbis.ts";
import {
  checkAnnouncement,
  cutOff,
  damagedAudio,
  type Gap,
  malformed,
  SAMPLE_COST,
  type Waveform,
} from "./waveform.ts";

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
  free(): void;
}

/** Bytes that are decoded at once: a few bytes of FLAC may hold a second of silence, and all of it stands in memory. */
const PORTION = 2048;
/** Delay and padding of twelve bits each in LAME's tag, mpg123's own 529 samples, and the frame that holds the tag. */
const MAX_MP3_TRIM = 2 * 4095 + 529 + 1152;
/** Beyond, a file is not worth the decoder that each of its parts takes. */
const MAX_GAPS = 100;
/** libopus writes no longer packet than 1275 bytes for each of six frames of a stream (RFC 6716, section 3.4). */
const MAX_OPUS_BYTES = 7650;

/**
 * Decodes a file; its channels are mixed as downmix.ts says. What was cut off or is missing is left out and said in warnings.
 * @throws SurprisalError `too-large` when it is longer than `maxSeconds`, by its header before anything is decoded and
 * else as soon as it shows; `malformed-audio` when it cannot be decoded, `unsupported-media-type` for another codec in a container.
 */
export async function decode(
  bytes: Uint8Array,
  format: CodedFormat,
  maxSeconds: number,
  work = new Work(),
): Promise<Waveform> {
  const sound = new Recorded(format, maxSeconds, work);
  try {
    if (format === "FLAC") await decodeFlac(bytes, metadataBytes(bytes), sound);
    else if (format === "MP3") await decodeMp3(bytes, sound);
    else if (format === "WebM" || format === "MP4") {
      const { opusOfContainer } = await import("./containers.ts");
      const stream = await opusOfContainer(bytes, format, maxSeconds, work);
      await decodeOpus(stream, sound);
      if (stream.isCutOff && sound.length > 0) sound.warn(withoutEnd(format, sound.place(), "ends early"));
    } else await decodeOgg(bytes, format, sound);
  } catch (error) {
    if (error instanceof SurprisalError || work.isAborted) throw error;
    throw malformed(expected(`${format} that can be decoded`, `damage after ${sound.place()}`), { cause: error });
  }
  return sound.waveform();
}

/** Collects what decoders give, as one channel. */
class Recorded {
  readonly #format: CodedFormat;
  readonly #maxSeconds: number;
  readonly #work: Work;
  readonly #parts: Float32Array[] = [];
  readonly #warnings: Warning[] = [];
  readonly #gaps: Gap[] = [];
  readonly #meter = new DownmixMeter();
  length = 0;
  #rate = 0;
  #decoded = 0; // samples of all channels since the last pause

  constructor(format: CodedFormat, maxSeconds: number, work: Work) {
    this.#work = work;
    this.#format = format;
    this.#maxSeconds = maxSeconds;
  }

  /** Called with what a header says, before anything of it is decoded. @throws SurprisalError when the rate changes */
  begin(sampleRate: number, channels: number, samples: number): void {
    checkAnnouncement({ sampleRate, channels, samples: this.length + samples }, this.#maxSeconds);
    if (this.#rate !== 0 && sampleRate !== this.#rate) {
      throw malformed(
        `Expected one sample rate, got ${this.#rate} and then ${sampleRate} Hz in the ${this.#format} file.`,
      );
    }
    this.#rate = sampleRate;
  }

  /** @param layout of the loudspeakers, empty where nobody says */
  add({ channelData, samplesDecoded, errors, bitDepth }: Decoded, layout: readonly Speaker[], gain = 1): void {
    if (errors.length > 0) throw new Error(errors[0].message);
    if (samplesDecoded === 0) return;
    const channels = bitDepth ? channelData.map(exactly(bitDepth)) : channelData;
    this.#decoded += samplesDecoded * channels.length;
    const weights = downmixWeights(channels.length, layout);
    const mono = new Float32Array(samplesDecoded);
    const power = new Float64Array(channels.length);
    channels.forEach((channel, c) => {
      for (let t = 0; t < samplesDecoded; t++) {
        mono[t] += channel[t] * weights[c] * gain;
        power[c] += (channel[t] * gain) ** 2;
      }
    });
    this.#meter.add(power, weights);
    this.keep(mono);
  }

  keep(mono: Float32Array): void {
    this.length += mono.length;
    this.#parts.push(mono);
    checkAnnouncement({ sampleRate: this.#rate, channels: 1, samples: this.length }, this.#maxSeconds);
  }

  /** Between two parts. */
  pause(): Promise<void> {
    const cost = this.#decoded * SAMPLE_COST;
    this.#decoded = 0;
    return this.#work.step(cost);
  }

  /** @param start samples of this recording that come before what the gaps are counted in */
  missing(gaps: readonly Gap[], start = 0): void {
    this.#gaps.push(...gaps.map((gap) => ({ ...gap, at: start + gap.at })));
  }

  warn(warning: Warning): void {
    this.#warnings.push(warning);
  }

  place(): string {
    return this.#rate === 0 ? "its header" : `${(this.length / this.#rate).toFixed(2)} s`;
  }

  waveform(): Waveform {
    if (this.length === 0) throw malformed(expected(`sound in the ${this.#format} file`, "none"));
    const samples = new Float32Array(this.length);
    let position = 0;
    for (const part of this.#parts) {
      samples.set(part, position);
      position += part.length;
    }
    const damage = this.#gaps.length > 0 ? [damagedAudio(this.#gaps, this.#rate)] : [];
    const warnings = [...damage, ...this.#warnings, ...this.#meter.correct(samples)];
    return { samples, sampleRate: this.#rate, warnings };
  }
}

/** Runs `use` with a decoder that is ready, and frees it. */
async function withDecoder<T extends StreamDecoder>(decoder: T, use: (decoder: T) => Promise<void>): Promise<void> {
  await decoder.ready;
  try {
    await use(decoder);
  } finally {
    try {
      decoder.free();
    } catch {
      // Damaged sound may leave a decoder whose memory cannot be freed. All of it goes with the instance anyway.
    }
  }
}

async function decodeFlac(bytes: Uint8Array, from: number, sound: Recorded): Promise<void> {
  const info = readStreamInfo(bytes);
  sound.begin(info.sampleRate, info.channels, info.samples);
  const frames = readFrames(bytes, from, info);
  const { gaps, runs, end } = runsOf(frames);
  const length = runs.flat().reduce((sum, { samples }) => sum + samples, 0);
  sound.begin(info.sampleRate, info.channels, length);
  const start = sound.length;
  if (gaps.length > MAX_GAPS) throw new Error(`${gaps.length} gaps`);
  const { FLACDecoder } = await import("@wasm-audio-decoders/flac");
  for (const run of runs) {
    // libFLAC takes a gap between frames for an error, and so does not see one.
    await withDecoder(new FLACDecoder(), async (decoder) => {
      await decoder.decodeFrames([info.bytes]);
      for (const frame of run) {
        sound.add(await decoder.decodeFrames([frame.bytes]), flacLayout(info.channels));
        await sound.pause();
      }
    });
  }
  if (sound.length - start !== length) throw new Error(`${sound.length - start} samples of ${length}`);
  sound.missing(gaps, start);
  if (info.samples > 0 && end < info.samples) sound.warn(cutOff(end, info.samples));
}

async function decodeMp3(bytes: Uint8Array, sound: Recorded): Promise<void> {
  const { sampleRate, channels, frameSamples, frames, announced, breaks, cutOff: isCutOff } = readMp3(bytes);
  sound.begin(sampleRate, channels, frames.length * frameSamples);
  const { MPEGDecoder } = await import("mpg123-decoder");
  await withDecoder(new MPEGDecoder(), async (decoder) => {
    for (const frame of frames) {
      sound.add(decoder.decode(frame), []);
      await sound.pause();
    }
  });
  if (frames.length * frameSamples - sound.length > MAX_MP3_TRIM) {
    throw new Error(`${sound.length} samples of ${frames.length * frameSamples}`);
  }
  const held = frames.length - (announced === undefined ? 0 : 1);
  const missing = announced === undefined ? undefined : Math.max(0, announced - held) * frameSamples;
  // Where every announced frame is there, other bytes before the first or after the last cost no sound.
  const places = missing === 0 ? breaks.filter((frame) => frame > 0 && frame < frames.length) : breaks;
  if (places.length > 0) {
    const samples = places.length === 1 && missing ? missing : undefined;
    sound.missing(places.map((frame) => ({ at: frame * frameSamples, samples })));
  } else if (missing) sound.warn(cutOff(held * frameSamples, (announced ?? 0) * frameSamples));
  else if (isCutOff && missing === undefined) sound.warn(withoutEnd("MP3", sound.place(), "ends inside a frame"));
}

async function decodeOgg(bytes: Uint8Array, format: CodedFormat, sound: Recorded): Promise<void> {
  const isFlac = (packet: Uint8Array) => String.fromCharCode(...packet.subarray(0, 5)) === "\x7fFLAC";
  const isSound = (packet: Uint8Array) => isOpusHead(packet) || isVorbisHead(packet) || isFlac(packet);
  const { streams, isCutOff } = oggStreams(bytes, isSound);
  for (const stream of streams) {
    const [head = new Uint8Array()] = stream.pages[0].packets;
    if (isOpusHead(head)) await decodeOpus(opusOfOgg(stream), sound);
    else if (isVorbisHead(head)) await decodeVorbis(vorbisOfOgg(stream), sound);
    else {
      // Its first packet has nine bytes of its own in front of "fLaC" (RFC 9639, section 10.1).
      const packets = stream.pages.flatMap((page) => page.packets);
      const first = packets.findIndex((packet, i) => i > 0 && packet[0] === 0xff);
      const frames = first === -1 ? [] : packets.slice(first);
      const start = packets[0].subarray(9);
      const before = sound.length;
      await decodeFlac(joined([start, ...frames]), start.length, sound);
      const repeated = stream.pages.flatMap(({ isRepeated }, i) => (isRepeated ? [stream.pages[i - 1].granule] : []));
      sound.missing(
        repeated.map((granule) => ({ at: Math.max(0, granule), samples: undefined, isRepeated: true })),
        before,
      );
    }
    const isIncomplete = !stream.isWhole || (isCutOff && stream === streams[streams.length - 1]);
    if (isIncomplete && sound.length > 0) sound.warn(withoutEnd(format, sound.place(), "has no last page"));
  }
}

const withoutEnd = (format: CodedFormat, place: string, fault: string): Warning => ({
  code: "cut-off",
  count: 0,
  detail: `The ${format} file is cut off: it holds ${place} of sound and ${fault}, so nobody knows how much is missing.`,
});

async function decodeVorbis({ sampleRate, channels, headers, timeline }: VorbisStream, sound: Recorded): Promise<void> {
  const { runs, gaps } = timeline;
  sound.begin(sampleRate, channels, timeline.samples);
  if (gaps.length > MAX_GAPS) throw new Error(`${gaps.length} gaps`);
  const start = sound.length;
  const trim = trimmer(timeline, sound);
  const { OggVorbisDecoder } = await import("@wasm-audio-decoders/ogg-vorbis");
  for (const run of runs.filter(({ length }) => length > 0)) {
    const bytes = pagesOf([...headers, ...run]);
    await withDecoder(new OggVorbisDecoder(), async (decoder) => {
      for (let at = 0; at < bytes.length; at += PORTION) {
        sound.add(trim(await decoder.decode(bytes.subarray(at, at + PORTION))), vorbisLayout(channels));
        await sound.pause();
      }
      sound.add(trim(await decoder.flush()), vorbisLayout(channels));
    });
  }
  // Packets without sound are left out in silence.
  if (sound.length - start !== timeline.samples)
    throw new Error(`${sound.length - start} samples of ${timeline.samples}`);
  sound.missing(gaps, start);
}

async function decodeOpus({ head, timeline }: OpusStream, sound: Recorded): Promise<void> {
  sound.begin(OPUS_RATE, head.channels, timeline.samples);
  const start = sound.length;
  const trim = trimmer(timeline, sound);
  const { OpusDecoder } = await import("opus-decoder");
  const options = {
    channels: head.channels,
    streamCount: head.streams,
    coupledStreamCount: head.coupled,
    channelMappingTable: [...head.mapping],
  };
  await withDecoder(new OpusDecoder(options), async (decoder) => {
    for (const packet of timeline.runs.flat()) {
      if (packet.length > MAX_OPUS_BYTES * head.streams) throw new Error(`a packet of ${packet.length} bytes`);
      sound.add(trim(decoder.decodeFrame(packet)), head.layout, head.gain);
      await sound.pause();
    }
  });
  sound.missing(timeline.gaps, start);
}

/** Cuts what is to be skipped at the beginning and what is to be left out at the end. */
function trimmer(timeline: Timeline, sound: Recorded): (decoded: Decoded) => Decoded {
  const end = sound.length + timeline.samples;
  let { skip } = timeline;
  return (decoded) => {
    const from = Math.min(skip, decoded.samplesDecoded);
    skip -= from;
    const to = Math.min(decoded.samplesDecoded, from + end - sound.length);
    const channelData = decoded.channelData.map((channel) => channel.subarray(from, to));
    return { ...decoded, channelData, samplesDecoded: to - from };
  };
}

/** The integers that were coded, where full scale is 2^(bits - 1). */
const exactly = (bits: number) => (channel: Float32Array) =>
  channel.map((sample) => Math.round(sample * (2 ** (bits - 1) - 1)) / 2 ** (bits - 1));
