/** Pieces -> training, validation and test pieces, or k folds of them. What is equal stays on one side. */
import { expected, SurprisalError } from "../../errors.ts";
import { uniform } from "../../util/random.ts";
import { shuffle } from "../batches.ts";
import type { Split } from "../datasets.ts";

/** Share of the pieces that validation gets, and the test; the rest is learned from. */
const SHARE = 0.15;

/** What a split goes by. */
export interface Splittable {
  readonly content: string; // equal of pieces that are the same music or sound
}

export type Parts<P> = Readonly<Record<Split, readonly P[]>>;

/**
 * Splits pieces 70 / 15 / 15, in an order drawn from the seed. Each part gets at least one.
 * @throws SurprisalError `missing-data` when there are fewer than three different pieces.
 */
export function splitPieces<P extends Splittable>(pieces: readonly P[], seed: number): Parts<P> {
  const [test, rest] = takeShare(groupsOf(pieces, seed, 3));
  const [valid, train] = takeShare(rest, rest.length + test.length);
  return { train: train.flat(), valid: valid.flat(), test: test.flat() };
}

/**
 * k splits in which each piece is tested once. Of the pieces that a fold does not test, 15% of all are its validation pieces.
 * @param k from 2 to the number of different pieces
 * @throws SurprisalError `missing-data` when there are fewer than k different pieces, or too few for each fold to leave two.
 */
export function foldsOf<P extends Splittable>(pieces: readonly P[], k: number, seed: number): Parts<P>[] {
  const groups = groupsOf(pieces, seed, k === 2 ? 4 : Math.max(3, k));
  return Array.from({ length: k }, (_, fold) => {
    const isTested = (n: number) => n % k === fold;
    const [valid, train] = takeShare(
      groups.filter((_, n) => !isTested(n)),
      groups.length,
    );
    return { train: train.flat(), valid: valid.flat(), test: groups.filter((_, n) => isTested(n)).flat() };
  });
}

/** Groups of equal pieces, in an order drawn from the seed. */
function groupsOf<P extends Splittable>(pieces: readonly P[], seed: number, least: number): P[][] {
  const groups = [...Map.groupBy(pieces, ({ content }) => content).values()];
  if (groups.length < least) {
    const wanted = `at least ${least} different pieces, to learn from some and to measure on others`;
    throw new SurprisalError("missing-data", expected(wanted, groups.length));
  }
  return shuffle(groups, uniform(seed));
}

/** The first groups, one at least, and the rest, one at least. @param of how many groups the share is */
function takeShare<P>(groups: readonly P[][], of = groups.length): [P[][], P[][]] {
  const taken = Math.max(1, Math.min(Math.round(SHARE * of), groups.length - 1));
  return [groups.slice(0, taken), groups.slice(taken)];
}
