/** PyTorch in a child process (pytorch.py), asked over its standard input for one run at a time. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Cell } from "../../src/kernel/config.ts";
import { COLUMNS, type Peer, PIECES, pieces, RULE, STEPS, UNITS } from "../task.ts";

const PYTHON = process.env.PYTHON ?? new URL("../.venv/bin/python", import.meta.url).pathname;

export async function pyTorch(cell: Cell, threads: number): Promise<Peer & { version: string }> {
  const script = new URL("pytorch.py", import.meta.url).pathname;
  const child = spawn(PYTHON, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async <Answer>(question: unknown): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { done, value } = await lines.next();
    if (done) throw new Error(`${PYTHON} ended early.`);
    return JSON.parse(value);
  };
  const task = { threads, cell, units: UNITS[cell], columns: COLUMNS, steps: STEPS, batch: PIECES, rule: RULE, pieces };
  const { version } = await ask<{ version: string }>(task);
  return {
    name: `PyTorch, ${threads} thread${threads > 1 ? "s" : ""}`,
    version,
    run: (n) => ask(n),
    close: () => child.stdin.end(),
  };
}
