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
}

const EVERY_KEY = { min: -6, max: 5 } as const;

/** The four sets of Boulanger-Lewandowski et al. (ICML 2012); frame lengths by its section 6. */
export const SET_PROPERTIES = {
  nottingham: { framesPerQuarter: 2, shifts: EVERY_KEY },
  jsb: { framesPerQuarter: 1, shifts: { min: -6, max: 17 } },
  musedata: { framesPerQuarter: 2, shifts: EVERY_KEY },
  "piano-midi": { framesPerQuarter: 2, shifts: EVERY_KEY },
} as const satisfies Readonly<Record<string, MusicSetProperties>>;

/** Shifts that `auto` tries for a set; those of every key for a set that is not among the four. */
export function shiftsOf(set: string): readonly number[] {
  const { min, max } = Object.hasOwn(SET_PROPERTIES, set)
    ? SET_PROPERTIES[set as keyof typeof SET_PROPERTIES].shifts
    : EVERY_KEY;
  return Array.from({ length: max - min + 1 }, (_, k) => min + k);
}
