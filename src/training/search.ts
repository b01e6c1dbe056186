/**
 * Learning rates drawn log-uniformly, as the paper does, and dropped early when they fall behind: asynchronous successive
 * halving in its stopping form (Li et al. 2020, arXiv 1810.05934). Tries share nothing but a folder of logs, each written
 * by one process, so a search may be split over threads and machines, killed and taken up again.
 */
import { appendFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeCheckpoint } from "../model/checkpoint.ts";
import { writeFileAtomically } from "../store/atomic.ts";
import { uniform } from "../util/random.ts";
import { Diverged } from "./engine.ts";
import type { Protocol } from "./protocol.ts";
import { type Run, run } from "./run.ts";
import { withCurrentNames } from "./targets.ts";

// Where JSB Chorales trains at all with each of the cells; above, tanh diverges.
const MIN_LEARNING_RATE = 1e-4;
const MAX_LEARNING_RATE = 5e-3;

/** Of the tries that came as far, one in REDUCTION goes on. */
const REDUCTION = 3;

/** One line of the log: how far a try has come, and its best validation NLL until then (nats per frame, micro). */
export interface Progress {
  readonly try: number; // from 0
  readonly learningRate: number;
  readonly seed: number;
  readonly epoch: number;
  readonly valid: number;
  readonly seconds: number; // of training
  readonly state: "rung" | "dropped" | "diverged" | "finished";
}

export interface Shard {
  readonly index: number; // from 0
  readonly count: number;
}

/** Settings of a try: they depend on nothing but the protocol and its number, so that every shard knows them. */
export function drawn(protocol: Protocol, number: number): Protocol {
  const random = uniform(protocol.seed ^ Math.imul(number + 1, 0x85ebca6b));
  const learningRate = MIN_LEARNING_RATE * (MAX_LEARNING_RATE / MIN_LEARNING_RATE) ** random();
  return { ...protocol, learningRate: Number(learningRate.toPrecision(3)), seed: number + 1 };
}

/** Epochs after which a try is compared with the others: a ninth, a third. */
export const rungs = (epochs: number): number[] =>
  [...new Set([REDUCTION ** 2, REDUCTION].map((part) => Math.ceil(epochs / part)))].filter((rung) => rung < epochs);

/** Whether a validation NLL is not among the best one in REDUCTION of those seen at the same rung, its own included. */
export const isBehind = (valid: number, seen: readonly number[]): boolean =>
  seen.filter((other) => other < valid).length >= Math.max(1, seen.length / REDUCTION);

/** All lines of all logs, at most one for each try and epoch. A line that a killed process left unfinished is no line. */
export async function readProgress(folder: string): Promise<Progress[]> {
  await mkdir(folder, { recursive: true });
  const files = (await readdir(folder)).filter((name) => name.endsWith(".jsonl")).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  const lines = texts.flatMap((text) => text.split("\n").slice(0, -1)).flatMap((line) => parsed(line) ?? []);
  return [...new Map(lines.map((line) => [`${line.try} ${line.epoch} ${line.state}`, line])).values()];
}

function parsed(line: string): Progress | undefined {
  try {
    return withCurrentNames(JSON.parse(line)) as unknown as Progress;
  } catch {
    return undefined;
  }
}

export const isOver = ({ state }: Progress): boolean => state !== "rung";

/** Thrown out of a run to end it. */
class Dropped extends Error {}

/**
 * Runs the tries of a shard, index, index + count, …, that are not over yet. Writes `<folder>/<index>-of-<count>.jsonl`
 * and, for each try that came to its end, `<folder>/<try>.safetensors`.
 */
export async function search(
  { protocol, ...rest }: Run,
  {
    tries,
    shard,
    folder,
    onProgress,
  }: { tries: number; shard: Shard; folder: string; onProgress: (line: Progress) => void },
): Promise<void> {
  const over = new Set((await readProgress(folder)).filter(isOver).map((line) => line.try));
  const log = join(folder, `${shard.index}-of-${shard.count}.jsonl`);
  await appendFile(log, "\n"); // a killed process may have left half a line
  for (let number = shard.index; number < tries; number += shard.count) {
    if (over.has(number)) continue;
    const settings = drawn(protocol, number);
    const { learningRate, seed } = settings;
    let last: Progress = {
      try: number,
      learningRate,
      seed,
      epoch: 0,
      valid: Number.MAX_VALUE,
      seconds: 0,
      state: "rung",
    };
    const note = async (state: Progress["state"]) => {
      last = { ...last, state };
      await appendFile(log, `${JSON.stringify(last)}\n`);
      onProgress(last);
    };
    const onEpoch: Run["onEpoch"] = async ({ epoch, seconds }, trainer) => {
      const valid = trainer.best?.epoch.valid ?? last.valid;
      last = { ...last, epoch, seconds: Number(seconds.toFixed(1)), valid };
      if (!rungs(protocol.epochs).includes(epoch) || trainer.finished) return;
      await note("rung");
      const rivals = (await readProgress(folder)).filter((line) => line.state === "rung" && line.epoch === epoch);
      const seen = rivals.map((line) => line.valid);
      if (isBehind(valid, seen)) throw new Dropped();
    };
    try {
      await run({ ...rest, protocol: settings, onEpoch }, async (checkpoint) => {
        await writeFileAtomically(join(folder, `${number}.safetensors`), writeCheckpoint(checkpoint));
        await note("finished");
      });
    } catch (error) {
      if (error instanceof Dropped) await note("dropped");
      else if (error instanceof Diverged) await note("diverged");
      else throw error;
    }
  }
}
