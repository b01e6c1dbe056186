/** What the command lines have in common: the models of the store, the pieces of their sets, and errors as sentences. */
import { kernelModule } from "../src/entry/node/kernel.ts";
import { SurprisalError } from "../src/errors.ts";
import type { Model } from "../src/model/model.ts";
import { selectModels } from "../src/model/select.ts";
import { StoreFailure } from "../src/store/bucket.ts";
import { loadModels } from "../src/store/load.ts";
import { openStore } from "../src/store/open.ts";
import { isRoll, type Sequence } from "../src/training/batches.ts";
import { bigram } from "../src/training/bigram.ts";
import { loadMusicSet, MUSIC_SETS, type MusicSetName, type TrainingSet } from "../src/training/datasets.ts";
import { Diverged } from "../src/training/engine.ts";
import { type Evaluation, evaluate, type Scorer } from "../src/training/evaluate.ts";
import { linearPredictor } from "../src/training/linear-predictor.ts";
import { DamagedSnapshot } from "../src/training/run.ts";
import { loadSpeechSet, SPEECH_SETS, type SpeechSetName } from "../src/training/speech.ts";
import { deciles } from "../src/util/statistics.ts";

/** Of the models. */
export const FOLDER = process.env.SURPRISAL_MODELS || "models";

/** Runs a command; what its user can mend is one sentence and exit code 1. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!isForTheUser(error)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

function isForTheUser(error: unknown): error is Error {
  const isOption = error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  const isTraining = error instanceof Diverged || error instanceof DamagedSnapshot || error instanceof RangeError;
  return error instanceof SurprisalError || error instanceof StoreFailure || isOption || isTraining;
}

export { kernelModule };

/** Models by id or pattern, all of them without one. Those that cannot be loaded are named and make the exit code 1. */
export async function openModels(patterns: readonly string[] = []): Promise<readonly Model[]> {
  const store = await openStore(FOLDER);
  const { models, failures } = await loadModels(store, await kernelModule()).catch((error) => {
    throw error instanceof SurprisalError ? new SurprisalError(error.code, `${FOLDER}: ${error.message}`) : error;
  });
  for (const { id, error } of failures) {
    console.error(`${id}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
  return selectModels(models, patterns.length > 0 ? patterns : undefined);
}

/** A set that `npm run data` has brought. */
export function loadSet(name: MusicSetName | SpeechSetName): Promise<TrainingSet> {
  const speech = SPEECH_SETS.find((known) => known === name);
  return speech ? loadSpeechSet(speech) : loadMusicSet(name as MusicSetName);
}

/** How well a model predicts pieces of its kind. */
export const evaluateOn = (model: Model, pieces: readonly Sequence[]): Promise<Evaluation> =>
  evaluate(model as Scorer, pieces);

/** What the catalogue keeps of a model's test pieces. NLL in nats per frame. */
export const measuredTest = ({ id, version }: Model, { micro, macro, pieces }: Evaluation) => ({
  id,
  version,
  test: { micro, macro, deciles: deciles(pieces.map(({ nll }) => nll)) },
});

/** What is left of a set's test pieces to a model that remembers next to nothing. NLL in nats per step, micro. */
export async function baselineOf({ train, test, inputs, mixture }: TrainingSet): Promise<number> {
  const rolls = train.filter(isRoll);
  return (await evaluate((mixture ? linearPredictor(train) : bigram(rolls, inputs)) as Scorer, test)).micro;
}

const sets = new Map<string, Promise<TrainingSet>>();

/** The pieces on which a model was trained and measured. */
export function setOf({ id, set }: Model): Promise<TrainingSet> {
  const known = [...MUSIC_SETS, ...SPEECH_SETS];
  const name = known.find((each) => each === set);
  if (name === undefined) {
    throw new SurprisalError("missing-data", `${id} is of no known set; wanted one of ${known.join(", ")}.`);
  }
  const loaded = sets.get(name) ?? loadSet(name);
  sets.set(name, loaded);
  return loaded;
}
