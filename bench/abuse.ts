/**
 * What the dearest requests of at most 10 kB cost: of each kind that promises much work for few bytes, the largest that the server
 * takes is searched, and its CPU time measured; beside it what the kind could cost if work had no limit. Prints abuse.md:
 *
 *   npm ci                                # in the project's root
 *   cd bench && npm run -s abuse > abuse.md     # `npm run -s abuse -- FLAC` tries the kinds whose names have that
 *
 * The app runs in this process, so that the time of all of its threads, the collector's included, is counted.
 */
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { kernelModule } from "../src/entry/node/kernel.ts";
import { decode } from "../src/formats/decoders.ts";
import { createApp } from "../src/http/app.ts";
import { DEFAULT_LIMITS, type Limits } from "../src/limits.ts";
import { fileStore } from "../src/store/files.ts";
import { loadModels } from "../src/store/load.ts";
import { type Kind, kinds, MAX_BYTES } from "./abuse-kinds.ts";

const { models } = await loadModels(
  fileStore(fileURLToPath(new URL("../models", import.meta.url))),
  await kernelModule(),
);
const appWith = (limits: Limits) =>
  createApp({
    models: () => models,
    limits,
    decode,
    version: "bench",
    log(error) {
      throw error;
    },
  });
const limited = appWith(DEFAULT_LIMITS);
const unlimited = appWith({ ...DEFAULT_LIMITS, work: Number.POSITIVE_INFINITY });

interface Measured {
  readonly size: number; // of the kind
  readonly bytes: number;
  readonly status: number;
  readonly code: string;
  readonly seconds: number; // of CPU
}

async function measure(app: typeof limited, { request }: Kind, size: number): Promise<Measured> {
  const { path, body, headers } = request(size);
  const before = process.cpuUsage();
  const response = await app.request(path, { method: "POST", body, headers });
  const answer = Buffer.from(await response.arrayBuffer());
  const { user, system } = process.cpuUsage(before);
  const code = response.status === 200 ? "" : JSON.parse(answer.toString()).code;
  return { size, bytes: body.length, status: response.status, code, seconds: (user + system) / 1e6 };
}

/** The dearest that was tried, by doubling the size and then halving the step; refusals count as well. */
async function search(app: typeof limited, kind: Kind): Promise<Measured> {
  const tried: Measured[] = [];
  const isTaken = async (size: number) => {
    if (kind.request(size).body.length > MAX_BYTES) return false;
    const measured = await measure(app, kind, size);
    tried.push(measured);
    return measured.status === 200;
  };
  let [taken, refused] = [0, kind.most + 1];
  for (let size = kind.least; size < refused; ) {
    if (await isTaken(size)) taken = size;
    else refused = size;
    size = Math.min(2 * size, size === kind.most ? refused : kind.most);
  }
  for (let step = 0; step < 2 && refused - taken > 1; step++) {
    const middle = Math.floor((taken + refused) / 2);
    if (await isTaken(middle)) taken = middle;
    else refused = middle;
  }
  return tried.reduce((dearest, each) => (each.seconds > dearest.seconds ? each : dearest));
}

const begun = await unlimited.request("/predict?models=*/*", {
  method: "POST",
  body: JSON.stringify({ pianoRoll: [[60, 64, 67]] }),
  headers: { "Content-Type": "application/json" },
});
const states = (await begun.json()).predictions.map(({ state }: { state: string }) => state);
const all = kinds(states).filter(({ name }) => name.includes(process.argv[2] ?? ""));
if (all.length === 0) throw new Error(`No kind has ${process.argv[2]} in its name.`);

await measure(limited, all[0], all[0].least); // kernels are compiled
const rows: { kind: Kind; now: Measured; before: Measured }[] = [];
for (const kind of all) {
  const now = await search(limited, kind);
  const fitting = [kind.most, now.size].find((size) => kind.request(size).body.length <= MAX_BYTES) ?? now.size;
  const before = await measure(unlimited, kind, fitting);
  rows.push({ kind, now, before });
  console.error(kind.name, now, before);
}
rows.sort((a, b) => b.now.seconds - a.now.seconds);
const told = ({ size, bytes, status, code, seconds }: Measured) =>
  `${size} | ${bytes} | ${status}${code && ` ${code}`} | ${seconds.toFixed(2)} | ${((1000 * seconds) / bytes).toFixed(1)}`;
console.log(`# What the dearest requests cost

Written by \`npm run -s abuse > abuse.md\` (see abuse.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model}, ${cpus().length} cores. Node ${process.versions.node}.
Requests of at most ${MAX_BYTES} bytes to the shipped models, dearest first: the size at which a kind costs most of those tried,
refusals included, and CPU-seconds with the limit of work (docs/operations.md) and without it at the largest size of the kind.

| request | size | bytes | answer | CPU-s | CPU-ms/byte | without a limit: size | bytes | answer | CPU-s | CPU-ms/byte |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.map(({ kind, now, before }) => `| ${kind.name} | ${told(now)} | ${told(before)} |`).join("\n")}`);
