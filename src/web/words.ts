/** Names and numbers as people read them. */

const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

/** Scientific pitch notation: 60 is C4. */
export const pitchName = (pitch: number): string => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

export const isBlackKey = (pitch: number): boolean => [1, 3, 6, 8, 10].includes(pitch % 12);

/** A probability as a percentage: 62 %, 3.1 %, 0.04 %. */
export function percent(probability: number): string {
  const value = 100 * probability;
  if (value === 0) return "0 %";
  if (value < 0.01) return "less than 0.01 %";
  return `${value >= 9.95 ? value.toFixed(0) : value.toPrecision(value < 0.1 ? 1 : 2)} %`;
}

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** a, b and c. */
export const listed = (words: readonly string[]): string =>
  [words.slice(0, -1).join(", "), ...words.slice(-1)].filter(Boolean).join(" and ");

const SETS: Readonly<Record<string, { readonly title: string; readonly pieces: string }>> = {
  jsb: { title: "Bach chorales", pieces: "chorales" },
  nottingham: { title: "Folk tunes", pieces: "folk tunes" },
  musedata: { title: "Orchestral and chamber music", pieces: "orchestral and chamber pieces" },
  "piano-midi": { title: "Piano music", pieces: "piano pieces" },
  "speech-short": { title: "Speech, short excerpts", pieces: "recordings" },
  "speech-long": { title: "Speech, long excerpts", pieces: "recordings" },
};

export const setOf = (model: string): string => model.split("/")[0];
export const setTitle = (set: string): string => SETS[set]?.title ?? set;
export const setPieces = (set: string): string => SETS[set]?.pieces ?? `pieces of ${set}`;

/** Of the test pieces of a set, those that surprised the network less: "all", "none" or "6 %". */
export function share(percentile: number): string {
  if (percentile >= 100) return "all";
  return percentile <= 0 ? "none" : `${Math.max(1, Math.floor(percentile))} %`;
}

export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
