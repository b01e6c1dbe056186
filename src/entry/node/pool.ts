/**
 * Requests -> answers by worker threads, each of which serves the same release: what takes long then delays neither small
 * requests nor health checks. Here is the queue in which requests wait; threads.ts keeps the threads alive, and thread.ts is
 * what runs in one.
 */
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { expected, SurprisalError } from "../../errors.ts";
import { readBody } from "../../http/body.ts";
import type { Call } from "../../http/deps.ts";
import { workLimit } from "../../limits.ts";
import type { Answer, FromThread, Served, Task } from "./messages.ts";
import { interrupted, type Job, send, startThreads, type Thread, type ThreadOptions } from "./threads.ts";

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

export interface PoolOptions extends Partial<ThreadOptions> {
  readonly checkMs?: number; // time between two looks at requests that wait
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

const CHECK_MS = 1000;
/** How long close() waits: the longest requests take a minute. */
const CLOSE_MS = 60_000;

/** Starts the threads, one for each core unless `size` says otherwise, and waits until the first is ready. */
export async function startPool(
  served: Served,
  { size = availableParallelism(), checkMs = CHECK_MS, ...options }: PoolOptions = {},
): Promise<Pool> {
  const { limits } = served;
  const waiting = new Set<Job>();
  const underWay = new Set<Promise<Response>>();
  let numbers = 0;
  let isDispatching = false;
  let isClosed = false;
  const { all: threads, started, end } = startThreads(served, { size, ...options }, hear);

  function hear(thread: Thread, message: FromThread): void {
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
    }
    dispatchSoon();
  }

  /** Refuses requests that have waited too long: their clients can try again later. */
  function giveUp(): void {
    const latest = performance.now() - 1000 * limits.waitSeconds;
    for (const job of waiting) {
      if (job.since > latest) break;
      waiting.delete(job);
      const detail = expected("a thread that is free", `none within ${limits.waitSeconds} s`);
      job.answered.reject(new SurprisalError("busy", detail));
    }
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
    if (waiting.size < limits.waiting) return;
    throw new SurprisalError(
      "busy",
      expected(`fewer than ${limits.waiting} requests that wait for a thread`, waiting.size),
    );
  }

  const answerByThread: Pool["answer"] = async (request, { id, share, facts, batch }) => {
    checkRoom();
    const { bytes: body, sentBytes } = await readBody(request, limits, share);
    checkRoom(); // others may have come while the body did
    if (isClosed) throw interrupted();
    if (request.signal.aborted) throw clientLeft();
    const headersOf = new Headers(request.headers);
    headersOf.set("X-Request-Id", id);
    headersOf.delete("Content-Encoding"); // it is undone
    headersOf.set("Content-Length", String(body.length));
    const task = {
      number: numbers++,
      url: request.url,
      headers: [...headersOf],
      body,
      workLimit: workLimit(limits, sentBytes * (batch?.sentShare ?? 1)),
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
    // The lines of a batch share a signal, which would keep all of their answers.
    const forget = () => request.signal.removeEventListener("abort", leave);
    const { status, headers, body: bytes, facts: learned } = await answered.promise.finally(forget);
    Object.assign(facts, learned, { queueMs: performance.now() - job.since - (learned.workMs ?? 0) });
    return new Response(bytes, { status, headers });
  };

  const watch = setInterval(giveUp, checkMs).unref();
  const endThreads = () => {
    isClosed = true;
    clearInterval(watch);
    end();
  };
  try {
    await started;
  } catch (error) {
    endThreads();
    throw error;
  }
  return {
    load: () => ({ waiting: waiting.size, working: [...threads].reduce((sum, { jobs }) => sum + jobs.size, 0) }),
    isFull: () => waiting.size >= limits.waiting,
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
      for (const { answered } of waiting) answered.reject(interrupted());
      endThreads();
    },
  };
}

const clientLeft = () => new SurprisalError("interrupted", "The client has left.");

const small = ({ jobs, long }: Thread) => jobs.size - Math.min(long, LONG_AT_A_TIME);
/** The thread with the fewest of what is counted, if any has room for one more. */
function freest(threads: Iterable<Thread>, count: (thread: Thread) => number, room: number): Thread | undefined {
  const free = [...threads].filter((thread) => thread.isReady && count(thread) < room);
  return free.toSorted((a, b) => count(a) - count(b) || a.long - b.long).at(0);
}
const roomForSmall = (threads: Iterable<Thread>) => freest(threads, small, SMALL_AT_A_TIME);
const roomForLarge = (threads: Iterable<Thread>) => freest(threads, ({ large }) => large, LARGE_AT_A_TIME);
