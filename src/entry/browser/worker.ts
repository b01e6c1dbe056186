/**
 * The whole API in a worker of the page: the same code as on a server, with models that lie beside the page as static files. A
 * copy of the page on any static host therefore needs no server, and scores the same bits.
 */
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import { logFailure } from "../../http/log.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { modelId } from "../../model/checkpoint.ts";
import type { Model } from "../../model/model.ts";
import { recommendedModels } from "../../model/select.ts";
import { kindOfSet } from "../../model/sets.ts";
import { type Bucket, bucketStore, StoreFailure } from "../../store/bucket.ts";
import { loadModels, loadNamed } from "../../store/load.ts";
import { once } from "../../util/once.ts";
import { version } from "../../version.ts";
import type { WorkerAbort, WorkerAnswer, WorkerRequest } from "../../web/protocol.ts";

type Kind = WorkerRequest["kind"];

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
const store = bucketStore(folder);
const kernel = once(async () => WebAssembly.compile(await (await fetch(beside("kernel.wasm"))).arrayBuffer()));
const catalogue = once(async () => (await store.catalogue()).catalogue.models);

/** The models that answer unless a request names others: as on a server, but only those that may be of one kind are fetched. */
async function recommendedIds(kind: Kind): Promise<string[]> {
  const entries = (await catalogue()).filter(({ set }) => (kindOfSet(set) ?? kind) === kind);
  const recommended = recommendedModels(entries);
  const byEnsemble = Map.groupBy(recommended, (entry) => modelId({ ...entry, cell: "mixture" }));
  const ensembles = [...byEnsemble].filter(([, members]) => members.length > 1).map(([id]) => id);
  return [...recommended.map(({ id }) => id), ...(kind === "music" ? ensembles : [])];
}

const loaded = new Map<string, Promise<readonly Model[]>>(); // by patterns

async function load(patterns: readonly string[]): Promise<readonly Model[]> {
  return (await loadNamed(store, await kernel(), patterns)) ?? (await loadModels(store, await kernel())).models;
}

async function modelsOf(kind: Kind, patterns?: readonly string[]): Promise<readonly Model[]> {
  const wanted = patterns ?? (await recommendedIds(kind));
  const key = wanted.join(" ");
  const models = loaded.get(key) ?? load(wanted);
  loaded.set(key, models);
  models.catch(() => loaded.delete(key)); // so that it is tried again
  return models;
}

const appOf = (kind: Kind) =>
  createApp({
    models: (patterns) => modelsOf(kind, patterns),
    limits: DEFAULT_LIMITS,
    decode,
    version,
    log: logFailure,
  });
const apps = { music: once(() => appOf("music")), audio: once(() => appOf("audio")) };

const underWay = new Map<number, AbortController>();

self.addEventListener("message", async ({ data }: MessageEvent<WorkerRequest | WorkerAbort>) => {
  if ("abort" in data) return underWay.get(data.abort)?.abort();
  const { id, kind, url, headers, body } = data;
  const controller = new AbortController();
  underWay.set(id, controller);
  const request = new Request(url, { method: "POST", headers, body, signal: controller.signal });
  const response = await apps[kind]().fetch(request);
  underWay.delete(id);
  const answer: WorkerAnswer = {
    id,
    status: response.status,
    headers: [...response.headers],
    body: await response.arrayBuffer(),
  };
  (self as unknown as Worker).postMessage(answer, [answer.body]);
});
