/** What a runtime gives to the API, and what the API hands to middleware and to those that answer in its place. */
import type { MiddlewareHandler } from "hono";
import type { RequestIdVariables } from "hono/request-id";
import type { Decoder } from "../formats/audio.ts";
import type { Limits } from "../limits.ts";
import type { Model } from "../model/model.ts";
import type { Named, Wanted } from "../model/select.ts";
import type { WorkOptions } from "../util/work.ts";
import type { Share } from "./admission.ts";
import type { AccessRecord, Facts } from "./record.ts";
import type { Origins } from "./security.ts";

export interface Deps {
  /**
   * The models at this moment; they may be swapped between two requests.
   * @param wanted those of interest: others may be left out
   * @throws SurprisalError `unknown-model`, or `no-models` when what is wanted cannot be read
   */
  models(wanted?: Wanted): readonly Model[] | Promise<readonly Model[]>;
  /** What can be asked for, where models are read only when they are wanted; else these are all models. */
  offers?(): Promise<readonly Named[]>;
  /** Why the store could not be read when last tried, if so, in a sentence for clients: without paths. */
  lastError?(): string | undefined;
  readonly limits: Limits;
  /** Origins whose pages may send requests, beside the server's own; "checked" where whoever passes requests on has checked it. */
  readonly origins?: Origins | "checked";
  /** Of audio that is not WAV; without it such audio is refused. */
  readonly decode?: Decoder;
  /** Where to send /score and /predict instead of answering here, such as to a pool of threads (entry/node/pool.ts). */
  offload?(): ((request: Request, call: Call) => Promise<Response>) | undefined;
  /** How many groups of lines of a batch `offload` works on at a time; 1 unless given. */
  parallel?(): number;
  /** Of a request with a part of a batch, which part it is: it is then answered as far as fits one message. */
  batchPart?(request: Request): BatchPart | undefined;
  /** Called with what was learned from each group of lines of a batch, while the batch goes on. */
  learned?(facts: Facts): void;
  /** Options of the work of /score and /predict, such as another signal than that of the request. */
  workOptions?(request: Request): WorkOptions;
  /** What surrounds every request, such as tracing. */
  readonly middleware?: readonly MiddlewareHandler<Env>[];
  /** What a request to /score or /predict passes first, such as a check of keys. */
  readonly guards?: readonly MiddlewareHandler<Env>[];
  /** Called with each request when it is answered. */
  answered?(record: AccessRecord, request: Request): void;
  /** Whether the queue is full: a load balancer then sends the next request elsewhere. */
  isFull?(): boolean;
  readonly version: string;
  log(error: unknown, request: { readonly id: string; readonly method: string; readonly path: string }): void;
}

/** What can be asked for. */
export const offersOf = async (deps: Pick<Deps, "models" | "offers">): Promise<readonly Named[]> =>
  deps.offers?.() ?? deps.models();

/** What middleware finds in a request's context. */
export type Env = { Variables: RequestIdVariables & { readonly share: Share; readonly facts: Facts } };

/** A request that is answered elsewhere. */
export interface Call {
  readonly id: string; // by which the log knows it
  readonly share: Share; // of the bytes of all bodies
  readonly facts: Facts; // to be filled in
  readonly batch?: BatchPart;
}

/** Of a request to a thread: which part of a batch its lines are. */
export interface BatchPart {
  readonly first: number; // index of its first line
  readonly sentShare: number; // bytes that were sent for each of its bytes
}
