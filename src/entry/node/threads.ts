/** Worker threads: started, asked whether they are alive, and replaced when they are not. pool.ts gives them their tasks. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { SurprisalError } from "../../errors.ts";
import type { Answer, FromThread, Served, Task, ToThread } from "./messages.ts";

export interface ThreadOptions {
  readonly size: number; // threads
  readonly pingMs?: number; // time between two looks at threads that have work
  readonly patience?: number; // pings that a thread may leave unanswered before it is replaced
  readonly script?: string; // of a thread
}

/** A task on its way to an answer. */
export interface Job {
  readonly task: Task;
  readonly answered: PromiseWithResolvers<Answer>;
  readonly isLarge: boolean; // by its body
  readonly since: number; // ms, when it came
  thread?: Thread;
  isLong: boolean; // by the work that it proves to take; the large ones are
}

/** A thread, and what it has been sent and has not answered yet. */
export interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  isReady: boolean;
  long: number; // of the jobs; the large ones are among them
  large: number;
  unanswered: number; // pings
}

export interface Threads {
  readonly all: ReadonlySet<Thread>;
  /** Settled when the first thread is ready, or cannot be started. */
  readonly started: Promise<void>;
  /** Ends all threads; what they have under way is interrupted. */
  end(): void;
}

const PING_MS = 1000;
/** Longer than any single step takes, even where other processes want the cores too. */
const PATIENCE = 10;
/** .ts, or .js when built. */
const SCRIPT = fileURLToPath(new URL(`./thread${extname(import.meta.url)}`, import.meta.url));
/**
 * Of what a thread has allocated lately. V8 lets it grow to 58 MB before it collects: many small pieces filled all of that, on every
 * core, and were answered no faster for it (measured). bench/batch.md has the memory that a server takes.
 */
const YOUNG_MB = 12;
/** Pause before a thread is started in place of one that could not be: its reason may last. */
const RESTART_MS = 1000;

/**
 * Starts threads. The jobs of one that is lost are answered `interrupted`.
 * @param heard called with what a thread says
 */
export function startThreads(
  served: Served,
  { size, pingMs = PING_MS, patience = PATIENCE, script = SCRIPT }: ThreadOptions,
  heard: (thread: Thread, message: FromThread) => void,
): Threads {
  const all = new Set<Thread>();
  const started = Promise.withResolvers<void>();
  let isEnded = false;

  function start(): void {
    const worker = new Worker(script, {
      workerData: served,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    const thread: Thread = { worker, jobs: new Map(), isReady: false, long: 0, large: 0, unanswered: 0 };
    all.add(thread);
    worker.on("message", (message: FromThread) => {
      thread.unanswered = 0;
      if ("alive" in message) {
        thread.isReady = true;
        started.resolve();
      }
      heard(thread, message);
    });
    worker.on("error", (error) => {
      if (all.has(thread)) console.error("A thread died:", error);
      lose(thread, error);
    });
    worker.on("exit", () => lose(thread, new Error("A thread ended.")));
  }

  /** Another thread takes the place of one that is lost, but not its jobs: one of them may be the reason. */
  function lose(thread: Thread, reason: unknown): void {
    if (!all.delete(thread)) return;
    void thread.worker.terminate();
    for (const { answered } of thread.jobs.values()) answered.reject(interrupted());
    started.reject(reason);
    if (isEnded) return;
    if (thread.isReady) start();
    else setTimeout(() => isEnded || start(), RESTART_MS).unref();
  }

  /** A thread that computes answers between two steps; one that does not will never come back. */
  function ping(): void {
    for (const thread of all) {
      if (thread.jobs.size === 0) continue;
      if (thread.unanswered >= patience) {
        console.error(`A thread did not answer for ${(patience * pingMs) / 1000} s; another takes its place.`);
        lose(thread, new Error("A thread did not answer."));
      } else {
        thread.unanswered += 1;
        send(thread, { ping: true });
      }
    }
  }

  for (let k = 0; k < size; k++) start();
  const watch = setInterval(ping, pingMs).unref();
  return {
    all,
    started: started.promise,
    end() {
      isEnded = true;
      clearInterval(watch);
      for (const thread of all) lose(thread, interrupted());
    },
  };
}

export const interrupted = () =>
  new SurprisalError(
    "interrupted",
    "The thread that worked on this request was ended before it had an answer; ask again.",
  );

export const send = ({ worker }: Thread, message: ToThread, transfer: ArrayBuffer[] = []) =>
  worker.postMessage(message, transfer);
