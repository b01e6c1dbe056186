/**
 * What shape a network has: cells, heads, the tensors of each and how many weights they hold. The file
 * format of checkpoints is model/checkpoint.ts.
 */

export const CELLS = ["tanh", "lstm", "gru"] as const;
export type Cell = (typeof CELLS)[number];

/** Gates per cell, G; column blocks of W, U and b in this order: tanh (h), LSTM (i, f, c, o), GRU (z, r, h). */
export const GATES: Record<Cell, number> = { tanh: 1, lstm: 4, gru: 3 };

/** A mixture head: K Gaussians of diagonal covariance over B dimensions. */
export interface MixtureShape {
  readonly components: number; // K
  readonly block: number; // B
}

/** A NADE head: K hidden units through which each pitch of a frame depends on those below it. */
export interface NadeShape {
  readonly hidden: number; // K
}

/** What shape a model has. Rows are binary, with a Bernoulli or NADE head, or real with a mixture head. */
export interface Config {
  readonly cell: Cell;
  readonly inputs: number; // D, input columns
  readonly units: number; // H
  readonly outputs: number; // O: D for the heads of binary rows, see mixtureOutputs for the other
  readonly mixture?: MixtureShape; // without it and `nade` the head is Bernoulli
  readonly nade?: NadeShape;
}

/** Outputs of a mixture head, in this order: K weight logits, (K, B) means, (K, B) log scales. */
export const mixtureOutputs = ({ components, block }: MixtureShape): number => components * (1 + 2 * block);

/** Speech as in Chung et al. 2014, section 4.1: 20 samples in, the next 10 under a mixture of 20 Gaussians. */
export const SPEECH = { inputs: 20, mixture: { components: 20, block: 10 } } as const;

/** Of a mixture's log scales: log σ = max(output, floor), in standardised units. It bounds the density. */
export const LOG_SCALE_FLOOR = -7;

/** Float32 weights, row-major. */
export interface Tensors {
  readonly W: Float32Array; // (D, G·H)
  readonly U: Float32Array; // (H, G·H)
  readonly b: Float32Array; // (G·H)
  readonly V?: Float32Array; // (3, H), LSTM peepholes of i, f, o
  readonly A: Float32Array; // (H, O)
  readonly a: Float32Array; // (O)
  // NADE head: with s = c + h C, and s += N_n after each sounding pitch n, pitch d has the logit (h A + a)_d + M_d · tanh(s).
  readonly C?: Float32Array; // (H, K)
  readonly c?: Float32Array; // (K)
  readonly N?: Float32Array; // (D, K)
  readonly M?: Float32Array; // (D, K)
}

/** Lengths of the tensors of a shape, in the order in which they are initialised, updated and stored. */
export function tensorShapes({ cell, inputs, units, outputs, nade }: Config): Record<string, readonly number[]> {
  const gateUnits = GATES[cell] * units;
  return {
    W: [inputs, gateUnits],
    U: [units, gateUnits],
    b: [gateUnits],
    ...(cell === "lstm" && { V: [3, units] }),
    A: [units, outputs],
    a: [outputs],
    ...(nade && {
      C: [units, nade.hidden],
      c: [nade.hidden],
      N: [outputs, nade.hidden],
      M: [outputs, nade.hidden],
    }),
  };
}

/** Tensors of a shape, all zeros. */
export function emptyTensors(config: Config): Tensors {
  const entries = Object.entries(tensorShapes(config)).map(([name, shape]) => [name, new Float32Array(sizeOf(shape))]);
  return Object.fromEntries(entries);
}

/** Weights of the recurrent layer without the output layer, which is what Chung et al. (2014), table 1, count. */
export function countParameters({ cell, inputs, units }: Config, { biases = true } = {}): number {
  const peepholes = cell === "lstm" ? 3 * units : 0;
  return GATES[cell] * units * (inputs + units + (biases ? 1 : 0)) + peepholes;
}

/** Product of the lengths. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((all, length) => all * length, 1);
