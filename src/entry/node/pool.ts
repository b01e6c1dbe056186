/**
 * Requests -> answers by worker threads, each of which serves the same release: what takes long then delays neither small
 * requests nor health checks. This is the main thread's side; thread.ts is the other.
 */

import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { expected, SurprisalError } from "../../errors.ts";
import type { Share } from "../../http/admission.ts";
import type { Deps } from "../../http/app.ts";
import { readBody } from "../../http/body.ts";
import { MAX_WAITING } from "../../limits.ts";
import type { Release } from "../../store/load.ts";

/** Requests that a thread has under way at a time: it lets the small ones in between the parts of the large. */
const AT_A_TIME = 16;

/** What the threads serve. */
export interface Served {
  readonly release: Release;
  readonly kernel: WebAssembly.Module;
  readonly limits: Deps["limits"];
  readonly version: string;
}

/** A request as it can be handed to another thread. */
export interface Task {
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined; // a GET without it
}

/** Its answer. */
export interface Answer {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Pool {
  /**
   * @param id by which the log knows the request
   * @param share of the bytes of all bodies
   * @throws SurprisalError `busy` when too many wait, and as readBody.
   */
  answer(request: Request, id: string, share: Share): Promise<Response>;
  /** Ends the threads when what they have under way is done. */
  close(): Promise<void>;
}

/** Starts the threads, one for each core, and waits until the first is ready. */
export async function startPool(served: Served, threads = availableParallelism()): Promise<Pool> {
  const piscina = new Piscina<Task, Answer>({
    filename: fileURLToPath(new URL(`./thread${extname(import.meta.url)}`, import.meta.url)), // .ts, or .js when built
    workerData: served,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: AT_A_TIME,
    maxQueue: MAX_WAITING,
  });
  // Of a thread that dies between two tasks; another takes its place.
  piscina.on("error", (error) => console.error("A thread died:", error));
  try {
    await piscina.run({ url: "http://localhost/health/live", headers: [], body: undefined });
  } catch (error) {
    await piscina.destroy();
    throw error;
  }
  const checkQueue = () => {
    if (piscina.queueSize < MAX_WAITING) return;
    throw new SurprisalError(
      "busy",
      expected(`fewer than ${MAX_WAITING} requests that wait for a thread`, piscina.queueSize),
    );
  };
  const answerByThread: Pool["answer"] = async (request, id, share) => {
    checkQueue();
    const bytes = await readBody(request, served.limits, share);
    checkQueue(); // others may have come while the body did
    const headersOf = new Headers(request.headers);
    headersOf.set("X-Request-Id", id);
    headersOf.delete("Content-Encoding"); // it is undone
    headersOf.set("Content-Length", String(bytes.length));
    const task = { url: request.url, headers: [...headersOf], body: bytes };
    const { status, headers, body } = await piscina.run(task, { transferList: [bytes.buffer] });
    return new Response(body, { status, headers });
  };
  const underWay = new Set<Promise<Response>>();
  return {
    answer(...request) {
      const answer = answerByThread(...request).finally(() => underWay.delete(answer));
      underWay.add(answer);
      return answer;
    },
    // Piscina's own close() ends all threads when the first of them is done, and after half a minute.
    async close() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
      await piscina.destroy();
    },
  };
}
