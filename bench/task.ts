/**
 * What every peer computes: one seeded batch in the shape of JSB Chorales, 32 pieces of 60 predicted frames with about
 * 4 of 96 columns active, on models of the paper's sizes.
 */
import type { Cell, Config, Tensors } from "../src/kernel/config.ts";
import { type Frames, Random, randomFrames, randomTensors } from "../test/support/random.ts";

export const PIECES = 32;
export const STEPS = 60;
export const COLUMNS = 96;
export const UNITS: Record<Cell, number> = { gru: 46, lstm: 36, tanh: 100 };

/** Frame t of a piece predicts frame t + 1, so each has one more than its predicted frames. */
export const pieces: readonly Frames[] = (() => {
  const random = new Random(1412_3555);
  return Array.from({ length: PIECES }, () => randomFrames(random, STEPS + 1, COLUMNS, 4));
})();

const HIDDEN = 64; // units of the NADE head

export const configOf = (cell: Cell, head: "bernoulli" | "nade" = "bernoulli"): Config => ({
  cell,
  inputs: COLUMNS,
  units: UNITS[cell],
  outputs: COLUMNS,
  ...(head === "nade" && { nade: { hidden: HIDDEN } }),
});

/**
 * Seeded weights under which PyTorch's fused cells compute what these do: without peepholes, and with reset gates that stay
 * open, before and after the product alike.
 */
export function tensorsOf(config: Config): Tensors {
  const tensors = randomTensors(config, new Random(1));
  tensors.V?.fill(0);
  if (config.cell === "gru") tensors.b.fill(100, config.units, 2 * config.units);
  return tensors;
}

/** Settings of the update, the same for every peer; the gradient is of the mean NLL of a frame. */
export const RULE = { maxNorm: 1, learningRate: 1e-3, decay: 0.95, momentum: 0.9, floor: 0.01 };

/** Frames first … first + steps - 1 of pieces as a dense array, (steps, pieces, D). */
export function dense(chosen: readonly Frames[], first: number): Float32Array<ArrayBuffer> {
  const x = new Float32Array(STEPS * chosen.length * COLUMNS);
  for (let t = 0; t < STEPS; t++) {
    chosen.forEach((frames, s) => {
      for (const d of frames[first + t]) x[(t * chosen.length + s) * COLUMNS + d] = 1;
    });
  }
  return x;
}

/** One contestant on one model. */
export interface Peer {
  readonly name: string;
  /** Does the work n times. Returns the seconds that it took, and a number made of the last result: NLL or logit. */
  run(n: number): Promise<{ seconds: number; sink: number }>;
  close(): void;
}

/** Times n calls of a synchronous or asynchronous piece of work. */
export async function timed(n: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  for (let k = 0; k < n; k++) await work();
  return (performance.now() - start) / 1000;
}
