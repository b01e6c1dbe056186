/**
 * Requests -> answers by worker threads, each of which serves the same release: what takes long then delays neither small
 * requests nor health checks. This is the main thread's side; thread.ts is the other.
 */

import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expected, SurprisalError } from "../../errors.ts";
import type { Call, Deps } from "../../http/app.ts";
import { readBody } from "../../http/body.ts";
import type { Facts } from "../../http/record.ts";
import { MAX_WAIT_SECONDS, workLimit } from "../../limits.ts";
import type { Release } from "../../store/load.ts";

/** What the threads serve. */
export interface Served {
  readonly release: Release;
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
  readonly batch?: Call["batch"];
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

export interface Pool {
  /**
   * @throws SurprisalError `busy` when too many wait, `interrupted` when the thread is lost or the client leaves, and as
   * readBody.
   */
  answer(request: Request, call: Call): Promise<Response>;
  /** Requests that wait for a thread, and those that threads have. */
  load(): { readonly waiting: number; readonly working: number };
  /** Whether as many requests wait as may. */
  isFull(): boolean;
  /** Ends the threads when what they have under way is done, or at the deadline: what is left is then answered 503. */
  close(deadlineMs?: number): Promise<void>;
}

export interface PoolOptions {
  readonly size?: number; // threads; one for each core unless given
  readonly pingMs?: number; // time between two looks at threads that have work
  readonly patience?: number; // pings that a thread may leave unanswered before it is replaced
  readonly waitSeconds?: number; // that a request waits for a thread at most
  readonly script?: string; // of a thread
}

/**
 * Tasks that a thread is sent before it has answered: small ones, so that it finds the next without waiting for a message, and
 * beside them those that proved to be long, which take turns (turns.ts). Of large bodies few, since a recording takes several
 * times its size.
 */
const SMALL_AT_A_TIME = 4;
const LONG_AT_A_TIME = 64;
const LARGE_AT_A_TIME = 2;
const LARGE_BYTES = 2 ** 17;

interface Job {
  readonly task: Task;
  readonly answered: PromiseWithResolvers<Answer>;
  readonly isLarge: boolean;
  readonly since: number; // ms, when it came
  thread?: Thread;
  isLong: boolean;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  isReady: boolean;
  long: number; // of the jobs; the large ones are among them
  large: number;
  unanswered: number; // pings
}

/** Longer than any single step takes, even where other processes want the cores too. */
const PATIENCE = 10;
/** How long close() waits: the longest requests take a minute. */
const CLOSE_MS = 60_000;
/** .ts, or .js when built. */
const SCRIPT = fileURLToPath(new URL(`./thread${extname(import.meta.url)}`, import.meta.url));

/** Starts the threads and waits until the first is ready. */
export async function startPool(
  served: Served,
  {
    size = availableParallelism(),
    pingMs = 1000,
    patience = PATIENCE,
    waitSeconds = MAX_WAIT_SECONDS,
    script = SCRIPT,
  }: PoolOptions = {},
): Promise<Pool> {
  const threads = new Set<Thread>();
  const waiting = new Set<Job>();
  const started = Promise.withResolvers<void>();
  const underWay = new Set<Promise<Response>>();
  let numbers = 0;
  let isDispatching = false;
  let isClosed = false;

  function startThread(): void {
    const worker = new Worker(script, { workerData: served });
    const thread: Thread = { worker, jobs: new Map(), isReady: false, long: 0, large: 0, unanswered: 0 };
    threads.add(thread);
    worker.on("message", (message: FromThread) => listen(thread, message));
    worker.on("error", (error) => {
      if (threads.has(thread)) console.error("A thread died:", error);
      lose(thread, error);
    });
    worker.on("exit", () => lose(thread, new Error("A thread ended.")));
  }

  function listen(thread: Thread, message: FromThread): void {
    thread.unanswered = 0;
    if ("long" in message) {
      const job = thread.jobs.get(message.long);
      if (job && !job.isLong) {
        job.isLong = true;
        thread.long += 1;
      }
    } else if ("number" in message) {
      const job = thread.jobs.get(message.number);
      thread.jobs.delete(message.number);
      if (job?.isLong) thread.long -= 1;
      if (job?.isLarge) thread.large -= 1;
      job?.answered.resolve(message);
    } else {
      thread.isReady = true;
      started.resolve();
    }
    dispatchSoon();
  }

  /** Refuses requests that have waited too long: their clients can try again later. */
  function giveUp(): void {
    const latest = performance.now() - 1000 * waitSeconds;
    for (const job of waiting) {
      if (job.since > latest) break;
      waiting.delete(job);
      const detail = expected("a thread that is free", `none within ${waitSeconds} s`);
      job.answered.reject(new SurprisalError("busy", detail));
    }
  }

  /** A thread that computes answers between two steps; one that does not will never come back. */
  function ping(): void {
    for (const thread of threads) {
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

  /** Another thread takes the place of one that is lost, but not its tasks: one of them may be the reason. */
  function lose(thread: Thread, reason: unknown): void {
    if (!threads.delete(thread)) return;
    void thread.worker.terminate();
    for (const { answered } of thread.jobs.values()) answered.reject(interrupted());
    started.reject(reason);
    if (isClosed) return;
    if (thread.isReady) startThread();
    else setTimeout(() => isClosed || startThread(), RESTART_MS).unref();
  }

  /** Once for all that has come in: what goes to one thread goes in one message. */
  function dispatchSoon(): void {
    if (isDispatching || waiting.size === 0) return;
    isDispatching = true;
    setImmediate(() => {
      isDispatching = false;
      dispatch();
    });
  }

  function dispatch(): void {
    const tasks = new Map<Thread, Task[]>();
    for (const job of waiting) {
      const thread = job.isLarge ? roomForLarge(threads) : roomForSmall(threads);
      if (!thread) continue;
      waiting.delete(job);
      job.thread = thread;
      thread.jobs.set(job.task.number, job);
      if (job.isLarge) {
        thread.large += 1;
        thread.long += 1;
      }
      tasks.set(thread, [...(tasks.get(thread) ?? []), job.task]);
    }
    for (const [thread, some] of tasks)
      send(
        thread,
        { tasks: some },
        some.map(({ body }) => body.buffer),
      );
  }

  function checkRoom(): void {
    if (waiting.size < served.limits.waiting) return;
    throw new SurprisalError(
      "busy",
      expected(`fewer than ${served.limits.waiting} requests that wait for a thread`, waiting.size),
    );
  }

  const answerByThread: Pool["answer"] = async (request, { id, share, facts, batch }) => {
    checkRoom();
    const { bytes: body, sentBytes } = await readBody(request, served.limits, share);
    checkRoom(); // others may have come while the body did
    if (isClosed) throw interrupted();
    if (request.signal.aborted) throw clientLeft();
    const headersOf = new Headers(request.headers);
    headersOf.set("X-Request-Id", id);
    headersOf.delete("Content-Encoding"); // it is undone
    headersOf.delete("Origin"); // the main thread knows who may ask, and has checked it
    headersOf.set("Content-Length", String(body.length));
    const task = {
      number: numbers++,
      url: request.url,
      headers: [...headersOf],
      body,
      workLimit: workLimit(served.limits, sentBytes * (batch?.sentShare ?? 1)),
      ...(batch && { batch }),
    };
    const isLarge = body.length > LARGE_BYTES;
    const answered = Promise.withResolvers<Answer>();
    const job: Job = { task, answered, isLarge, since: performance.now(), isLong: isLarge };
    const leave = () => {
      waiting.delete(job);
      if (job.thread) send(job.thread, { abort: task.number });
      answered.reject(clientLeft());
    };
    request.signal.addEventListener("abort", leave);
    waiting.add(job);
    dispatchSoon();
    const { status, headers, body: bytes, facts: learned } = await answered.promise;
    Object.assign(facts, learned, { queueMs: performance.now() - job.since - (learned.workMs ?? 0) });
    return new Response(bytes, { status, headers });
  };

  for (let k = 0; k < size; k++) startThread();
  const watch = setInterval(() => {
    ping();
    giveUp();
  }, pingMs).unref();
  const endThreads = () => {
    isClosed = true;
    clearInterval(watch);
    return Promise.all([...threads].map(({ worker }) => worker.terminate()));
  };
  try {
    await started.promise;
  } catch (error) {
    await endThreads();
    throw error;
  }
  return {
    load: () => ({ waiting: waiting.size, working: [...threads].reduce((sum, { jobs }) => sum + jobs.size, 0) }),
    isFull: () => waiting.size >= served.limits.waiting,
    answer(...request) {
      const answer = answerByThread(...request).finally(() => underWay.delete(answer));
      underWay.add(answer);
      return answer;
    },
    async close(deadlineMs = CLOSE_MS) {
      const answered = async () => {
        while (underWay.size > 0) await Promise.allSettled(underWay);
      };
      await Promise.race([answered(), delay(deadlineMs, undefined, { ref: false })]);
      isClosed = true;
      for (const { answered } of waiting) answered.reject(interrupted());
      for (const thread of threads) lose(thread, interrupted());
      await endThreads();
    },
  };
}

const interrupted = () =>
  new SurprisalError(
    "interrupted",
    "The thread that worked on this request was ended before it had an answer; ask again.",
  );
const clientLeft = () => new SurprisalError("interrupted", "The client has left.");

/** Pause before a thread is started in place of one that could not be: its reason may last. */
const RESTART_MS = 1000;

const small = ({ jobs, long }: Thread) => jobs.size - Math.min(long, LONG_AT_A_TIME);
/** The thread with the fewest of what is counted, if any has room for one more. */
function freest(threads: Iterable<Thread>, count: (thread: Thread) => number, room: number): Thread | undefined {
  const free = [...threads].filter((thread) => thread.isReady && count(thread) < room);
  return free.toSorted((a, b) => count(a) - count(b) || a.long - b.long).at(0);
}
const roomForSmall = (threads: Iterable<Thread>) => freest(threads, small, SMALL_AT_A_TIME);
const roomForLarge = (threads: Iterable<Thread>) => freest(threads, ({ large }) => large, LARGE_AT_A_TIME);
const send = ({ worker }: Thread, message: ToThread, transfer: ArrayBuffer[] = []) =>
  worker.postMessage(message, transfer);
