/** What /score was asked, or a line of /batch -> its answer. */
import { score } from "../inference/answer.ts";
import { checkAnswerSize } from "../inference/answer-size.ts";
import { modelsOfKind } from "../model/select.ts";
import type { ScoreOptions } from "../schema/options.ts";
import type { Work } from "../util/work.ts";
import { decodeAffordable, kindOf } from "./content.ts";
import type { Deps } from "./deps.ts";
import { type Facts, readingsOf } from "./record.ts";
import type { Envelope } from "./request.ts";

/**
 * Scores what an envelope holds.
 * @param facts to be filled in
 * @throws SurprisalError for every fault of the content and the options; the reason of the work's signal once it is aborted
 */
export async function scoreEnvelope(
  envelope: Pick<Envelope<ScoreOptions>, "content" | "options">,
  deps: Pick<Deps, "models" | "limits" | "decode">,
  work: Work,
  facts: Facts,
) {
  const { content, options } = envelope;
  const models = await deps.models(options.models);
  const chosen = modelsOfKind(models, kindOf(content), options.models); // checked before a file is decoded in vain
  Object.assign(facts, { kind: kindOf(content), models: chosen.map(({ id }) => id), work });
  const input = await decodeAffordable(content, options, deps, chosen, work);
  checkAnswerSize(input, chosen, options, deps.limits);
  const answer = await score(input, models, options, work);
  facts.readings = readingsOf(answer, models);
  return joinable(answer, envelope);
}

/** Adds the request's id and the name of the file to an answer, so that it can be joined with what was asked. */
export function joinable<Answer extends { readonly input: object }>(
  answer: Answer,
  { content, options: { id } }: Pick<Envelope<{ readonly id?: string | undefined }>, "content" | "options">,
) {
  const name = content.form === "file" ? content.name : undefined;
  return {
    ...(id !== undefined && { id }),
    ...answer,
    input: { ...answer.input, ...(name !== undefined && { name }) },
  };
}
