/**
 * Model + pieces -> how well it predicts them. Both averages of the literature (nats per scored frame): micro = Σ NLL /
 * Σ frames, macro = mean over pieces of (NLL / frames). The first frame of a piece is never scored.
 */

import type { Checkpoint } from "../checkpoint.ts";
import { SurprisalError } from "../errors.ts";
import { Kernel } from "../kernel/kernel.ts";
import { Network } from "../model.ts";
import type { PieceScore } from "../statistics.ts";
import { type Piece, parts, stepCount } from "./batches.ts";

export interface Evaluation {
  readonly scoredFrames: number;
  readonly micro: number;
  readonly macro: number;
  readonly pieces: readonly PieceScore[]; // in the order given
}

/** @throws SurprisalError `nothing-to-score` when there are no pieces, or one has fewer than two frames. */
export function evaluate<P extends Piece>(model: Scorer<P>, pieces: readonly P[]): Evaluation {
  if (pieces.length === 0) throw new SurprisalError("nothing-to-score", "Found no piece; wanted at least one.");
  let total = 0;
  let scoredFrames = 0;
  const scores = pieces.map((piece): PieceScore => {
    const { nll } = model.score(piece);
    const sum = nll.reduce((a, b) => a + b, 0);
    total += sum;
    scoredFrames += nll.length;
    return { scoredFrames: nll.length, nll: sum / nll.length };
  });
  const macro = scores.reduce((sum, { nll }) => sum + nll, 0) / scores.length;
  return { scoredFrames, micro: total / scoredFrames, macro, pieces: scores };
}

/** What gives the NLL of each step of a piece, in nats. */
export interface Scorer<P extends Piece = Piece> {
  score(piece: P): { readonly nll: Float64Array };
}

/** Steps of speech that pass through the kernel at once. */
const CHUNK = 128;

/** The scorer that a checkpoint makes, of pieces of its kind. */
export function scorerOf(checkpoint: Checkpoint, module: WebAssembly.Module): Scorer {
  const { config, tensors } = checkpoint;
  if (!config.mixture) {
    const network = new Network(checkpoint, "", module);
    return {
      score(piece) {
        if (piece instanceof Float32Array) throw new TypeError("Got samples; wanted a piano roll.");
        return network.score(piece);
      },
    };
  }
  const kernel = new Kernel(module, config, { rows: CHUNK, sequences: 1 });
  kernel.load(tensors);
  return {
    score(piece) {
      const nll = new Float64Array(stepCount(piece));
      let start = 0;
      for (const { batch, continued, rows } of parts([piece], CHUNK)) {
        if (continued) kernel.setState(kernel.state());
        nll.set(kernel.forward(batch), start);
        start += rows;
      }
      return { nll };
    },
  };
}
