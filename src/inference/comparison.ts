/**
 * One piece scored by several models -> by how much each falls behind the best, with an interval: the mean of the
 * differences of their NLL, frame by frame, see util/statistics.ts. It speaks of this piece as it might have gone on, not of
 * other pieces.
 */

import { expected } from "../errors.ts";
import type { Comparison, NotCompared } from "../schema/score.ts";
import { better, seriesMean } from "../util/statistics.ts";
import type { ModelInput } from "./piece.ts";

/** What a model read of the piece and what each frame cost it. */
export interface ScoredInput {
  readonly model: string; // id
  readonly input: Pick<ModelInput, "framesPerQuarter" | "leftOut">;
  readonly nll: Float64Array; // (scored frames), nats
}

/** Below, the blocks are too few for an interval that deserves the name. */
const MIN_FRAMES = 30;

/**
 * What makes the frames of two models the same, up to the key. Notes are left out from the top, so as many are the same ones.
 */
const READ_ALIKE = [
  ["framesPerQuarter", "read the piece at", "frames per quarter note"],
  ["leftOut", "left out", "notes"],
] as const;

/** Compares the models that read the same frames as the best; of the others it says why not. */
export function compareWithBest(
  best: ScoredInput,
  others: readonly ScoredInput[],
): { comparisons: Comparison[]; notCompared: NotCompared[] } {
  const comparisons: Comparison[] = [];
  const notCompared: NotCompared[] = [];
  for (const other of others) {
    const reason = obstacle(best, other);
    if (reason) notCompared.push({ model: other.model, reason });
    else comparisons.push(compare(best, other));
  }
  return { comparisons, notCompared };
}

function compare(best: ScoredInput, other: ScoredInput): Comparison {
  const difference = seriesMean(other.nll.map((nll, t) => nll - best.nll[t]));
  const { value, low, high } = difference;
  return {
    model: other.model,
    comparedWith: best.model,
    difference: value,
    interval: { low, high },
    better: better(difference, [other.model, best.model]) ?? null,
  };
}

/** Why two models cannot be compared frame by frame, if so. */
function obstacle(best: ScoredInput, other: ScoredInput): string | undefined {
  for (const [property, verb, unit] of READ_ALIKE) {
    const [found, wanted] = [other.input[property], best.input[property]];
    if (found !== wanted) return `It ${verb} ${found} ${unit}, ${best.model} ${wanted}: their frames differ.`;
  }
  if (other.nll.length < MIN_FRAMES) {
    return expected(`at least ${MIN_FRAMES} scored frames`, other.nll.length);
  }
  return undefined;
}
