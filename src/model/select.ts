/** The `models` option -> models: ids and patterns such as `jsb/lstm*`, where a star stands for any characters but /. */
import { expected, SurprisalError } from "../errors.ts";
import { suggest } from "../util/suggest.ts";
import type { Model } from "./model.ts";
import { kindOfSet } from "./sets.ts";

/** A model by what a catalogue says of it. */
export type Named = Pick<Model, "id" | "set" | "preset">;

/**
 * Every model that one of the patterns names, in the order of `models`; all of them without patterns.
 * @throws SurprisalError `no-models` when there are none at all, `unknown-model` when a pattern names none.
 */
export function selectModels<M extends Pick<Model, "id">>(
  models: readonly M[],
  patterns: readonly string[] = ["*/*"],
): readonly M[] {
  if (models.length === 0)
    throw new SurprisalError("no-models", expected("at least one model", "none: no model is loaded"));
  const chosen = new Set<M>();
  for (const pattern of patterns) {
    const matching = models.filter(({ id }) => isNamed(id, pattern));
    if (matching.length === 0) throw unknownModel(pattern, models);
    for (const model of matching) chosen.add(model);
  }
  return models.filter((model) => chosen.has(model));
}

/** Presets whose models answer unless others are asked for; of each set the first of which it has any. */
const RECOMMENDED_PRESETS = ["nade", "paper"];

/** Of each set the models of the preset to start with, and their ensemble; all of a set that has none of these presets. */
export function recommendedModels<M extends Pick<Model, "set" | "preset">>(models: readonly M[]): readonly M[] {
  const presets = new Map(
    [...Map.groupBy(models, ({ set }) => set)].map(([set, own]) => [
      set,
      RECOMMENDED_PRESETS.find((preset) => own.some((model) => model.preset === preset)),
    ]),
  );
  return models.filter(({ set, preset }) => (presets.get(set) ?? preset) === preset);
}

/** What a request is about: models that patterns name, or else those recommended for a kind of input; without both, all. */
export interface Wanted {
  readonly patterns?: readonly string[] | undefined;
  readonly kind?: Model["kind"] | undefined;
}

/**
 * The models that are wanted, as far as that is known without their files: those of a set that is not published may be of any
 * kind, and where there are none of the kind, others have to say so.
 * @throws SurprisalError as selectModels
 */
export function wantedModels<M extends Named>(models: readonly M[], { patterns, kind }: Wanted): readonly M[] {
  if (patterns) return selectModels(models, patterns);
  if (!kind) return models;
  const recommended = recommendedModels(models);
  const ofKind = recommended.filter(({ set }) => (kindOfSet(set) ?? kind) === kind);
  return ofKind.length > 0 ? ofKind : recommended;
}

/**
 * Of the models that the patterns name, or of those recommended, the ones that read input of a kind.
 * @throws SurprisalError as selectModels, `malformed-request` when the patterns name only models of the other kind,
 * `unsupported-media-type` when there are no patterns and no model of the kind.
 */
export function modelsOfKind<K extends Model["kind"]>(
  models: readonly Model[],
  kind: K,
  patterns?: readonly string[],
): readonly Extract<Model, { kind: K }>[] {
  const chosen = patterns ? selectModels(models, patterns) : recommendedModels(selectModels(models));
  const found = chosen.filter((model): model is Extract<Model, { kind: K }> => model.kind === kind);
  if (found.length === 0) {
    if (!patterns) {
      const readable = [...new Set(models.map((model) => model.kind))].join(" and ");
      throw new SurprisalError(
        "unsupported-media-type",
        expected(`${readable}, which this server has models of`, kind),
      );
    }
    throw new SurprisalError(
      "malformed-request",
      expected(`models that read ${kind}`, listed(chosen.map(({ id }) => id))),
    );
  }
  return found;
}

/** @param nameOf an id as the client writes it */
export function unknownModel(
  pattern: string,
  models: readonly Pick<Model, "id">[],
  nameOf: (id: string) => string = (id) => id,
): SurprisalError {
  const ids = models.map(({ id }) => nameOf(id));
  const wanted = models.length === 0 ? "no model, since none is loaded" : `one of the models ${listed(ids)}`;
  const sentence = expected(wanted, JSON.stringify(pattern.slice(0, 100)));
  const meant = suggest(pattern, ids);
  return new SurprisalError("unknown-model", meant === undefined ? sentence : `${sentence} Did you mean ${meant}?`);
}

/** Ids that a sentence shows; /models has them all. */
const MAX_LISTED = 30;

function listed(ids: readonly string[]): string {
  const shown = ids.slice(0, MAX_LISTED).join(", ");
  const more = ids.length - MAX_LISTED;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** Whether a pattern names an id. */
export function isNamed(id: string, pattern: string): boolean {
  if (!pattern.includes("*")) return id === pattern; // of many small pieces a quarter of the time went into what follows
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
