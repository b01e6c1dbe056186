/** What the main thread and the threads of the pool say to each other: pool.ts is one side, thread.ts the other. */
import type { BatchPart, Deps } from "../../http/deps.ts";
import type { Facts } from "../../http/record.ts";
import type { ReadFiles } from "../../store/release.ts";

/** What the threads serve. */
export interface Served {
  readonly release: ReadFiles;
  readonly kernel: WebAssembly.Module;
  readonly limits: Deps["limits"];
  readonly version: string;
}

/** A request as it can be handed to another thread. */
export interface Task {
  readonly number: number;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
  readonly workLimit: number; // multiply-adds
  readonly batch?: BatchPart;
}

/** Its answer. */
export interface Answer {
  readonly number: number;
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array<ArrayBuffer>;
  readonly facts: Facts;
}

/** `abort` is the number of a task whose client has left; a ping is answered as soon as a step is done. */
export type ToThread = { readonly tasks: readonly Task[] } | { readonly abort: number } | { readonly ping: true };
/** `long` is the number of a task that proved to be no small one. */
export type FromThread = { readonly alive: true } | { readonly long: number } | Answer;
