/**
 * The package without Node, `import { load } from "surprisal/core"`: for Cloudflare Workers and other runtimes.
 *
 *   import kernel from "surprisal/kernel.wasm";
 *   import { bucketStore, load, r2Bucket } from "surprisal/core";
 *
 *   const surprisal = await load(bucketStore(r2Bucket(env.MODELS, "models/")), kernel);
 *   const { best } = await surprisal.score([[60, 64], [62, 65]]);
 */
export { type ErrorCode, SurprisalError, type Warning } from "./errors.ts";
export type { Decoder } from "./formats/audio.ts";
export { createApp } from "./http/app.ts";
export { continuationFile } from "./http/continuation.ts";
export type { Deps } from "./http/deps.ts";
export {
  type Audio,
  type Bounds,
  type File,
  type LoadOptions,
  load,
  type Roll,
  type Surprisal,
} from "./library.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { isMusic } from "./schema/is-music.ts";
export type { ModelInfo } from "./schema/model.ts";
export type { PredictOptions, ScoreOptions } from "./schema/options.ts";
export type { AudioPredictResponse, MusicPredictResponse, PredictResponse } from "./schema/predict.ts";
export type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "./schema/score.ts";
export { type Bucket, bucketStore, StoreFailure } from "./store/bucket.ts";
export { type R2Binding, r2Bucket } from "./store/r2.ts";
