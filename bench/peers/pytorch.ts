/** PyTorch in a child process (pytorch.py), asked over its standard input for one run at a time. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Config } from "../../src/kernel/config.ts";
import type { Frames } from "../../test/support/random.ts";
import { type Peer, RULE, STEPS, tensorsOf } from "../task.ts";
import { kernelNll } from "./kernel.ts";

const PYTHON = process.env.PYTHON ?? new URL("../.venv/bin/python", import.meta.url).pathname;
const TOLERANCE = 1e-4; // nats per frame

/**
 * @throws Error if PyTorch does not find the kernel's NLL under the same weights: then the two do not do the same work.
 */
export async function pyTorch(
  config: Config,
  work: "train" | "score",
  chosen: readonly Frames[],
  threads: number,
): Promise<Peer & { version: string }> {
  const script = new URL("pytorch.py", import.meta.url).pathname;
  const child = spawn(PYTHON, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async <Answer>(question: unknown): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { done, value } = await lines.next();
    if (done) throw new Error(`${PYTHON} ended early.`);
    return JSON.parse(value);
  };
  const { cell, units, inputs: columns, nade } = config;
  const tensors = Object.fromEntries(Object.entries(tensorsOf(config)).map(([name, values]) => [name, [...values]]));
  const shape = { cell, units, columns, hidden: nade?.hidden ?? 0 };
  const task = { ...shape, threads, work, steps: STEPS, rule: RULE, pieces: chosen, tensors };
  const { version, nll } = await ask<{ version: string; nll: number }>(task);
  const wanted = kernelNll(config, chosen);
  if (!(Math.abs(nll - wanted) < TOLERANCE)) throw new Error(`${cell}: PyTorch finds ${nll}, the kernel ${wanted}.`);
  return {
    name: `PyTorch, ${threads} thread${threads > 1 ? "s" : ""}`,
    version,
    run: (n) => ask(n),
    close: () => child.stdin.end(),
  };
}
