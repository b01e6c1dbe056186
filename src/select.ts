/** The `models` option -> models: ids and patterns such as `jsb/*`, where * stands for any set or any cell. */
import { SurprisalError } from "./errors.ts";
import type { Model } from "./model.ts";

/**
 * Every model that one of the patterns names, in the order of `models`; all of them without patterns.
 * @throws SurprisalError `no-models` when there are none at all, `unknown-model` when a pattern names none.
 */
export function selectModels(models: readonly Model[], patterns: readonly string[] = ["*/*"]): readonly Model[] {
  if (models.length === 0) throw new SurprisalError("no-models", "No model is loaded; wanted at least one.");
  const chosen = new Set<Model>();
  for (const pattern of patterns) {
    const matching = models.filter(({ id }) => matches(id, pattern));
    if (matching.length === 0) throw unknownModel(pattern, models);
    for (const model of matching) chosen.add(model);
  }
  return models.filter((model) => chosen.has(model));
}

export function unknownModel(pattern: string, models: readonly Model[]): SurprisalError {
  const known = models.map(({ id }) => id).join(", ") || "none";
  return new SurprisalError(
    "unknown-model",
    `Found no model ${JSON.stringify(pattern.slice(0, 100))}; there are ${known}.`,
  );
}

function matches(id: string, pattern: string): boolean {
  const [ids, wanted] = [id.split("/"), pattern.split("/")];
  return ids.length === wanted.length && ids.every((part, i) => wanted[i] === "*" || wanted[i] === part);
}
