/**
 * Channels -> one, by where their loudspeakers stand. Recommendation ITU-R BS.775-4, annex 4, table 2, gives 5.1 on one
 * loudspeaker as C + 0.7071 (L + R) + 0.5 (Ls + Rs) without the low frequencies: speech in the centre stays as it was, and speech
 * at the front left alone is 3 dB lower, as in a room. Without a centre channel the mean of the channels that hold sound is
 * taken, so that a voice on one side or on both sides of stereo stays as it was too.
 */

import type { Warning } from "../errors.ts";

/** Front left and right, centre, low frequencies, anything at the side, behind or above. */
export type Speaker = "L" | "R" | "C" | "LFE" | "S";

const WEIGHTS: Readonly<Record<Speaker, number>> = { L: Math.SQRT1_2, R: Math.SQRT1_2, C: 1, LFE: 0, S: 0.5 };

/** By the bits of dwChannelMask of WAVEFORMATEXTENSIBLE, which is also the order of the channels. */
const MASK: readonly Speaker[] = ["L", "R", "C", "LFE", "S", "S", "L", "R", "S", "S", "S"];

/** RFC 9639, section 9.1.3; a WAV file of six or eight channels that does not say has the same. */
const FLAC_LAYOUTS: readonly (readonly Speaker[])[] = [
  [],
  ["C"],
  ["L", "R"],
  ["L", "R", "C"],
  ["L", "R", "S", "S"],
  ["L", "R", "C", "S", "S"],
  ["L", "R", "C", "LFE", "S", "S"],
  ["L", "R", "C", "LFE", "S", "S", "S"],
  ["L", "R", "C", "LFE", "S", "S", "S", "S"],
];

/** Vorbis I, section 4.3.9, and RFC 7845, section 5.1.1.2, which takes it over. */
const VORBIS_LAYOUTS: readonly (readonly Speaker[])[] = [
  [],
  ["C"],
  ["L", "R"],
  ["L", "C", "R"],
  ["L", "R", "S", "S"],
  ["L", "C", "R", "S", "S"],
  ["L", "C", "R", "S", "S", "LFE"],
  ["L", "C", "R", "S", "S", "S", "LFE"],
  ["L", "C", "R", "S", "S", "S", "S", "LFE"],
];

/** Weights of the channels, each on its own loudspeaker; an empty layout says nothing of them. */
export function downmixWeights(channels: number, layout: readonly Speaker[] = []): readonly number[] {
  if (channels > 2 && layout.length === channels) {
    if (layout.includes("C")) return layout.map((speaker) => WEIGHTS[speaker]);
    const heard = layout.filter((speaker) => speaker !== "LFE").length;
    if (heard > 0) return layout.map((speaker) => (speaker === "LFE" ? 0 : 1 / heard));
  }
  return Array.from({ length: channels }, () => 1 / channels);
}

export const flacLayout = (channels: number): readonly Speaker[] => FLAC_LAYOUTS[channels] ?? [];
export const vorbisLayout = (channels: number): readonly Speaker[] => VORBIS_LAYOUTS[channels] ?? [];

/** @param mask dwChannelMask, 0 where the file has none */
export function waveLayout(channels: number, mask: number): readonly Speaker[] {
  if (mask === 0) return channels === 6 || channels === 8 ? flacLayout(channels) : [];
  const speakers: Speaker[] = [];
  for (let bit = 0; bit < 32; bit++) if ((mask >>> bit) & 1) speakers.push(MASK[bit] ?? "S");
  return speakers.slice(0, channels);
}

/** Power below which a channel is silent beside the loudest, -60 dB, and the mean beside its channels cancelled, -20 dB. */
const SILENT = 1e-6;
const CANCELLED = 1e-2;

/** Measures the power of each channel while a file is read, which tells whether their mean lost sound. */
export class DownmixMeter {
  #power: Float64Array | undefined; // of each channel, over all samples
  #isMean = true;

  /** @param power of each channel in samples that are mixed with these weights */
  add(power: Float64Array, weights: readonly number[]): void {
    this.#isMean &&=
      weights.every((weight) => weight === weights[0]) && (this.#power?.length ?? power.length) === power.length;
    this.#power ??= new Float64Array(power.length);
    if (this.#isMean) for (let c = 0; c < power.length; c++) this.#power[c] += power[c];
  }

  /** Takes silent channels out of the mean, in place, and says what the mean is not. */
  correct(mean: Float32Array): Warning[] {
    const power = this.#power;
    if (!this.#isMean || !power || power.length < 2) return [];
    const loudest = Math.max(...power);
    if (loudest === 0) return [];
    const channels = power.length;
    const heard = power.filter((own) => own > SILENT * loudest).length;
    if (heard < channels) {
      for (let t = 0; t < mean.length; t++) mean[t] *= channels / heard;
    }
    const left =
      mean.reduce((sum, sample) => sum + sample ** 2, 0) / (power.reduce((sum, own) => sum + own, 0) / heard);
    if (heard > 1 && left < CANCELLED) return [cancelled(heard, left)];
    return heard < channels ? [silent(channels - heard, channels)] : [];
  }
}

const silent = (count: number, channels: number): Warning => ({
  code: "downmix",
  count,
  detail: `${count} of ${channels} channels ${count === 1 ? "is" : "are"} silent: only the mean of the others is scored.`,
});

const cancelled = (count: number, left: number): Warning => ({
  code: "downmix",
  count,
  detail: `The ${count} channels cancel each other: ${left === 0 ? "nothing is left" : `their mean, which is scored, is ${Math.round(-10 * Math.log10(left))} dB below them`}. Send one channel alone.`,
});
