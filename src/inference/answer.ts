/** Input + models + options -> what the API and the command line answer, by the kind of the input. */
import { expected, SurprisalError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { modelsOfKind, selectModels } from "../model/select.ts";
import type { PredictOptions, ScoreOptions } from "../schema/options.ts";
import type { PredictResponse } from "../schema/predict.ts";
import type { ScoreResponse } from "../schema/score.ts";
import { Work } from "../util/work.ts";
import { predictMusicCost, scoreMusicCost, speechCost } from "./cost.ts";
import type { Piece } from "./piece.ts";
import { predictMusic, startMusic } from "./predict-music.ts";
import { predictSpeech } from "./predict-speech.ts";
import type { Recording } from "./recording.ts";
import { scoreMusic } from "./score-music.ts";
import { scoreSpeech } from "./score-speech.ts";
import { type ResumePoint, readToken } from "./state-token.ts";

export type Input = Piece | Recording;

/**
 * Scores an input by each chosen model of its kind.
 * @throws SurprisalError as modelsOfKind, scoreMusic and scoreSpeech; `malformed-request` for an option of the other kind.
 */
export async function score(
  input: Input,
  models: readonly Model[],
  options: ScoreOptions,
  work = new Work(),
): Promise<ScoreResponse> {
  if (isMusic(input)) {
    const chosen = modelsOfKind(models, "music", options.models);
    work.plan(scoreMusicCost(input, chosen, musicOf(models), options), counted(chosen));
    return scoreMusic(input, chosen, options, musicOf(models), work);
  }
  checkAudioOptions(options);
  const chosen = modelsOfKind(models, "audio", options.models);
  work.plan(speechCost(input, chosen), counted(chosen));
  return scoreSpeech(input, chosen, options, work);
}

/**
 * Predicts what follows an input under each chosen model of its kind, or under those of the state tokens.
 * @throws SurprisalError as modelsOfKind, readToken, predictMusic and predictSpeech; `malformed-request` for an option of the
 * other kind, or options that contradict each other.
 */
export async function predict(
  input: Input,
  models: readonly Model[],
  options: PredictOptions,
  work = new Work(),
): Promise<PredictResponse> {
  if (isMusic(input)) {
    const resumed = options.state && resume(options.state, "music", models, options);
    const chosen = resumed?.map(({ model }) => model) ?? modelsOfKind(models, "music", options.models);
    work.plan(predictMusicCost(input, chosen, musicOf(models), options), counted(chosen));
    const runs = resumed ?? (await startMusic(input, chosen, options, musicOf(models), work));
    return predictMusic(input, runs, options, work);
  }
  checkAudioOptions(options);
  const runs = options.state
    ? resume(options.state, "audio", models, options)
    : modelsOfKind(models, "audio", options.models).map((model) => ({ model }));
  const chosen = runs.map(({ model }) => model);
  work.plan(speechCost(input, chosen, options), counted(chosen));
  return predictSpeech(input, runs, options, work);
}

const counted = ({ length }: readonly Model[]) => `${length} model${length === 1 ? "" : "s"}`;

const musicOf = (models: readonly Model[]) => models.filter((model) => model.kind === "music");

export const isMusic = (input: Input): input is Piece => input.input.kind === "music";

/** Options that say how music is read. */
const MUSIC_OPTIONS = [
  "transpose",
  "channels",
  "tracks",
  "programs",
  "pedal",
  "framesPerQuarter",
  "adaptive",
  "expected",
] as const;

function checkAudioOptions(options: Pick<ScoreOptions, (typeof MUSIC_OPTIONS)[number]>): void {
  const odd = MUSIC_OPTIONS.find((name) => options[name] !== undefined);
  if (odd) throw new SurprisalError("malformed-request", expected(`${odd} with music only`, "audio"));
}

function resume<K extends ResumePoint["kind"]>(
  tokens: readonly string[],
  kind: K,
  models: readonly Model[],
  options: PredictOptions,
): Extract<ResumePoint, { kind: K }>[] {
  const contradiction = (detail: string) => new SurprisalError("malformed-request", detail);
  if (options.transpose !== undefined) {
    throw contradiction(expected("state without transpose, since a state holds its transposition", "both"));
  }
  if (options.framesPerQuarter !== undefined) {
    throw contradiction(expected("state without framesPerQuarter, since a state holds its frame rate", "both"));
  }
  if (options.adaptive) {
    throw contradiction(
      expected("state without adaptive, since a state does not hold the weights that a piece has changed", "both"),
    );
  }
  const runs = tokens.map((token) => {
    const run = readToken(token, models);
    if (isOfKind(run, kind)) return run;
    throw contradiction(expected(`${run.model.kind} beside a state of ${run.model.id}`, kind));
  });
  const ids = runs.map(({ model }) => model.id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice) throw contradiction(expected("one state for each model", `two of ${twice}`));
  if (options.models) {
    const wanted = selectModels(models, options.models).map(({ id }) => id);
    if (wanted.length !== ids.length || wanted.some((id) => !ids.includes(id))) {
      throw contradiction(expected(`one state for each of ${wanted.join(", ")}`, `states of ${ids.join(", ")}`));
    }
  }
  return runs;
}

const isOfKind = <K extends ResumePoint["kind"]>(run: ResumePoint, kind: K): run is Extract<ResumePoint, { kind: K }> =>
  run.kind === kind;
