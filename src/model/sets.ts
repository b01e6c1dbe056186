/**
 * How the pieces of each set of music were made: what turns a person's file into what the set's models know. The training data's
 * reader and an upload's reader both go by it.
 */

export interface MusicSetProperties {
  readonly framesPerQuarter: number;
  /**
   * Semitones from a piece's own pitches to those of the set, least and greatest. Every set stands in C major or A (or C) minor,
   * so twelve shifts reach each key once; JSB Chorales stands about an octave up as well.
   */
  readonly shifts: { readonly min: number; readonly max: number };
  /** Shares of the training pieces whose first and last sounding frames have C in the bass, the tonic of nearly all. */
  readonly tonicInBass: { readonly first: number; readonly last: number };
}

const EVERY_KEY = { min: -6, max: 5 } as const;

/** The four sets of Boulanger-Lewandowski et al. (ICML 2012); frame lengths by its section 6. */
export const SET_PROPERTIES = {
  nottingham: { framesPerQuarter: 2, shifts: EVERY_KEY, tonicInBass: { first: 0.425, last: 0.733 } },
  jsb: { framesPerQuarter: 1, shifts: { min: -6, max: 17 }, tonicInBass: { first: 0.882, last: 0.934 } },
  musedata: { framesPerQuarter: 2, shifts: EVERY_KEY, tonicInBass: { first: 0.594, last: 0.796 } },
  "piano-midi": { framesPerQuarter: 2, shifts: EVERY_KEY, tonicInBass: { first: 0.471, last: 0.759 } },
} as const satisfies Readonly<Record<string, MusicSetProperties>>;

const propertiesOf = (set: string): MusicSetProperties | undefined =>
  Object.hasOwn(SET_PROPERTIES, set) ? SET_PROPERTIES[set as keyof typeof SET_PROPERTIES] : undefined;

const SETS_OF_SPEECH: readonly string[] = ["speech-short", "speech-long"];

/** What the models of a set read; undefined for a set that is not published, which only its checkpoints know. */
export function kindOfSet(set: string): "music" | "audio" | undefined {
  if (propertiesOf(set)) return "music";
  return SETS_OF_SPEECH.includes(set) ? "audio" : undefined;
}

/**
 * Shifts that `auto` tries for a set; those of every key for a set that is not among the four.
 * @param key "none", as a checkpoint may say: the pieces of its set stand in their own keys, and so stays what is read
 */
export function shiftsOf(set: string, key?: string): readonly number[] {
  if (key === "none") return [0];
  const { min, max } = propertiesOf(set)?.shifts ?? EVERY_KEY;
  return Array.from({ length: max - min + 1 }, (_, k) => min + k);
}

/** The share of C that says nothing: one of twelve pitch classes. */
const ANY = 1 / 12;

/**
 * How much more likely it is, in nats, that the first or last frame of a piece of the set has C in the bass than another given
 * pitch class: log (11 p / (1 - p)) for the share p. Zero for a set that is not among the four.
 */
export function tonicOdds(set: string): { readonly first: number; readonly last: number } {
  const { first, last } = propertiesOf(set)?.tonicInBass ?? { first: ANY, last: ANY };
  const odds = (share: number) => Math.log((11 * share) / (1 - share));
  return { first: odds(first), last: odds(last) };
}
