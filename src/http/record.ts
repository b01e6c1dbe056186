/**
 * What is known of a request when it is answered, for logs, metrics and rates. Never its content, names of files or text of
 * options; the ids of models are the server's own.
 */
import type { Model } from "../model/model.ts";
import type { PredictResponse } from "../schema/predict.ts";
import type { ScoreResponse } from "../schema/score.ts";

/** How much a model read, and of /score how well. */
export interface Reading {
  readonly model: string;
  readonly frames: number; // of music; blocks of audio
  readonly nll?: number; // nats per frame or block
}

/** What the handlers learn while they answer. */
export interface Facts {
  client?: string; // owner of the key that it came with
  kind?: Model["kind"];
  models?: readonly string[]; // that were asked
  bytes?: number; // that its body held, as it was sent and as it was decoded
  work?: { readonly done: number }; // multiply-adds
  queueMs?: number; // until a thread had time for it
  workMs?: number; // in a thread
  readings?: readonly Reading[];
  code?: string; // of the problem that it was answered with
  lines?: number; // of a batch, that were answered
  refused?: number; // of these, with a problem
  ended?: Promise<void>; // of a batch: when its last line is answered, or its client has left
  charge?: () => Promise<number>; // counts the work so far; how long to wait before more, ms
}

/** A request that was answered. */
export interface AccessRecord extends Readonly<Facts> {
  readonly id: string;
  readonly method: string;
  readonly route: string; // without /v1; "none" where there is no route
  readonly status: number;
  readonly ms: number; // until the answer was ready
}

/** @param models among which those of the answer are */
export function readingsOf(answer: ScoreResponse | PredictResponse, models: readonly Model[]): Reading[] {
  const blocks = new Map(models.map((model) => [model.id, model.kind === "audio" ? model.shape.block : 1]));
  const readings: readonly { model: string; frames?: number; samples?: number; nll?: number }[] =
    "scores" in answer ? answer.scores : answer.predictions;
  return readings.map(({ model, frames, samples = 0, nll }) => ({
    model,
    frames: frames ?? Math.ceil(samples / (blocks.get(model) ?? 1)),
    ...(nll !== undefined && { nll }),
  }));
}

/** What one app learned of a request, as plain data for the app that passed the request on. */
export const factsOf = ({ kind, models, work, readings, code, lines, refused, ms }: AccessRecord): Facts => ({
  ...(kind && { kind }),
  ...(models && { models }),
  ...(work && { work: { done: work.done } }),
  ...(readings && { readings }),
  ...(code !== undefined && { code }),
  ...(lines !== undefined && { lines, refused }),
  workMs: ms,
});
