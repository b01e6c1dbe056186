/**
 * Model + pieces -> how well it predicts them. Both averages of the literature (nats per scored frame): micro = Σ NLL /
 * Σ frames, macro = mean over pieces of (NLL / frames). The first frame of a piece is never scored.
 */

import { expected, SurprisalError } from "../errors.ts";
import type { PieceScore } from "../util/statistics.ts";
import type { Sequence } from "./batches.ts";

export interface Evaluation {
  readonly scoredFrames: number;
  readonly micro: number;
  readonly macro: number;
  readonly pieces: readonly PieceScore[]; // in the order given
}

/** @throws SurprisalError `nothing-to-score` when there are no pieces, or one has fewer than two frames. */
export async function evaluate<P extends Sequence>(model: Scorer<P>, pieces: readonly P[]): Promise<Evaluation> {
  if (pieces.length === 0) throw new SurprisalError("nothing-to-score", expected("at least one piece", "none"));
  let total = 0;
  let scoredFrames = 0;
  const scores: PieceScore[] = [];
  for (const piece of pieces) {
    const { nll } = await model.score(piece);
    const sum = nll.reduce((a, b) => a + b, 0);
    total += sum;
    scoredFrames += nll.length;
    scores.push({ scoredFrames: nll.length, nll: sum / nll.length });
  }
  const macro = scores.reduce((sum, { nll }) => sum + nll, 0) / scores.length;
  return { scoredFrames, micro: total / scoredFrames, macro, pieces: scores };
}

type Scored = { readonly nll: Float64Array };

/** What gives the NLL of each step of a piece, in nats. */
export interface Scorer<P extends Sequence = Sequence> {
  score(piece: P): Scored | Promise<Scored>;
}
