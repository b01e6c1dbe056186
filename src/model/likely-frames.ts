/**
 * The likeliest frames of a distribution, exactly, by best-first search: the probability of a prefix bounds those of all
 * frames that begin with it, so the first complete frame that leaves the queue is the likeliest, and so on.
 */
import { sum } from "../util/statistics.ts";
import type { FramePrefix } from "./frame-prefix.ts";
import type { Chord } from "./music-model.ts";

/** Prefixes that are taken further at most; each costs a pass over the pitches. Shipped models need some tens for ten chords. */
const MAX_EXPANSIONS = 2000;

/** A set of sounding columns: all of a frame when `isComplete`, or else its lowest. */
interface Candidate {
  readonly columns: readonly number[];
  readonly isComplete: boolean;
  readonly probability: number; // the mean of `likelihoods`
  readonly likelihoods: readonly number[]; // by part, times its share
  readonly prefixes: readonly FramePrefix[]; // by part, without the last column
}

/**
 * @param parts (M) whose average the distribution is; in each frame no pitch is decided yet
 * @param columns D
 * @param onExpansion awaited after each prefix that was taken further
 * @param shares M times the weight of each part; even unless given
 * @returns at most `count` frames, likeliest first; fewer when MAX_EXPANSIONS did not suffice for all, or there are fewer.
 */
export async function likelyFrames(
  parts: readonly FramePrefix[],
  columns: number,
  count: number,
  { onExpansion, shares = parts.map(() => 1) }: { onExpansion(): Promise<void>; shares?: readonly number[] },
): Promise<Chord[]> {
  const queue = new MaxHeap<Candidate>(({ probability }) => probability);
  const completed: number[] = []; // the highest probabilities of complete frames seen, falling; at most count
  const isWanted = (probability: number) => probability > (completed[count - 1] ?? 0);
  const push = (candidate: Candidate) => {
    if (candidate.isComplete) {
      completed.splice(count - 1);
      completed.push(candidate.probability);
      completed.sort((p, q) => q - p);
    }
    queue.push(candidate);
  };
  const start = { columns: [], isComplete: false, probability: 1, likelihoods: shares, prefixes: parts };
  expand(start, columns, isWanted, push);
  await onExpansion();
  const chords: Chord[] = [];
  for (let expansions = 1; chords.length < count; ) {
    const best = queue.pop();
    if (!best) break;
    if (best.isComplete) {
      chords.push({ pitches: best.columns.map((d) => d + 1), probability: best.probability });
      continue;
    }
    if (++expansions > MAX_EXPANSIONS) break;
    const last = best.columns[best.columns.length - 1];
    expand({ ...best, prefixes: best.prefixes.map((prefix) => prefix.after(last)) }, columns, isWanted, push);
    await onExpansion();
  }
  return chords;
}

/** Visits what can come of a prefix and is wanted: each column above that may sound next, and silence in all of them. */
function expand(
  candidate: Candidate,
  columns: number,
  isWanted: (probability: number) => boolean,
  visit: (next: Candidate) => void,
): void {
  const { prefixes } = candidate;
  const silent = [...candidate.likelihoods]; // of the prefix with the columns below d silent
  const sounding = [...silent]; // and d sounding; made into a candidate only where it is wanted, which is seldom
  for (let d = (candidate.columns[candidate.columns.length - 1] ?? -1) + 1; d < columns; d++) {
    for (let m = 0; m < prefixes.length; m++) {
      const odds = prefixes[m].logit(d);
      sounding[m] = silent[m] / (1 + Math.exp(-odds));
      silent[m] /= 1 + Math.exp(odds);
    }
    const probability = sum(sounding) / prefixes.length;
    if (!isWanted(probability)) continue;
    visit({
      columns: [...candidate.columns, d],
      isComplete: false,
      probability,
      likelihoods: [...sounding],
      prefixes,
    });
  }
  const probability = sum(silent) / prefixes.length;
  if (isWanted(probability)) visit({ ...candidate, isComplete: true, probability, likelihoods: silent });
}

/** A binary heap whose pop takes out the largest. */
class MaxHeap<T> {
  readonly #key: (item: T) => number;
  readonly #items: T[] = [];

  constructor(key: (item: T) => number) {
    this.#key = key;
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0 && this.#key(items[(at - 1) >> 1]) < this.#key(item)) {
      items[at] = items[(at - 1) >> 1];
      at = (at - 1) >> 1;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const [top] = items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && this.#key(items[child + 1]) > this.#key(items[child])) child += 1;
      if (this.#key(items[child]) <= this.#key(last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}
