/**
 * Answers made-up requests while an isolate starts, which has a limit of its own: what V8 compiles for them, no request pays for.
 * In the global scope of a Worker there are no clocks, timers, random numbers or reads, so the models are made-up as well.
 */
import { writeMidi } from "../../formats/midi.ts";
import { pianoRoll } from "../../formats/piano-roll.ts";
import { createApp } from "../../http/app.ts";
import { logFields } from "../../http/log.ts";
import { CELLS, type Config, sizeOf, type Tensors, tensorShapes } from "../../kernel/config.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { modelId, writeCheckpoint } from "../../model/checkpoint.ts";
import { type Bucket, bucketStore } from "../../store/bucket.ts";
import { follow } from "../../store/follow.ts";
import { CATALOGUE_KEY, type CatalogueEntry, sha256, writeCatalogue } from "../../store/store.ts";
import { version } from "../../version.ts";
import { isolate } from "./isolate.ts";

const SET = "jsb";
const [PITCHES, UNITS, HIDDEN] = [88, 36, 64];
const FRAMES = 64;
const NLL = { micro: 8, macro: 8, deciles: Array(11).fill(8) };
/** V8 compiles once more, and better, what is called often. */
const TIMES = 10;

/** @returns the last answer; none where the runtime lets nobody make a Response yet, as Workers do */
export async function rehearse(kernel: WebAssembly.Module): Promise<Response | undefined> {
  const bucket = await madeUpBucket();
  let cold = isolateOf(bucket, kernel);
  const app = createApp({
    models: (wanted) => cold.models(wanted),
    offers: () => cold.offers(),
    limits: { ...DEFAULT_LIMITS, bodySeconds: Number.POSITIVE_INFINITY },
    workOptions: () => ({ pause: async () => {} }),
    version,
    log() {},
    answered: (record) => JSON.stringify(logFields(record)),
  });
  const scale = Array.from({ length: FRAMES }, (_, t) => [40 + (t % 40)]);
  const piece = writeMidi(pianoRoll(scale), { framesPerQuarter: 1 });
  let answer: Response | undefined;
  for (let k = 0; k < TIMES; k++) {
    cold = isolateOf(bucket, kernel);
    try {
      answer = await app.fetch(requestOf(piece));
    } catch {} // no Response can be made
  }
  return answer;
}

/** The models as the first request of an isolate finds them. */
const isolateOf = (bucket: Bucket, kernel: WebAssembly.Module) =>
  isolate({
    follower: follow(bucketStore(bucket), kernel, Number.POSITIVE_INFINITY),
    pollMs: Number.POSITIVE_INFINITY,
    waitUntil() {},
    report() {},
  });

function requestOf(piece: Uint8Array<ArrayBuffer>): Request {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(piece.slice());
      controller.close();
    },
  });
  const headers = { "Content-Type": "audio/midi", "Content-Length": String(piece.length), "X-Request-Id": "rehearsal" };
  const init = { method: "POST", headers, body, duplex: "half" };
  return new Request(`http://localhost/v1/score?models=${SET}/*`, init);
}

/** A bucket with models of each cell and head, whose weights are zeros. */
async function madeUpBucket(): Promise<Bucket> {
  const files = new Map<string, Uint8Array>();
  const models: CatalogueEntry[] = [];
  for (const { preset, nade } of [{ preset: "paper" }, { preset: "nade", nade: { hidden: HIDDEN } }]) {
    for (const cell of CELLS) {
      const config = { cell, inputs: PITCHES, units: UNITS, outputs: PITCHES, ...(nade && { nade }) };
      const metadata = { set: SET, preset, framesPerQuarter: "1" };
      const bytes = writeCheckpoint({ config, tensors: zeros(config), metadata });
      const id = modelId({ set: SET, preset, cell });
      const key = `${id}.safetensors`;
      const version = await sha256(bytes);
      files.set(key, bytes);
      models.push({
        id,
        version,
        key,
        size: bytes.length,
        set: SET,
        cell,
        units: UNITS,
        preset,
        metrics: { valid: NLL, test: NLL, adaptiveTest: NLL },
      });
    }
  }
  files.set(CATALOGUE_KEY, new TextEncoder().encode(writeCatalogue({ models })));
  return {
    async get(key) {
      const bytes = files.get(key);
      return bytes && { bytes, etag: "" };
    },
    put: async () => false,
  };
}

const zeros = (config: Config): Tensors =>
  Object.fromEntries(
    Object.entries(tensorShapes(config)).map(([name, shape]) => [name, new Float32Array(sizeOf(shape))]),
  ) as unknown as Tensors;
