/**
 * Requests -> answers by worker threads, each of which serves the same release: what takes long then delays neither small
 * requests nor health checks. This file is both sides: pool() on the main thread, the default export in the workers.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina, workerData } from "piscina";
import { createApp, type Deps } from "../app.ts";
import { SurprisalError } from "../errors.ts";
import { readBody } from "../input.ts";
import { loadRelease, type Release } from "../store/load.ts";
import { decode } from "./decoders.ts";

/** Requests that a thread has under way at a time: it lets the small ones in between the parts of the large. */
const AT_A_TIME = 16;
/** Requests that wait for a thread; their bodies stand in memory. */
const MOST_WAITING = 64;

/** What the workers serve. */
interface Served {
  readonly release: Release;
  readonly kernel: WebAssembly.Module;
  readonly limits: Deps["limits"];
  readonly version: string;
}

interface Task {
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined; // a GET without it
}

interface Answer {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Pool {
  /**
   * @param id by which the log knows the request
   * @throws SurprisalError `busy` when too many wait, and as readBody.
   */
  answer(request: Request, id: string): Promise<Response>;
  /** Ends the threads when what they have under way is done. */
  close(): Promise<void>;
}

/** Starts the threads, one for each core, and waits until the first is ready. */
export async function startPool(served: Served, threads = availableParallelism()): Promise<Pool> {
  const piscina = new Piscina<Task, Answer>({
    filename: fileURLToPath(import.meta.url),
    workerData: served,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: AT_A_TIME,
    maxQueue: MOST_WAITING,
  });
  await piscina.run({ url: "http://localhost/health/live", headers: [], body: undefined });
  return {
    async answer(request, id) {
      if (piscina.queueSize >= MOST_WAITING) {
        throw new SurprisalError("busy", `Found ${MOST_WAITING} requests that wait for a thread; try again later.`);
      }
      const bytes = await readBody(request, served.limits.bodyBytes);
      const headersOf = new Headers(request.headers);
      headersOf.set("X-Request-Id", id);
      const task = { url: request.url, headers: [...headersOf], body: bytes };
      const { status, headers, body } = await piscina.run(task, { transferList: [bytes.buffer] });
      return new Response(body, { status, headers });
    },
    close: () => piscina.close(),
  };
}

let app: Promise<ReturnType<typeof createApp>> | undefined;

async function appOf({ release, kernel, limits, version }: Served) {
  const { models } = await loadRelease(release, kernel);
  const log: Deps["log"] = (error, { id, method, path }) =>
    console.error(`${method} ${path} (request ${id}) failed:`, error);
  return createApp({ models: () => models, limits, decode, version, log });
}

/** In a worker: answers by the same app, made at the first request. */
export default async function answer({ url, headers, body }: Task): Promise<Answer> {
  app ??= appOf(workerData as Served);
  const init = body && {
    method: "POST",
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body,
  };
  const request = new Request(url, init);
  const response = await (await app).fetch(request);
  return {
    status: response.status,
    headers: [...response.headers],
    body: new Uint8Array(await response.arrayBuffer()),
  };
}
