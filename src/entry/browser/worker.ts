/**
 * The whole API in a worker of the page: the same code as on a server, with models that lie beside the page as static files. A
 * copy of the page on any static host therefore needs no server, and scores the same bits.
 */
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import { logFailure } from "../../http/log.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { type Bucket, bucketStore, StoreFailure } from "../../store/bucket.ts";
import { follow } from "../../store/follow.ts";
import { clientMessage } from "../../store/problem.ts";
import { Shared } from "../../util/shared.ts";
import { version } from "../../version.ts";
import type { WorkerAbort, WorkerAnswer, WorkerRequest } from "../../web/protocol.ts";

const beside = (path: string) => new URL(path, self.location.href);

/** The folder models/ beside this file. The browser's cache keeps what was read. */
const folder: Bucket = {
  async get(key, checkSize) {
    const response = await fetch(beside(`models/${key}`)).catch((cause) => {
      throw new StoreFailure(`${key} cannot be fetched.`, { cause });
    });
    if (!response.ok) return undefined;
    const bytes = new Uint8Array(await response.arrayBuffer());
    checkSize(bytes.length);
    return { bytes, etag: "" };
  },
  put: () => Promise.reject(new StoreFailure("Static files cannot be written.")),
};

/** Each model is fetched when a request first needs it. */
const app = new Shared(async () => {
  const kernel = await WebAssembly.compile(await (await fetch(beside("kernel.wasm"))).arrayBuffer());
  const { models, offers, problems } = follow(bucketStore(folder), kernel);
  const lastError = () => problems().map(clientMessage).at(0);
  return createApp({ models, offers, lastError, limits: DEFAULT_LIMITS, decode, version, log: logFailure });
});

async function answerTo(request: Request): Promise<Response> {
  try {
    return await (await app.result(true)).fetch(request);
  } catch (error) {
    const detail = `What scores in this browser could not be fetched: ${error instanceof Error ? error.message : error}`;
    return Response.json({ detail }, { status: 503 });
  }
}

const underWay = new Map<number, AbortController>();

self.addEventListener("message", async ({ data }: MessageEvent<WorkerRequest | WorkerAbort>) => {
  if ("abort" in data) return underWay.get(data.abort)?.abort();
  const { id, url, headers, body } = data;
  const controller = new AbortController();
  underWay.set(id, controller);
  const request = new Request(url, { method: "POST", headers, body, signal: controller.signal });
  const response = await answerTo(request);
  underWay.delete(id);
  const answer: WorkerAnswer = {
    id,
    status: response.status,
    headers: [...response.headers],
    body: await response.arrayBuffer(),
  };
  (self as unknown as Worker).postMessage(answer, [answer.body]);
});
