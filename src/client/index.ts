/**
 * A client of the HTTP API for browsers, Node, Workers and Deno, `import { Client } from "surprisal/client"`: nothing but fetch.
 *
 *   const client = new Client("http://127.0.0.1:8787");
 *   const { best, scores } = await client.score(file, { models: ["jsb/*"] });
 */
export { isMusic } from "../schema/is-music.ts";
export type { ModelInfo } from "../schema/model.ts";
export type { PredictOptions, ScoreOptions } from "../schema/options.ts";
export type { AudioPredictResponse, MusicPredictResponse, PredictResponse } from "../schema/predict.ts";
export type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "../schema/score.ts";
export type { Problem } from "../schema/service.ts";
export type { BatchAnswer } from "./batch.ts";
export {
  type BatchInput,
  type BatchOptions,
  type CallOptions,
  Client,
  type ClientOptions,
  type ContinuationOptions,
} from "./client.ts";
export { ConnectionError, ProblemError } from "./errors.ts";
export type { Audio, Bytes, Input, Roll } from "./input.ts";
