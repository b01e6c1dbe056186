/**
 * Piano roll -> the key in which it stands, by the algorithm of Krumhansl and Schmuckler (Krumhansl, "Cognitive Foundations of
 * Musical Pitch", 1990): how long each pitch class sounds, correlated with the profile of each of the 24 keys.
 */
import type { PianoRoll } from "../../formats/piano-roll.ts";

/** Ratings of the pitch classes from the tonic on (Krumhansl and Kessler 1982). */
const PROFILES = {
  major: [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
  minor: [6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
} as const;

const MODES = ["major", "minor"] as const;

/** Of mean 0 and norm 1. Then the inner product with the durations orders the keys as the correlation does. */
function standardised(profile: readonly number[]): number[] {
  const mean = profile.reduce((a, b) => a + b) / profile.length;
  const norm = Math.hypot(...profile.map((rating) => rating - mean));
  return profile.map((rating) => (rating - mean) / norm);
}

const STANDARDISED = { major: standardised(PROFILES.major), minor: standardised(PROFILES.minor) };

export interface Key {
  readonly tonic: number; // pitch class, 0 = C
  readonly mode: (typeof MODES)[number];
}

/** The key of a roll; C major where every key fits alike. */
export function keyOf({ pitches }: PianoRoll): Key {
  const durations = new Array<number>(12).fill(0); // frames in which each pitch class sounds
  for (const pitch of pitches) durations[pitch % 12] += 1;
  let best: Key & { readonly fit: number } = { tonic: 0, mode: "major", fit: Number.NEGATIVE_INFINITY };
  for (const mode of MODES) {
    for (let tonic = 0; tonic < 12; tonic++) {
      const fit = STANDARDISED[mode].reduce((sum, rating, step) => sum + rating * durations[(tonic + step) % 12], 0);
      if (fit > best.fit) best = { tonic, mode, fit };
    }
  }
  return { tonic: best.tonic, mode: best.mode };
}

/**
 * Semitones, -6 to 5, that bring the tonic of a key to C. In the published sets, most pieces in minor stand in C minor by this
 * algorithm too: of the training pieces of JSB Chorales 104 in C major, 76 in C minor, fewer than 5 in A minor.
 */
export const shiftToC = ({ tonic }: Key): number => (tonic > 6 ? 12 - tonic : -tonic);
