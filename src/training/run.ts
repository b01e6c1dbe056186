/**
 * Protocol + data -> checkpoint: runs a trainer to its end, and keeps on the disk what a killed run needs to go on.
 */
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import type { Cell } from "../kernel/config.ts";
import type { Checkpoint } from "../model/checkpoint.ts";
import { networkOf } from "../model/model.ts";
import { type Trained, taggedVersion } from "../model/music-model.ts";
import { unless, writeFileAtomically } from "../store/atomic.ts";
import { best as bestRate, tryAdaptiveRates, withAdaptiveRate } from "./adaptive-rate.ts";
import { isRoll } from "./batches.ts";
import type { TrainingSet } from "./datasets.ts";
import { type CreateEngine, kernelEngine } from "./engine.ts";
import { evaluate, type Scorer } from "./evaluate.ts";
import type { Protocol } from "./protocol.ts";
import { type Epoch, type Snapshot, Trainer } from "./trainer.ts";

/** An epoch and the seconds of training up to its end, time lost by a kill left out. One line of a run's log. */
export interface LoggedEpoch extends Epoch {
  readonly seconds: number;
}

/** Thrown when what a killed run left behind is not what it wrote. */
export class DamagedSnapshot extends Error {}

interface Saved {
  readonly snapshot: Snapshot;
  readonly log: readonly LoggedEpoch[];
}

export interface Run {
  readonly kernel: Uint8Array<ArrayBuffer>; // dist/kernel.wasm or dist/kernel-relaxed.wasm
  readonly engine?: (kernel: WebAssembly.Module) => CreateEngine; // the kernel unless given
  readonly set: TrainingSet;
  readonly cell: Cell;
  readonly protocol: Protocol;
  readonly from?: Trained | undefined; // the model whose weights training goes on from
  readonly folder: string; // where snapshot and log are kept, such as runs
  readonly snapshotSeconds?: number; // between snapshots
  readonly onEpoch?: (epoch: LoggedEpoch, trainer: Trainer) => void | Promise<void>;
}

/**
 * Trains until the protocol says stop and makes the checkpoint of the best validation NLL with what was measured. A
 * run that was killed, or whose checkpoint could not be kept, goes on from its last snapshot if it is asked for with the same
 * settings, data and kernel; it ends with the same checkpoint. The log stays, in `<folder>/<set>/<cell>-<hash>.jsonl`.
 * @param keep puts the checkpoint where it is safe: what a second run would need is removed afterwards
 * @returns what keep returns
 */
export async function run<T>(
  { kernel, engine = kernelEngine, set, cell, protocol, from, folder, snapshotSeconds = 5, onEpoch }: Run,
  keep: (checkpoint: Checkpoint) => Promise<T>,
): Promise<T> {
  const module = await WebAssembly.compile(kernel);
  const trainer = new Trainer(engine(module), set, cell, protocol, from?.checkpoint.tensors);
  const hash = createHash("sha256")
    .update(JSON.stringify([trainer.engine, cell, protocol, set.sha256, set.described.teacherVersions]))
    .update(kernel)
    .update(from?.version ?? "")
    .digest("hex");
  const path = `${folder}/${set.name}/${cell}-${hash.slice(0, 8)}`;
  const saved = await readSaved(`${path}.snapshot`);
  const log: LoggedEpoch[] = [...(saved?.log ?? [])];
  if (saved) trainer.resume(saved.snapshot);
  const start = performance.now() - 1000 * (log.at(-1)?.seconds ?? 0);
  let lastSnapshot = performance.now();
  while (!trainer.finished) {
    const epoch = { ...(await trainer.epoch()), seconds: (performance.now() - start) / 1000 };
    log.push(epoch);
    await onEpoch?.(epoch, trainer);
    if (performance.now() - lastSnapshot > 1000 * snapshotSeconds) {
      lastSnapshot = performance.now();
      await save(`${path}.snapshot`, { snapshot: await trainer.snapshot(), log });
    }
  }
  await writeFileAtomically(`${path}.jsonl`, log.map((epoch) => `${JSON.stringify(epoch)}\n`).join(""));
  const kept = await keep(await finish(module, trainer, set, { protocol, from }));
  await rm(`${path}.snapshot`, { force: true });
  return kept;
}

/** A snapshot begins with the sha256 of its content: otherwise one wrong bit would silently lead to another model. */
const SHA256_BYTES = 32;
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

async function save(path: string, saved: Saved): Promise<void> {
  const bytes = serialize(saved);
  await writeFileAtomically(path, Buffer.concat([sha256(bytes), bytes]));
}

async function readSaved(path: string): Promise<Saved | undefined> {
  const file = await unless("ENOENT", readFile(path));
  if (file === undefined) return undefined;
  const bytes = file.subarray(SHA256_BYTES);
  if (!sha256(bytes).equals(file.subarray(0, SHA256_BYTES))) {
    throw new DamagedSnapshot(`${path} is damaged. To train from the start, remove it: rm '${path}'`);
  }
  return deserialize(bytes) as Saved;
}

/** The best weights with their metadata: no times, so that the same command gives the same bytes. */
async function finish(
  module: WebAssembly.Module,
  trainer: Trainer,
  set: TrainingSet,
  { protocol, from }: Pick<Run, "protocol" | "from">,
): Promise<Checkpoint> {
  const { best, config } = trainer;
  if (!best) throw new Error("The protocol allows no epoch.");
  const described = { set: set.name, preset: protocol.preset, ...set.described };
  const model = networkOf({ config, tensors: best.tensors, metadata: described }, "", module) as Scorer; // of its set's pieces
  const valid = await evaluate(model, set.valid);
  const test = await evaluate(model, set.test);
  const { units: _, ...settings } = protocol;
  const metadata = {
    ...settings,
    set: set.name,
    ...set.described,
    dataSha256: set.sha256,
    ...(from && { from: `${from.id} ${taggedVersion(from.version)}` }),
    engine: trainer.engine,
    bestEpoch: best.epoch.epoch,
    validMicro: valid.micro,
    validMacro: valid.macro,
    testMicro: test.micro,
    testMacro: test.macro,
  };
  const checkpoint = {
    config,
    tensors: best.tensors,
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)])),
  };
  if (set.mixture) return checkpoint;
  const tried = await tryAdaptiveRates(checkpoint, module, set.valid.filter(isRoll));
  return withAdaptiveRate(checkpoint, bestRate(tried).rate);
}
