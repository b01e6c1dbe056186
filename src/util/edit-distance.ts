/** Two texts -> how many edits make one the other: what somebody who mistyped a name may have meant. */

/**
 * Insertions, deletions and substitutions of characters that turn one text into the other at least (Levenshtein 1966), by
 * the usual table, of which two rows are kept (Wagner and Fischer 1974). Time is the product of the lengths.
 */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substituted = row[j - 1] + Number(from[i - 1] !== to[j - 1]);
      next.push(Math.min(substituted, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}

/** Of a longer text nobody means a name, and comparing it would take long. */
const MAX_LENGTH = 128;

/** The candidate that a text is a misspelling of: nearest, and less than half of it changed. Undefined if there is none. */
export function closest(text: string, candidates: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const lower = text.toLowerCase();
  const [nearest] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  return nearest && 2 * nearest.distance < text.length ? nearest.candidate : undefined;
}
