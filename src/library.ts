/**
 * A store of checkpoints + the kernel -> Surprisal: scores and predictions in process, and the HTTP API to mount in an app.
 * It runs on every runtime; src/index.ts opens it on Node, src/core.ts gives it to the others.
 */
import { SurprisalError } from "./errors.ts";
import type { Decoder } from "./formats/audio.ts";
import { createApp } from "./http/app.ts";
import { decodeContent } from "./http/content.ts";
import type { Deps } from "./http/deps.ts";
import { parse } from "./http/fault.ts";
import { logFailure } from "./http/log.ts";
import * as answer from "./inference/answer.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { modelInfos } from "./model/info.ts";
import type { Model } from "./model/model.ts";
import { Frames, SampleRate } from "./schema/body.ts";
import type { ModelInfo } from "./schema/model.ts";
import { PredictOptions, ScoreOptions } from "./schema/options.ts";
import type { AudioPredictResponse, MusicPredictResponse, PredictResponse } from "./schema/predict.ts";
import type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "./schema/score.ts";
import { loadModels } from "./store/load.ts";
import type { Failure } from "./store/problem.ts";
import type { CheckpointStore } from "./store/store.ts";
import { Work } from "./util/work.ts";
import { version } from "./version.ts";

/** The bytes of a MIDI or audio file. */
export type File = Uint8Array;

/** A piano roll: frames at the models' frame rate, each the MIDI pitches (1 to 127) that sound in it. */
export type Roll = readonly (readonly number[])[];

/** Mono samples, full scale = 1, and their rate in Hz. */
export interface Audio {
  readonly samples: ArrayLike<number>;
  readonly sampleRate: number;
}

/** Of one call. */
export interface Bounds {
  /** Stops the work when it is aborted; the call then throws its reason. */
  readonly signal?: AbortSignal;
}

export interface LoadOptions {
  /** What may be read; those of the HTTP API unless given. */
  readonly limits?: Partial<Limits>;
  /** Reads FLAC, MP3 and Ogg; without one, audio files have to be WAV. */
  readonly decode?: Decoder;
}

/** Loaded models. They stay as they were when loaded: load again for a newer release. */
export class Surprisal {
  /** What is known of each model: id, version, parameters, measured NLL, … */
  readonly models: readonly ModelInfo[];
  /** Models of the store that could not be loaded, and why. */
  readonly failures: readonly Failure[];
  readonly #models: readonly Model[];
  readonly #limits: Limits;
  readonly #decode: Decoder | undefined;

  constructor(models: readonly Model[], failures: readonly Failure[] = [], { limits, decode }: LoadOptions = {}) {
    this.#models = models;
    this.models = modelInfos(models);
    this.failures = failures;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#decode = decode;
  }

  /**
   * Negative log-likelihood of an input, in nats, under each model that reads its kind or those that `options.models` names.
   * @throws SurprisalError with a `code` for whatever is wrong with the input or the options; the signal's reason.
   */
  score(input: Roll, options?: ScoreOptions, bounds?: Bounds): Promise<MusicScoreResponse>;
  score(input: Audio, options?: ScoreOptions, bounds?: Bounds): Promise<AudioScoreResponse>;
  score(input: File | Roll | Audio, options?: ScoreOptions, bounds?: Bounds): Promise<ScoreResponse>;
  async score(input: File | Roll | Audio, options: ScoreOptions = {}, bounds: Bounds = {}): Promise<ScoreResponse> {
    const checked = parse(ScoreOptions, options);
    const work = new Work(bounds);
    return answer.score(await this.#read(input, checked, work), this.#models, checked, work);
  }

  /**
   * Distribution of what follows an input; with `options.steps` also a sampled continuation, see continuationFile.
   * @throws SurprisalError as score.
   */
  predict(input: Roll, options?: PredictOptions, bounds?: Bounds): Promise<MusicPredictResponse>;
  predict(input: Audio, options?: PredictOptions, bounds?: Bounds): Promise<AudioPredictResponse>;
  predict(input: File | Roll | Audio, options?: PredictOptions, bounds?: Bounds): Promise<PredictResponse>;
  async predict(
    input: File | Roll | Audio,
    options: PredictOptions = {},
    bounds: Bounds = {},
  ): Promise<PredictResponse> {
    const checked = parse(PredictOptions, options);
    const work = new Work(bounds);
    return answer.predict(await this.#read(input, checked, work), this.#models, checked, work);
  }

  /**
   * The HTTP API on these models as a Hono app. Under another one: `other.mount("/surprisal", surprisal.app().fetch)`.
   * @param changes to what createApp takes, such as lower `limits` or another `log`
   */
  app(changes: Partial<Deps> = {}): ReturnType<typeof createApp> {
    const decode = this.#decode;
    return createApp({
      models: () => this.#models,
      limits: this.#limits,
      ...(decode && { decode }),
      version,
      log: logFailure,
      ...changes,
    });
  }

  #read(input: File | Roll | Audio, options: Parameters<typeof decodeContent>[1], work: Work): Promise<answer.Input> {
    const reader = { limits: this.#limits, decode: this.#decode };
    if (input instanceof Uint8Array)
      return decodeContent({ form: "file", bytes: input, type: "" }, options, reader, work);
    if ("samples" in input) {
      const sampleRate = parse(SampleRate, input.sampleRate, "sampleRate");
      return decodeContent({ form: "samples", samples: Array.from(input.samples), sampleRate }, options, reader, work);
    }
    return decodeContent({ form: "frames", frames: parse(Frames, input, "pianoRoll") }, options, reader, work);
  }
}

/**
 * Loads the models of a store.
 * @param kernel the compiled dist/kernel.wasm, handed over in the way of the runtime
 * @throws SurprisalError `no-models` when none can be loaded, `malformed-catalogue`; StoreFailure when the store cannot be read.
 */
export async function load(
  store: CheckpointStore,
  kernel: WebAssembly.Module,
  options: LoadOptions = {},
): Promise<Surprisal> {
  const { models, failures } = await loadModels(store, kernel);
  if (models.length > 0) return new Surprisal(models, failures, options);
  const [{ id, error }] = failures;
  throw new SurprisalError(
    "no-models",
    `No model can be loaded; ${id}: ${error instanceof Error ? error.message : error}`,
  );
}
