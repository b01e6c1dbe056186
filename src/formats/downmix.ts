/**
 * Channels -> one, by where their loudspeakers stand. Recommendation ITU-R BS.775-4, annex 4, table 2, gives 5.1 on one
 * loudspeaker as C + 0.7071 (L + R) + 0.5 (Ls + Rs) without the low frequencies: speech in the centre stays as it was. Without
 * a centre channel the mean is taken, so that a voice on both sides of stereo stays as it was too.
 */

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
