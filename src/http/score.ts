/** What /score and /predict were asked, or a line of /batch -> what is to be scored, and its score. */
import { type Input, score } from "../inference/answer.ts";
import { checkAnswerSize } from "../inference/answer-size.ts";
import { idOfToken, readToken } from "../inference/state-token.ts";
import type { Limits } from "../limits.ts";
import type { Model } from "../model/model.ts";
import { modelsOfKind } from "../model/select.ts";
import type { PredictOptions, ScoreOptions } from "../schema/options.ts";
import type { Work } from "../util/work.ts";
import { decodeAffordable, kindOf } from "./content.ts";
import { type Deps, offersOf } from "./deps.ts";
import { type Facts, readingsOf } from "./record.ts";
import type { Envelope } from "./request.ts";

export type AnyOptions = ScoreOptions & Pick<PredictOptions, "state">;

/** What an envelope holds, decoded; it no longer holds the body. */
export interface Decoded<Options> {
  readonly input: Input;
  readonly name: string | undefined; // of the file
  readonly options: Options;
  readonly models: readonly Model[];
  readonly chosen: readonly Model[]; // of these, those that are asked: of the state tokens, or that take such input
  readonly work: Work;
}

/**
 * Decodes what an envelope holds for the models that it asks.
 * @param facts to be filled in
 * @throws SurprisalError for every fault of the content and of the choice of models; the reason of the work's signal once it is
 * aborted
 */
export async function decodeEnvelope<Options extends AnyOptions>(
  { content, options, work }: Envelope<Options>,
  deps: Pick<Deps, "models" | "offers" | "limits" | "decode">,
  facts: Facts,
): Promise<Decoded<Options>> {
  const kind = kindOf(content);
  const { state, models: patterns } = options;
  const models = await (state ? modelsOfTokens(state, patterns, deps) : deps.models({ patterns, kind }));
  // Checked before a file is decoded in vain.
  const chosen = state?.map((token) => readToken(token, models).model) ?? modelsOfKind(models, kind, patterns);
  Object.assign(facts, { kind, models: chosen.map(({ id }) => id) });
  const input = await decodeAffordable(content, options, deps, chosen, work);
  const name = content.form === "file" ? content.name : undefined;
  return { input, name, options, models, chosen, work };
}

/**
 * The models of state tokens, and those that patterns name.
 * @throws SurprisalError `malformed-state`, and as the models of `deps`
 */
export async function modelsOfTokens(
  tokens: readonly string[],
  patterns: readonly string[] = [],
  deps: Pick<Deps, "models" | "offers">,
): Promise<readonly Model[]> {
  const ids = tokens.map(idOfToken);
  const offered = (await offersOf(deps)).filter(({ id }) => ids.includes(id)); // of the others readToken tells
  return deps.models({ patterns: [...offered.map(({ id }) => id), ...patterns] });
}

/**
 * Scores what was decoded.
 * @param facts to be filled in
 * @throws SurprisalError `answer-too-large`, and as score; the reason of the work's signal once it is aborted
 */
export async function scoreDecoded(decoded: Decoded<ScoreOptions>, limits: Limits, facts: Facts) {
  const { input, options, models, chosen, work } = decoded;
  checkAnswerSize(input, chosen, options, limits);
  const answer = await score(input, models, options, work);
  facts.readings = readingsOf(answer, models);
  return joinable(answer, decoded);
}

/** Adds the request's id and the name of the file to an answer, so that it can be joined with what was asked. */
export function joinable<Answer extends { readonly input: object }>(
  answer: Answer,
  { name, options: { id } }: Pick<Decoded<{ readonly id?: string | undefined }>, "name" | "options">,
) {
  return {
    ...(id !== undefined && { id }),
    ...answer,
    input: { ...answer.input, ...(name !== undefined && { name }) },
  };
}
