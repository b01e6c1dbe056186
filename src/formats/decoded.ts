/** What the decoders of all codecs give -> one channel, with warnings where sound was cut off or is missing. */

import { expected, type Warning } from "../errors.ts";
import type { Work } from "../util/work.ts";
import type { CodedFormat } from "./audio.ts";
import { DownmixMeter, downmixWeights, type Speaker } from "./downmix.ts";
import type { Timeline } from "./timeline.ts";
import { checkAnnouncement, damagedAudio, type Gap, malformed, SAMPLE_COST, type Waveform } from "./waveform.ts";

export interface Decoded {
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

/** Beyond, a file is not worth the decoder that each of its parts takes. */
export const MAX_GAPS = 100;

/** Collects what decoders give, as one channel. */
export class Recorded {
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
export async function withDecoder<T extends StreamDecoder>(
  decoder: T,
  use: (decoder: T) => Promise<void>,
): Promise<void> {
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

/** Cuts what is to be skipped at the beginning and what is to be left out at the end. */
export function trimmer(timeline: Timeline, sound: Recorded): (decoded: Decoded) => Decoded {
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

/** The warning for a file that ends before it should, by an unknown time. @param place how much sound it holds */
export const withoutEnd = (format: CodedFormat, place: string, fault: string): Warning => ({
  code: "cut-off",
  count: 0,
  detail: `The ${format} file is cut off: it holds ${place} of sound and ${fault}, so nobody knows how much is missing.`,
});

/** The integers that were coded, where full scale is 2^(bits - 1). */
const exactly = (bits: number) => (channel: Float32Array) =>
  channel.map((sample) => Math.round(sample * (2 ** (bits - 1) - 1)) / 2 ** (bits - 1));
