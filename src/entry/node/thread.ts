/** A thread of the pool: requests as plain data -> answers, by an app of its own. pool.ts has the queue in the main thread. */
import { parentPort, workerData } from "node:worker_threads";
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import type { BatchPart } from "../../http/deps.ts";
import { logFailure } from "../../http/log.ts";
import { type Facts, factsOf } from "../../http/record.ts";
import { openFiles } from "../../store/release.ts";
import type { WorkOptions } from "../../util/work.ts";
import type { FromThread, Served, Task, ToThread } from "./messages.ts";
import { turns } from "./turns.ts";

const { release, kernel, limits, version } = workerData as Served;
const models = openFiles(release, kernel);
const underWay = new Map<number, AbortController>();
const options = new WeakMap<Request, WorkOptions>();
const facts = new WeakMap<Request, Facts>();
const batches = new WeakMap<Request, BatchPart>();
const { next } = turns();
const app = createApp({
  offers: async () => models.offers(),
  models: (wanted) => models.models(wanted),
  limits,
  decode,
  version,
  origins: "checked", // by the main thread
  log: logFailure,
  batchPart: (request) => batches.get(request),
  workOptions: (request) => options.get(request) ?? {},
  answered: (record, request) => facts.set(request, factsOf(record)),
});

const say = (message: FromThread, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);

async function answer({ number, url, headers, body, workLimit, batch }: Task): Promise<void> {
  const client = new AbortController();
  underWay.set(number, client);
  const turn = next(() => say({ long: number }));
  await turn.begin();
  const { signal } = client;
  const request = new Request(url, {
    method: "POST",
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    // Bytes would be copied.
    body: new ReadableStream({
      start(controller) {
        controller.enqueue(body);
        controller.close();
      },
    }),
    duplex: "half",
    signal,
  } as RequestInit);
  options.set(request, { signal, limit: workLimit, pause: turn.pause });
  if (batch) batches.set(request, batch);
  // If the client has left, nobody reads the answer: only its number matters.
  const response = signal.aborted ? Response.error() : await app.fetch(request);
  const bytes = new Uint8Array(await response.arrayBuffer());
  underWay.delete(number);
  const { status, headers: own } = response;
  say({ number, status, headers: [...own], body: bytes, facts: facts.get(request) ?? {} }, [bytes.buffer]);
}

parentPort?.on("message", (message: ToThread) => {
  if ("tasks" in message) for (const task of message.tasks) void answer(task);
  else if ("abort" in message) underWay.get(message.abort)?.abort();
  else say({ alive: true });
});
say({ alive: true });
