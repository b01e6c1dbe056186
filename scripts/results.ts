/** Models and the pieces of their sets -> what was measured, the file models/results.json. */

import { CELLS, countParameters } from "../src/kernel/config.ts";
import { type Model, networksOf } from "../src/model/model.ts";
import type { Evaluation } from "../src/training/evaluate.ts";
import { baselineOf, evaluateAdaptively, evaluateOn } from "../src/training/measure.ts";
import {
  deciles,
  type Estimate,
  macroAverage,
  microAverage,
  type PieceScore,
  pairedDifference,
} from "../src/util/statistics.ts";
import { setOf } from "./models.ts";
import type { Voices } from "./voices.ts";

/** NLL of a model in nats per frame; the test figures with their 95% intervals over pieces. */
export interface Result {
  readonly model: string;
  readonly version: string; // of the model that was measured
  readonly units: readonly number[]; // of each network
  readonly recurrentParameters: number; // of all networks, as the paper counts them but with biases
  readonly train: { readonly micro: number; readonly macro: number };
  readonly test: { readonly micro: Estimate; readonly macro: Estimate };
  readonly deciles?: readonly number[]; // of music: of the NLL of each test piece, see Measured of src/model/checkpoint.ts
  /** Of music, by adaptive scoring of the test pieces. */
  readonly adaptive?: { readonly micro: Estimate; readonly macro: Estimate; readonly deciles: readonly number[] };
}

/** Test NLL of the first less that of the second. */
export interface PairResult {
  readonly models: readonly [string, string];
  readonly micro: Estimate;
  readonly macro: Estimate;
}

export interface Results {
  readonly models: readonly Result[];
  readonly pairs: readonly PairResult[]; // of the paper's cells
  readonly baselines: Readonly<Record<string, number>>; // of speech, by set: test NLL of linear prediction
  readonly voices: readonly Voices[]; // of models of speech
}

/** The paper's cells of a set in the order of CELLS, then its other models. */
export function inOrder<M extends Pick<Model, "id" | "set">>(models: readonly M[], set: string): M[] {
  const rank = ({ id }: M) => {
    const cell = CELLS.findIndex((known) => id === `${set}/${known}`);
    return cell === -1 ? CELLS.length : cell;
  };
  return models.filter((model) => model.set === set).sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
}

/** Units of each network, and recurrent parameters of all of them. */
export function sizeOf(model: Model): Pick<Result, "units" | "recurrentParameters"> {
  const configs = networksOf(model).map(({ checkpoint }) => checkpoint.config);
  return {
    units: configs.map(({ units }) => units),
    recurrentParameters: configs.reduce((sum, config) => sum + countParameters(config), 0),
  };
}

/**
 * Measures every model on the training and the test pieces of its set, those of speech beside the baseline.
 * @param voices of models of speech, where they were measured, see voices.ts
 */
export async function measure(models: readonly Model[], voices: readonly Voices[]): Promise<Results> {
  const results: Result[] = [];
  const cells: { readonly model: Model; readonly pieces: readonly PieceScore[] }[] = [];
  const baselines = new Map<string, number>();
  for (const model of models) {
    const set = await setOf(model);
    const train = await evaluateOn(model, set.train);
    const { pieces } = await evaluateOn(model, set.test);
    const adaptive = await evaluateAdaptively(model, set.test);
    results.push({
      model: model.id,
      version: model.version,
      ...sizeOf(model),
      train: { micro: train.micro, macro: train.macro },
      test: { micro: microAverage(pieces), macro: macroAverage(pieces) },
      ...(model.kind === "music" && { deciles: deciles(pieces.map(({ nll }) => nll)) }),
      ...(adaptive && { adaptive: averagesOf(adaptive) }),
    });
    if (model.kind === "audio" && !baselines.has(set.name)) baselines.set(set.name, await baselineOf(set));
    if (isPaperCell(model)) cells.push({ model, pieces });
  }
  const pairs = cells.flatMap((first, i) =>
    cells
      .slice(i + 1)
      .filter((second) => second.model.set === first.model.set)
      .map(
        (second): PairResult => ({
          models: [first.model.id, second.model.id],
          ...pairedDifference(first.pieces, second.pieces),
        }),
      ),
  );
  return { models: results, pairs, baselines: Object.fromEntries(baselines), voices };
}

const averagesOf = ({ pieces }: Evaluation) => ({
  micro: microAverage(pieces),
  macro: macroAverage(pieces),
  deciles: deciles(pieces.map(({ nll }) => nll)),
});

export const isPaperCell = ({ id, set }: Pick<Model, "id" | "set">): boolean =>
  CELLS.some((cell) => id === `${set}/${cell}`);
