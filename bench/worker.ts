/**
 * CPU time that requests take on Workers, whose free plan allows 10 ms. Prints worker.md; needs Linux:
 *
 *   npm ci && npm run package:worker        # in the project's root
 *   cd bench && npm run -s worker > worker.md
 *
 * The package runs in workerd with a local R2. A Worker's own clock stands still while it computes, so the CPU time of
 * workerd's threads is read from outside. Between a request and the Worker stand wrangler's proxies: what they take is
 * measured by a request that needs no model, and subtracted; from the first request of an isolate, the first request of
 * another Worker that reads the same objects and computes nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { createTestHarness } from "wrangler";
import { writeMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { writeWav } from "../src/formats/wav.ts";
import { fileStore } from "../src/store/files.ts";
import { publish } from "../src/store/publish.ts";
import { type R2Binding, r2Bucket } from "../src/store/r2.ts";
import type { CatalogueEntry, CheckpointStore } from "../src/store/store.ts";
import { randomPiece, randomRecording } from "../test/support/models.ts";
import { kernelModule } from "../test/support/wasm.ts";
import { median } from "./race.ts";

const STARTS = 5;
const ROUNDS = 7;
const REQUESTS = 20; // of a round
const WARM_UP = 20;

process.env.WRANGLER_SEND_METRICS = "false";
process.env.WRANGLER_LOG = "warn"; // its infos would stand in worker.md
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
const root = fileURLToPath(new URL("..", import.meta.url));

/** The shipped models whose ids match. */
async function offerOf(ids = /./): Promise<{ entries: readonly CatalogueEntry[]; store: CheckpointStore }> {
  const shipped = fileStore(`${root}models`);
  const entries = (await shipped.catalogue()).catalogue.models.filter(({ id }) => ids.test(id));
  return { entries, store: { ...shipped, catalogue: async () => ({ catalogue: { models: entries }, etag: "" }) } };
}
type ModelSource = Awaited<ReturnType<typeof offerOf>>;

/** Of all threads of the workerds that this process started, ms. */
function cpuMs(): number {
  let ns = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      if (name !== "workerd" || Number(parent) !== process.pid) continue;
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
      }
    } catch {} // a process that ended meanwhile
  }
  return ns / 1e6;
}

async function costMs(work: () => Promise<unknown>): Promise<number> {
  const before = cpuMs();
  await work();
  return cpuMs() - before;
}

interface Running {
  ask(path: string, init?: RequestInit): Promise<void>;
  close(): Promise<void>;
}

type Input = NonNullable<Parameters<typeof createTestHarness>[0]>["workers"][number];

const packaged: Input = { configPath: "wrangler.jsonc", prebuiltWorkerDir: "dist/worker" };

/** Reads what it is told to and computes nothing, behind the same proxies. */
const reader: Input = {
  config: {
    name: "bucket-reader",
    main: "bench/bucket-reader.js",
    compatibility_date: "2026-11-01",
    assets: { directory: "src/web" },
    r2_buckets: [{ binding: "MODELS", bucket_name: "surprisal" }],
  },
};

/** A new process with a bucket that offers the models. Its isolate has had no request yet, the proxies have had some. */
async function start(input: Input, { store }: ModelSource): Promise<Running> {
  const server = createTestHarness({ root, workers: [input] });
  const { url } = await server.listen();
  const { MODELS } = await server.getWorker<{ MODELS: R2Binding }>().getEnv();
  await publish(store, r2Bucket(MODELS), kernelModule);
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(new URL(path, url), init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
  };
  for (let i = 0; i < 20; i++) await ask("/"); // the page
  return { ask, close: () => server.close() };
}

const post = (body: BodyInit, type: string): RequestInit => ({
  method: "POST",
  body,
  headers: { "Content-Type": type },
});
const piece = post(writeMidi(pianoRoll(randomPiece(1, 64)), { framesPerQuarter: 1 }), "audio/midi");
const second = post(writeWav({ samples: randomRecording(1, 8000), sampleRate: 8000 }), "audio/wav");
const NOTHING = "/health/live";

const told = (times: readonly number[]) => {
  const [middle, least, most] = [median(times), Math.min(...times), Math.max(...times)].map((ms) => ms.toPrecision(2));
  return `${middle} (${least}–${most})`;
};

const smaller = (one: CatalogueEntry, other: CatalogueEntry) => (one.size < other.size ? one : other);

/** The first request of an isolate: under the models with these ids, or one that needs none. All of jsb lie in the bucket. */
async function cold(name: string, ids: readonly string[]): Promise<string> {
  const offer = await offerOf(/^jsb\//);
  // The smallest of the set finds the transposition.
  const read = new Set([...offer.entries.filter(({ id }) => ids.includes(id)), offer.entries.reduce(smaller)]);
  const keys =
    ids.length === 0 ? [] : ["catalogue.json", ...[...read].map(({ version }) => `objects/${version}.safetensors`)];
  const first = async (input: Input, work: (worker: Running) => Promise<void>) => {
    const worker = await start(input, offer);
    const ms = await costMs(() => work(worker));
    await worker.close();
    return ms;
  };
  const times: number[] = [];
  for (let k = 0; k < STARTS; k++) {
    const reading = post(JSON.stringify(keys), "application/json");
    const readingMs = await first(reader, (worker) => worker.ask("/read", reading));
    const ask = (worker: Running) =>
      ids.length === 0 ? worker.ask(NOTHING) : worker.ask(`/v1/score?models=${ids}`, piece);
    times.push((await first(packaged, ask)) - readingMs);
  }
  const line = `| first request, ${name} | ${told(times)} |`;
  console.error(line);
  return line;
}

const WARM: readonly (readonly [name: string, path: string, init: RequestInit])[] = [
  ["64 frames, one model", "/v1/score?models=jsb/gru", piece],
  ["64 frames, the paper's three models of a set", "/v1/score?models=jsb/tanh,jsb/lstm,jsb/gru", piece],
  ["64 frames, every model of music", "/v1/score", piece],
  ["64 frames, one model, transpose=auto", "/v1/score?models=jsb/gru&transpose=auto", piece],
  ["prediction after 64 frames, one model", "/v1/predict?models=jsb/gru", piece],
  ["prediction and 16 sampled frames, one model", "/v1/predict?models=jsb/gru&steps=16&seed=1", piece],
  ["a second of audio, one model", "/v1/score?models=speech-short/gru", second],
  ["a second of audio, every model of audio", "/v1/score", second],
];

/** Requests of an isolate that has answered some. They take turns with one that needs no model. */
async function warm(offer: ModelSource): Promise<string[]> {
  const worker = await start(packaged, offer);
  const many = async (n: number, path: string, init?: RequestInit) => {
    for (let i = 0; i < n; i++) await worker.ask(path, init);
  };
  await many(500, NOTHING);
  const lines: string[] = [];
  for (const [name, path, init] of WARM) {
    await many(WARM_UP, path, init);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const nothingMs = await costMs(() => many(REQUESTS, NOTHING));
      times.push(((await costMs(() => many(REQUESTS, path, init))) - nothingMs) / REQUESTS);
    }
    lines.push(`| ${name} | ${told(times)} |`);
    console.error(lines.at(-1));
  }
  await worker.close();
  return lines;
}

const lines = [
  ...(await warm(await offerOf())),
  await cold("the paper's three models of a set", ["jsb/tanh", "jsb/lstm", "jsb/gru"]),
  await cold("one model", ["jsb/gru"]),
  await cold("which needs no model", []),
];

console.log(`# CPU time of requests on Workers

Written by \`npm run -s worker > worker.md\` (see worker.ts).
CPU milliseconds in workerd beyond those of a request that needs no model: median (least–most) of ${ROUNDS} rounds of
${REQUESTS} requests, and of ${STARTS} starts. Machine: ${cpus()[0].model}, ${cpus().length} cores.

| request | CPU, ms |
| --- | --- |
${lines.join("\n")}`);
