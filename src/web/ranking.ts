/** Scores -> which models know a piece or a recording best, set by set. */
import type { AudioScore, Score, ScoreResponse } from "../schema/score.ts";
import { setOf } from "./words.ts";

export type AnyScore = Score | AudioScore;

/** By what models of one set are ordered: nats per frame, or for recordings bits per sample. */
export const measure = (score: AnyScore) => ("bitsPerSample" in score ? score.bitsPerSample : score.nll);
export const percentileOf = (score: AnyScore) => ("percentile" in score ? score.percentile : undefined);

export interface Row {
  readonly set: string;
  readonly best: AnyScore;
  readonly scores: readonly AnyScore[]; // the best first
}

/** The sets, the one that the piece is likest to first. */
export function rowsOf(all: ScoreResponse): Row[] {
  const scores: readonly AnyScore[] = all.scores;
  const sets = Map.groupBy(scores, ({ model }) => setOf(model));
  const rows = [...sets].map(([set, own]) => {
    const sorted = own.toSorted((a, b) => measure(a) - measure(b));
    return { set, best: sorted[0], scores: sorted };
  });
  // First what the piece is like, by the test pieces of the sets; among those what a quarter note, or a sample, takes.
  const isUnlike = ({ best }: Row) => Number(percentileOf(best) === 100);
  const cost = ({ best }: Row) => ("nllPerQuarter" in best ? best.nllPerQuarter : measure(best));
  return rows.sort((a, b) => isUnlike(a) - isUnlike(b) || cost(a) - cost(b));
}

/** The model to show first. */
export const bestOf = (all: ScoreResponse): string => rowsOf(all)[0].best.model;
