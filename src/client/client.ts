/** The HTTP API of a server as methods, typed by its own schemas. */
import { isMusic } from "../schema/is-music.ts";
import type { ModelInfo } from "../schema/model.ts";
import type { PredictOptions, ScoreOptions } from "../schema/options.ts";
import type { AudioPredictResponse, MusicPredictResponse, PredictResponse } from "../schema/predict.ts";
import type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "../schema/score.ts";
import { type BatchAnswer, batch } from "./batch.ts";
import { ConnectionError, problemOf } from "./errors.ts";
import {
  type Audio,
  type Bytes,
  type Input,
  lineOf,
  queryOf,
  type RequestInput,
  type Roll,
  requestOf,
} from "./input.ts";
import { linesOf } from "./lines.ts";
import { withRetries } from "./retry.ts";

export interface ClientOptions {
  /** Sent as `Authorization: Bearer KEY`. */
  readonly key?: string | undefined;
  /** How often a request is repeated after 429, 502, 503, 504 or a fault of the network; 4 unless given. */
  readonly retries?: number | undefined;
  /** In place of the global one, such as that of a service binding of Workers. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Of one call. */
export interface CallOptions {
  /** Cancels the request; the call then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface BatchOptions extends CallOptions {
  /** How many requests of up to 64 KiB are under way at a time; 2 unless given. */
  readonly requests?: number;
}

/** A line of a batch: what to score, and options for it alone. */
export interface BatchInput extends ScoreOptions {
  readonly input: Input;
}

/** Options of a continuation. Transposition and frame rate are those of the first request. */
export interface ContinuationOptions extends Omit<PredictOptions, "models" | "state" | "adaptive"> {
  /** The model that continues. */
  readonly model: string;
}

/** Frames that a continuation asks for at a time. */
const CONTINUATION_STEPS = 16;

export class Client {
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #retries: number;
  readonly #fetch: typeof globalThis.fetch;

  /**
   * @param url of the server, without the /v1 of its routes
   * @throws TypeError for what is not a URL
   */
  constructor(url: string | URL, { key, retries = 4, fetch = globalThis.fetch }: ClientOptions = {}) {
    this.#base = new URL("v1/", String(url).replace(/\/*$/, "/"));
    this.#headers = key === undefined ? {} : { Authorization: `Bearer ${key}` };
    this.#retries = retries;
    this.#fetch = (...request) => fetch(...request); // browsers refuse to be called as a method
  }

  /**
   * Negative log-likelihood of an input, in nats, under each model that reads its kind or those that `options.models` names.
   * @throws ProblemError when the server refuses, ConnectionError when it cannot be reached, the signal's reason
   */
  score(input: Roll, options?: ScoreOptions, call?: CallOptions): Promise<MusicScoreResponse>;
  score(input: Audio, options?: ScoreOptions, call?: CallOptions): Promise<AudioScoreResponse>;
  score(input: Input, options?: ScoreOptions, call?: CallOptions): Promise<ScoreResponse>;
  score(input: Input, options: ScoreOptions = {}, call: CallOptions = {}): Promise<ScoreResponse> {
    return this.#ask("score", readJson, call, requestOf(input, options));
  }

  /**
   * Distribution of what follows an input; with `options.steps` also a sampled continuation. The `state` of an answer, given to
   * the next call as `options.state`, stands for all that was heard so far.
   * @throws as score
   */
  predict(input: Roll, options?: PredictOptions, call?: CallOptions): Promise<MusicPredictResponse>;
  predict(input: Audio, options?: PredictOptions, call?: CallOptions): Promise<AudioPredictResponse>;
  predict(input: Input, options?: PredictOptions, call?: CallOptions): Promise<PredictResponse>;
  predict(input: Input, options: PredictOptions = {}, call: CallOptions = {}): Promise<PredictResponse> {
    return this.#ask("predict", readJson, call, requestOf(input, options));
  }

  /**
   * A sampled continuation as a MIDI file of music, or a WAV file of audio.
   * @param options name one model, and `steps`
   * @throws as score
   */
  continuationFile(input: Input, options: PredictOptions, call: CallOptions = {}): Promise<Blob> {
    const request = requestOf(input, options);
    const headers = { ...request.headers, Accept: "audio/midi, audio/wav" };
    return this.#ask("predict", (response) => response.blob(), call, { ...request, headers });
  }

  /**
   * The frames that follow a piece of music, one after another and without an end: each a list of pitches in the key of the
   * input. `options.steps` are sampled with each request, the k-th with the seed `options.seed` + k.
   * @throws as score; TypeError when the input is not music
   */
  async *continuation(
    input: Bytes | Roll,
    { model, steps = CONTINUATION_STEPS, seed = 0, temperature, ...reading }: ContinuationOptions,
    call: CallOptions = {},
  ): AsyncGenerator<readonly number[], void> {
    let options: PredictOptions = { ...reading, models: [model], temperature, steps, seed };
    for (let heard: Bytes | Roll = input; ; ) {
      const answer = await this.predict(heard, options, call);
      if (!isMusic(answer)) throw new TypeError("Expected music to continue, got audio.");
      const [{ continuation = [], state }] = answer.predictions;
      yield* continuation;
      heard = continuation;
      options = { models: [model], temperature, steps, seed: (options.seed ?? 0) + 1, state: [state] };
    }
  }

  /**
   * Scores many inputs, and gives their answers in the order of the inputs while they come. An input that cannot be scored has
   * an answer with a `problem`. Inputs are read no faster than answers are.
   * @param options for all inputs
   * @throws as score, when a whole request is refused
   */
  batch(
    inputs: Iterable<BatchInput> | AsyncIterable<BatchInput>,
    options: ScoreOptions = {},
    { signal, requests = 2 }: BatchOptions = {},
  ): AsyncGenerator<BatchAnswer, void> {
    const path = `batch${queryOf(options)}`;
    const headers = { "Content-Type": "application/x-ndjson", Accept: "application/x-ndjson" };
    const send = async function* (this: Client, body: string, signal: AbortSignal) {
      yield* linesOf<BatchAnswer>(await this.#send(path, { method: "POST", body, headers, signal }));
    }.bind(this);
    return batch(textsOf(inputs), { send, requests, retries: this.#retries, signal });
  }

  /** The models of the server. @throws as score */
  async models(call: CallOptions = {}): Promise<readonly ModelInfo[]> {
    return (await this.#ask<{ readonly models: readonly ModelInfo[] }>("models", readJson, call)).models;
  }

  /** One model. @param id such as `jsb/gru` @throws as score */
  model(id: string, call: CallOptions = {}): Promise<ModelInfo> {
    return this.#ask(`models/${id.split("/").map(encodeURIComponent).join("/")}`, readJson, call);
  }

  /** A whole answer, with retries. @param input what is posted, if anything */
  #ask<T>(
    path: string,
    read: (response: Response) => Promise<T>,
    { signal }: CallOptions,
    input?: RequestInput,
  ): Promise<T> {
    const request = { ...input, method: input ? "POST" : "GET", ...(signal && { signal }) };
    const attempt = async () => unbroken(read(await this.#send(path, request)));
    return withRetries(attempt, this.#retries, signal);
  }

  /** One request. @throws ProblemError, ConnectionError */
  async #send(path: string, request: RequestInit & { readonly headers?: RequestInput["headers"] }): Promise<Response> {
    const headers = { Accept: "application/json", ...this.#headers, ...request.headers };
    const response = await unbroken(this.#fetch(new URL(path, this.#base), { ...request, headers }));
    if (!response.ok) throw await unbroken(problemOf(response));
    return response;
  }
}

const readJson = (response: Response) => response.json();

async function* textsOf(inputs: Iterable<BatchInput> | AsyncIterable<BatchInput>): AsyncGenerator<string, void> {
  for await (const { input, ...options } of inputs) yield await lineOf(input, options);
}

/** fetch throws a TypeError for whatever is wrong with a connection. */
async function unbroken<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new ConnectionError("The server cannot be reached, or its answer broke off.", { cause });
  }
}
