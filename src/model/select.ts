/** The `models` option -> models: ids and patterns such as `jsb/lstm*`, where a star stands for any characters but /. */
import { SurprisalError } from "../errors.ts";
import type { Model } from "./model.ts";

/**
 * Every model that one of the patterns names, in the order of `models`; all of them without patterns.
 * @throws SurprisalError `no-models` when there are none at all, `unknown-model` when a pattern names none.
 */
export function selectModels<M extends Model>(
  models: readonly M[],
  patterns: readonly string[] = ["*/*"],
): readonly M[] {
  if (models.length === 0) throw new SurprisalError("no-models", "No model is loaded; wanted at least one.");
  const chosen = new Set<M>();
  for (const pattern of patterns) {
    const matching = models.filter(({ id }) => isNamed(id, pattern));
    if (matching.length === 0) throw unknownModel(pattern, models);
    for (const model of matching) chosen.add(model);
  }
  return models.filter((model) => chosen.has(model));
}

/**
 * Of the models that the patterns name, or of all, those that read input of a kind.
 * @throws SurprisalError as selectModels, `malformed-request` when the patterns name only models of the other kind,
 * `unsupported-media-type` when there are no patterns and no model of the kind.
 */
export function modelsOfKind<K extends Model["kind"]>(
  models: readonly Model[],
  kind: K,
  patterns?: readonly string[],
): readonly Extract<Model, { kind: K }>[] {
  const chosen = selectModels(models, patterns);
  const found = chosen.filter((model): model is Extract<Model, { kind: K }> => model.kind === kind);
  if (found.length === 0) {
    if (!patterns) {
      throw new SurprisalError("unsupported-media-type", `Found ${kind}; this server has no models of it.`);
    }
    const ids = chosen.map(({ id }) => id).join(", ");
    throw new SurprisalError("malformed-request", `Found ${kind}, which ${ids} cannot read; wanted models of ${kind}.`);
  }
  return found;
}

export function unknownModel(pattern: string, models: readonly Model[]): SurprisalError {
  const known = models.map(({ id }) => id).join(", ") || "none";
  return new SurprisalError(
    "unknown-model",
    `Found no model ${JSON.stringify(pattern.slice(0, 100))}; there are ${known}.`,
  );
}

/** Whether audio is read: there are models of it, or none at all, which is another error. */
export const readsAudio = (models: readonly Model[]): boolean =>
  models.length === 0 || models.some(({ kind }) => kind === "audio");

/** Whether a pattern names an id. */
export function isNamed(id: string, pattern: string): boolean {
  const [ids, wanted] = [id.split("/"), pattern.split("/")];
  return ids.length === wanted.length && ids.every((part, i) => matchesPart(part, wanted[i]));
}

/** By hand, since a regular expression of many stars can be made to run for years. */
function matchesPart(part: string, pattern: string): boolean {
  const [first, ...between] = pattern.split("*");
  const last = between.pop();
  if (last === undefined) return part === pattern;
  const end = part.length - last.length;
  if (first.length > end || !part.startsWith(first) || !part.endsWith(last)) return false;
  let from = first.length;
  for (const piece of between) {
    const at = part.indexOf(piece, from);
    if (at === -1 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}
