/** A name that nobody knows -> the known one that was probably meant, for the "Did you mean …?" of an error. */

/** The share of the longer name's characters that may differ: one slip in three characters, two in six, none in two. */
const MAX_SLIPS = 1 / 3;

/**
 * The known name nearest to the wanted one, the first of several that are equally near; upper and lower case are alike.
 * Undefined when none is near enough to be a slip of the pen, or when the wanted name is itself known.
 */
export function suggest(wanted: string, known: readonly string[]): string | undefined {
  if (known.includes(wanted)) return undefined;
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const most = Math.floor(MAX_SLIPS * Math.max(name.length, wanted.length));
    if (Math.abs(name.length - wanted.length) > most) continue;
    const slips = distance(name.toLowerCase(), wanted.toLowerCase());
    if (slips <= most && slips < least) [nearest, least] = [name, slips];
  }
  return nearest;
}

/**
 * How many characters must be inserted, deleted, replaced or swapped with their neighbour to make one string of the other,
 * none of them twice (the optimal string alignment distance; Damerau, "A technique for computer detection and correction
 * of spelling errors", 1964).
 */
export function distance(a: string, b: string): number {
  const row = () => new Uint16Array(b.length + 1);
  let [twoAbove, above, current] = [row(), row().map((_, j) => j), row()];
  for (let i = 1; i <= a.length; i++) {
    current[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(replaced, above[j] + 1, current[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        current[j] = Math.min(current[j], twoAbove[j - 2] + 1);
      }
    }
    [twoAbove, above, current] = [above, current, twoAbove];
  }
  return above[b.length];
}
