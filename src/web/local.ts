/** Requests of the API that are answered in this browser, by a worker that has the same code as a server. */
import type { WorkerAnswer, WorkerRequest } from "./protocol.ts";

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, { resolve(response: Response): void; reject(reason: unknown): void }>();

function start(): Worker {
  const started = new Worker("local/worker.js", { type: "module" });
  started.addEventListener("message", ({ data }: MessageEvent<WorkerAnswer>) => {
    const { id, status, headers, body } = data;
    waiting.get(id)?.resolve(new Response(body, { status, headers }));
    waiting.delete(id);
  });
  // Its script is not there, or cannot run.
  started.addEventListener("error", (event) => {
    event.preventDefault();
    worker = undefined;
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
  });
  return started;
}

/**
 * As `fetch`, but by the worker.
 * @throws Error when the worker cannot run, the signal's reason once it is aborted
 */
export async function fetchHere(request: Request, signal: AbortSignal): Promise<Response> {
  const body = await request.arrayBuffer();
  signal.throwIfAborted();
  worker ??= start();
  const used = worker;
  asked += 1;
  const id = asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    signal.addEventListener("abort", () => {
      used.postMessage({ abort: id });
      waiting.delete(id);
      reject(signal.reason);
    });
    const message: WorkerRequest = { id, url: request.url, headers: [...request.headers], body };
    used.postMessage(message, [body]);
  });
}
