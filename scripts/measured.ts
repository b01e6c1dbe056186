/**
 * Models + an earlier measurement -> the results of all of them. Set by set, so that missing data of one set cost the others
 * nothing: that set keeps its earlier numbers, and the console says so.
 */
import { expected, SurprisalError } from "../src/errors.ts";
import type { Model } from "../src/model/model.ts";
import type { SpeechNetwork } from "../src/model/speech-network.ts";
import { SETS } from "./paper.ts";
import { inOrder, measure, type Results } from "./results.ts";
import { voices } from "./voices.ts";

export const NO_RESULTS: Results = { models: [], pairs: [], baselines: {}, voices: [] };

/** What of an earlier measurement holds for the models as they are now. */
export function stillValid(models: readonly Model[], results: Results): Results {
  const versions = new Map(models.map(({ id, version }) => [id, version]));
  const isCurrent = ({ model, version }: { model: string; version: string }) => versions.get(model) === version;
  const measured = results.models.filter(isCurrent);
  const ids = new Set(measured.map(({ model }) => model));
  return {
    models: measured,
    pairs: results.pairs.filter((pair) => pair.models.every((id) => ids.has(id))),
    baselines: results.baselines,
    voices: results.voices.filter(isCurrent),
  };
}

/** @throws SurprisalError `missing-data` when a model has no numbers. */
export function checkComplete(models: readonly Model[], results: Results, file: string): void {
  const missing = withoutNumbers(models, results);
  if (missing.length === 0) return;
  throw new SurprisalError(
    "missing-data",
    `${expected(`numbers of ${missing.join(", ")} as it is now in ${file}`, "none")} Run \`npm run table\` and commit what it writes.`,
  );
}

/**
 * Measures what can be measured. Names on standard error what is left out and why, and sets the exit code 1 when a model ends
 * up without numbers.
 * @param kept earlier results that are still valid
 * @param other folder with the recordings of another voice, see voices.ts
 * @throws SurprisalError `missing-data` when no model ends up with numbers.
 */
export async function measureWhatCanBe(
  models: readonly Model[],
  kept: Results,
  other: string | undefined,
): Promise<Results> {
  const reasons: SurprisalError[] = [];
  async function orKept<T>(work: () => Promise<T>, instead: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SurprisalError && error.code === "missing-data")) throw error;
      reasons.push(error);
      return instead;
    }
  }
  const parts: Results[] = [];
  for (const set of SETS) {
    const ofSet = inOrder(models, set);
    if (ofSet.length > 0) parts.push(await orKept(() => measure(ofSet, []), resultsOf(ofSet, kept)));
  }
  const speech = models.filter((model): model is SpeechNetwork => model.kind === "audio");
  const results: Results = {
    models: parts.flatMap((part) => part.models),
    pairs: parts.flatMap((part) => part.pairs),
    baselines: Object.assign({}, ...parts.map(({ baselines }) => baselines)),
    voices: other === undefined ? kept.voices : await orKept(() => voices(speech, other), kept.voices),
  };
  const [first] = reasons;
  if (first && results.models.length === 0) throw first;
  for (const { message } of reasons) console.error(`Left out: ${message}`);
  const missing = withoutNumbers(models, results);
  if (missing.length > 0) {
    console.error(`Without numbers: ${missing.join(", ")}.`);
    process.exitCode = 1;
  } else if (first) console.error("What was left out keeps the numbers of an earlier measurement of the same models.");
  return results;
}

const withoutNumbers = (models: readonly Model[], results: Results): string[] =>
  models.map(({ id }) => id).filter((id) => !results.models.some(({ model }) => model === id));

/** The part of the results that is about the models of one set. */
function resultsOf(models: readonly Model[], { models: measured, pairs, baselines }: Results): Results {
  const ids = new Set(models.map(({ id }) => id));
  const [{ set }] = models;
  return {
    models: measured.filter(({ model }) => ids.has(model)),
    pairs: pairs.filter(({ models: [first] }) => ids.has(first)),
    baselines: set in baselines ? { [set]: baselines[set] } : {},
    voices: [],
  };
}
