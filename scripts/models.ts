/** What the command lines have in common: the models of the store, the pieces of their sets, and errors as sentences. */
import { readFile } from "node:fs/promises";
import { SurprisalError } from "../src/errors.ts";
import type { Model } from "../src/model.ts";
import { selectModels } from "../src/select.ts";
import { fileStore } from "../src/store/files.ts";
import { loadModels } from "../src/store/load.ts";
import {
  loadMusicSet,
  MUSIC_SETS,
  type MusicSet,
  type MusicSetName,
  type TrainingSet,
} from "../src/training/datasets.ts";
import { Diverged } from "../src/training/engine.ts";
import { DamagedSnapshot } from "../src/training/run.ts";
import { loadSpeechSet, SPEECH_SETS, type SpeechSetName } from "../src/training/speech.ts";

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
  return error instanceof SurprisalError || isOption || isTraining;
}

/** Models by id or pattern, all of them without one. Those that cannot be loaded are named and make the exit code 1. */
export async function openModels(patterns: readonly string[] = []): Promise<readonly Model[]> {
  const kernel = await WebAssembly.compile(await readFile(new URL("../dist/kernel.wasm", import.meta.url)));
  const { models, failures } = await loadModels(fileStore(FOLDER), kernel).catch((error) => {
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

const sets = new Map<string, Promise<MusicSet>>();

/** The pieces on which a model was trained and measured. */
export function setOf({ id, set }: Model): Promise<MusicSet> {
  const name = MUSIC_SETS.find((known) => known === set);
  if (name === undefined) {
    throw new SurprisalError("missing-data", `${id} is of no known set; wanted one of ${MUSIC_SETS.join(", ")}.`);
  }
  const loaded = sets.get(name) ?? loadMusicSet(name);
  sets.set(name, loaded);
  return loaded;
}
