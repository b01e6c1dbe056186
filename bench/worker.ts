/**
 * CPU time that requests take on Workers, whose free plan allows 10 ms. Prints worker.md; needs Linux:
 *
 *   npm ci                                    # in the project's root
 *   cd bench && npm run -s worker > worker.md
 *
 * The package for Workers runs in workerd, where a second Worker of the same process stands in for R2. A Worker's own clock stands
 * still while it computes, so the CPU time of workerd's threads is read from outside.
 */
import { cpus } from "node:os";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { writeMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { writeWav } from "../src/formats/wav.ts";
import { fileStore } from "../src/store/files.ts";
import { type BareWorkerd, startBareWorkerd } from "../test/support/bare-workerd.ts";
import { randomPiece, randomRecording } from "../test/support/models.ts";
import { median } from "./race.ts";

const STARTS = 9;
const ROUNDS = 7;
const REQUESTS = 20; // of a round
const WARM_UP = 20;
/** Time for V8's other threads to end what a request has left them to compile. */
const SETTLE_MS = 300;

const folder = fileURLToPath(new URL("../models", import.meta.url));
const { models } = (await fileStore(folder).catalogue()).catalogue;

/** CPU-ms of the thread that runs the Worker, and of all. */
type Cost = readonly [own: number, all: number];

async function cost(worker: BareWorkerd, work: () => Promise<unknown>): Promise<Cost> {
  const before = [worker.cpuMs("own"), worker.cpuMs()];
  await work();
  await setTimeout(SETTLE_MS);
  return [worker.cpuMs("own") - before[0], worker.cpuMs() - before[1]];
}

async function ask({ port }: BareWorkerd, path: string, init?: RequestInit): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${text}`);
}

const post = (body: BodyInit, type: string): RequestInit => ({
  method: "POST",
  body,
  headers: { "Content-Type": type },
});
const piece = post(writeMidi(pianoRoll(randomPiece(1, 64)), { framesPerQuarter: 1 }), "audio/midi");
const second = post(writeWav({ samples: randomRecording(1, 8000), sampleRate: 8000 }), "audio/wav");

const THREE = "jsb/tanh,jsb/lstm,jsb/gru";
type Asked = readonly [name: string, path: string, init?: RequestInit];
const NOTHING: Asked = ["no model", "/health/live"];

const COLD: readonly Asked[] = [
  NOTHING,
  ["64 frames, one model", "/v1/score?models=jsb/gru", piece],
  ["64 frames, the paper's three models of a set", `/v1/score?models=${THREE}`, piece],
  ["64 frames, every recommended model of music", "/v1/score", piece],
];

const WARM: readonly Asked[] = [
  NOTHING,
  ["64 frames, one model", "/v1/score?models=jsb/gru", piece],
  ["64 frames, one model, as it is", "/v1/score?models=jsb/gru&transpose=0", piece],
  ["64 frames, the paper's three models of a set", `/v1/score?models=${THREE}`, piece],
  ["64 frames, every recommended model of music", "/v1/score", piece],
  ["prediction after 64 frames, one model", "/v1/predict?models=jsb/gru", piece],
  ["prediction and 16 sampled frames, one model", "/v1/predict?models=jsb/gru&steps=16&seed=1", piece],
  ["a second of audio, one model", "/v1/score?models=speech-short/gru", second],
  ["a second of audio, every model of audio", "/v1/score", second],
];

const told = (times: readonly number[]) => {
  const digits = (ms: number) => (ms < 10 ? ms.toPrecision(2) : ms.toFixed(0));
  return `${digits(median(times))} (${digits(Math.min(...times))}–${digits(Math.max(...times))})`;
};

function row(name: string, costs: readonly Cost[]): string {
  const line = `| ${name} | ${told(costs.map(([own]) => own))} | ${told(costs.map(([, all]) => all))} |`;
  console.error(line);
  return line;
}

/** The start of a process with an isolate, and the first request of the isolate. Starts of the kinds take turns. */
async function cold(): Promise<string[]> {
  const starts: Cost[] = [];
  const costs = COLD.map((): Cost[] => []);
  for (let k = 0; k < STARTS; k++) {
    for (const [i, [, path, init]] of COLD.entries()) {
      const worker = await startBareWorkerd(folder, models);
      await setTimeout(1000);
      starts.push([worker.cpuMs("own"), worker.cpuMs()]);
      costs[i].push(await cost(worker, () => ask(worker, path, init)));
      await worker.close();
    }
  }
  return [row("start", starts), ...COLD.map(([name], i) => row(`first request: ${name}`, costs[i]))];
}

/** Requests of an isolate that has answered some. */
async function warm(): Promise<string[]> {
  const worker = await startBareWorkerd(folder, models);
  const lines: string[] = [];
  for (const [name, path, init] of WARM) {
    const many = async (n: number) => {
      for (let i = 0; i < n; i++) await ask(worker, path, init);
    };
    await many(WARM_UP);
    const costs: Cost[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [own, all] = await cost(worker, () => many(REQUESTS));
      costs.push([own / REQUESTS, all / REQUESTS]);
    }
    lines.push(row(name, costs));
  }
  await worker.close();
  return lines;
}

const lines = [...(await cold()), ...(await warm())];
console.log(`# CPU time of requests on Workers

Written by \`npm run -s worker > worker.md\` (see worker.ts) on ${new Date().toISOString().slice(0, 10)}.
CPU milliseconds in workerd, with what a stand-in for R2 takes: median (least–most) of ${STARTS} starts, and of ${ROUNDS} rounds of
${REQUESTS} requests. V8 compiles on threads of its own; they count in the last column alone. All ${models.length} shipped models lie
in the bucket. Machine: ${cpus()[0].model}, ${cpus().length} cores. Node ${process.versions.node}.

| request | CPU of the Worker's thread, ms | of all threads, ms |
| --- | --- | --- |
${lines.join("\n")}`);
