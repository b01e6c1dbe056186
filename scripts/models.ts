/** What the scripts have in common: the models of the store and the pieces of their sets. */

import { Progress } from "../src/entry/cli/progress.ts";
import { kernelModule } from "../src/entry/node/kernel.ts";
import { expected, SurprisalError } from "../src/errors.ts";
import type { Model } from "../src/model/model.ts";
import { selectModels } from "../src/model/select.ts";
import { loadModels } from "../src/store/load.ts";
import { openStore } from "../src/store/open.ts";
import { loadMusicSet, MUSIC_SETS, type MusicSetName, type TrainingSet } from "../src/training/datasets.ts";
import { loadSpeechSet, SPEECH_SETS, type SpeechSetName } from "../src/training/speech.ts";
import { sentenceOf } from "./command.ts";

export { runCommand } from "./command.ts";

/** Where the models are. */
export const FOLDER = process.env.SURPRISAL_MODELS || "models";

/** Models by id, pattern or set, all of them without one. Those that cannot be loaded are named and make the exit code 1. */
export async function openModels(patterns: readonly string[] = []): Promise<readonly Model[]> {
  const store = await openStore(FOLDER);
  const { models, failures } = await loadModels(store, await kernelModule()).catch((error) => {
    throw error instanceof SurprisalError ? new SurprisalError(error.code, `${FOLDER}: ${error.message}`) : error;
  });
  for (const { id, error } of failures) {
    console.error(`${id} left out: ${sentenceOf(error) ?? error}`);
    process.exitCode = 1;
  }
  const named = patterns.map((name) => (name.includes("/") ? name : `${name}/*`));
  return selectModels(models, named.length > 0 ? named : undefined);
}

/** A set that `npm run data` has brought. */
export function loadSet(name: MusicSetName | SpeechSetName): Promise<TrainingSet> {
  const speech = SPEECH_SETS.find((known) => known === name);
  return speech ? loadSpeechSet(speech) : loadMusicSet(name as MusicSetName);
}

const sets = new Map<string, Promise<TrainingSet>>();

/** The pieces on which a model was trained and measured. */
export function setOf({ id, set }: Model): Promise<TrainingSet> {
  const known = [...MUSIC_SETS, ...SPEECH_SETS];
  const name = known.find((each) => each === set);
  if (name === undefined) {
    throw new SurprisalError("missing-data", expected(`${id} to be of one of the sets ${known.join(", ")}`, set));
  }
  const loaded = sets.get(name) ?? loadSet(name);
  sets.set(name, loaded);
  return loaded;
}

/**
 * Does something with each model, and leaves out those with which it cannot be done: these are named on standard error with
 * the reason, and make the exit code 1.
 * @throws the first error when it can be done with none
 */
export async function withEach<M extends Model, T>(models: readonly M[], work: (model: M) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const failures: { readonly id: string; readonly error: unknown; readonly sentence: string }[] = [];
  const progress = new Progress(models.length);
  for (const [i, model] of models.entries()) {
    try {
      results.push(await work(model));
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence === undefined) throw error;
      failures.push({ id: model.id, error, sentence });
    }
    progress.show(i + 1, model.id);
  }
  progress.end();
  const [first] = failures;
  if (first && results.length === 0) throw first.error;
  for (const { id, sentence } of failures) console.error(`${id} left out: ${sentence}`);
  if (first) process.exitCode = 1;
  return results;
}
