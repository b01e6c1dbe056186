/**
 * safetensors bytes <-> Checkpoint. Weights stand in the file's layout: row vectors multiply from the left,
 * pre-activation = x W + h U + b.
 */

export const CELLS = ["tanh", "lstm", "gru"] as const;
export type Cell = (typeof CELLS)[number];

/** Gates per cell, G; column blocks of W, U and b in this order: tanh (h), LSTM (i, f, c, o), GRU (z, r, h). */
export const GATES: Record<Cell, number> = { tanh: 1, lstm: 4, gru: 3 };

/** What shape a model has. */
export interface Config {
  readonly cell: Cell;
  readonly inputs: number; // D, input columns
  readonly units: number; // H
  readonly outputs: number; // O, = D for the Bernoulli head
}

/** Float32 weights, row-major. */
export interface Tensors {
  readonly W: Float32Array; // (D, G·H)
  readonly U: Float32Array; // (H, G·H)
  readonly b: Float32Array; // (G·H)
  readonly V?: Float32Array; // (3, H), LSTM peepholes of i, f, o
  readonly A: Float32Array; // (H, O)
  readonly a: Float32Array; // (O)
}

/** Lengths of the tensors of a shape, in the order in which they are initialised, updated and stored. */
export function tensorShapes({ cell, inputs, units, outputs }: Config): Record<string, readonly number[]> {
  const gateUnits = GATES[cell] * units;
  return {
    W: [inputs, gateUnits],
    U: [units, gateUnits],
    b: [gateUnits],
    ...(cell === "lstm" && { V: [3, units] }),
    A: [units, outputs],
    a: [outputs],
  };
}

/** A trained model as it is stored. */
export interface Checkpoint {
  readonly config: Config;
  readonly tensors: Tensors;
  readonly metadata: Readonly<Record<string, string>>;
}
