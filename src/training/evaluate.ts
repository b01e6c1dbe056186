/**
 * Model + pieces -> how well it predicts them. Both averages of the literature (nats per scored frame): micro = Σ NLL /
 * Σ frames, macro = mean over pieces of (NLL / frames). The first frame of a piece is never scored.
 */
import { SurprisalError } from "../errors.ts";
import type { Scored } from "../model.ts";
import type { PianoRoll } from "../sequence.ts";
import type { PieceScore } from "../statistics.ts";

export interface Evaluation {
  readonly scoredFrames: number;
  readonly micro: number;
  readonly macro: number;
  readonly pieces: readonly PieceScore[]; // in the order given
}

/** @throws SurprisalError `nothing-to-score` when there are no pieces, or one has fewer than two frames. */
export function evaluate(
  model: { score(roll: PianoRoll): Pick<Scored, "nll"> },
  rolls: readonly PianoRoll[],
): Evaluation {
  if (rolls.length === 0) throw new SurprisalError("nothing-to-score", "Found no piece; wanted at least one.");
  let total = 0;
  let scoredFrames = 0;
  const pieces = rolls.map((roll): PieceScore => {
    const { nll } = model.score(roll);
    const sum = nll.reduce((a, b) => a + b, 0);
    total += sum;
    scoredFrames += nll.length;
    return { scoredFrames: nll.length, nll: sum / nll.length };
  });
  const macro = pieces.reduce((sum, { nll }) => sum + nll, 0) / pieces.length;
  return { scoredFrames, micro: total / scoredFrames, macro, pieces };
}
