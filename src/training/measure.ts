/** Models + pieces -> what catalogues and model cards say of them. */
import type { PianoRoll } from "../formats/piano-roll.ts";
import type { Model } from "../model/model.ts";
import type { MusicModel } from "../model/music-model.ts";
import type { MeasuredModel } from "../store/files.ts";
import { deciles } from "../util/statistics.ts";
import { isRoll, type Sequence } from "./batches.ts";
import { bigram } from "./bigram.ts";
import type { TrainingSet } from "./datasets.ts";
import { type Evaluation, evaluate, type Scorer } from "./evaluate.ts";
import { linearPredictor } from "./linear-predictor.ts";

/** How well a model predicts pieces of its kind. */
export const evaluateOn = (model: Model, pieces: readonly Sequence[]): Promise<Evaluation> =>
  evaluate(model as Scorer, pieces);

/** The same by adaptive scoring; undefined where the model knows no rate for it. */
export async function evaluateAdaptively(model: Model, pieces: readonly Sequence[]): Promise<Evaluation | undefined> {
  if (model.kind === "audio" || !model.canAdapt) return undefined;
  return evaluate({ score: (piece: PianoRoll) => model.adaptiveScore(piece) }, pieces.filter(isRoll));
}

/** What the catalogue keeps of the test pieces of a model of music. NLL in nats per frame. */
export async function measuredTest(model: MusicModel, pieces: readonly Sequence[]): Promise<MeasuredModel> {
  const measured = ({ micro, macro, pieces }: Evaluation) => ({
    micro,
    macro,
    deciles: deciles(pieces.map(({ nll }) => nll)),
  });
  const { id, version } = model;
  const adaptive = await evaluateAdaptively(model, pieces);
  return {
    ...{ id, version, test: measured(await evaluateOn(model, pieces)) },
    ...(adaptive && { adaptiveTest: measured(adaptive) }),
  };
}

/** What is left of a set's test pieces to a model that remembers next to nothing. NLL in nats per step, micro. */
export async function baselineOf({ train, test, inputs, mixture }: TrainingSet): Promise<number> {
  const rolls = train.filter(isRoll);
  return (await evaluate((mixture ? linearPredictor(train) : bigram(rolls, inputs)) as Scorer, test)).micro;
}
