/**
 * The WASM kernel behind one class: recurrent cell, Bernoulli head, back-propagation through time and the optimiser.
 * Plain twin: reference.ts. Memory is laid out once, in the constructor; calls only read and write it.
 */
import type { Config, Tensors } from "../checkpoint.ts";

/** Lists of active columns of binary rows: row r has columns `columns[offsets[r]] … columns[offsets[r + 1] - 1]`. */
export interface SparseRows {
  readonly offsets: Uint32Array; // (rows + 1)
  readonly columns: Uint8Array; // 0-based, ascending within a row
}

/**
 * Sequences of one batch, packed by time: step t holds one row for each of the first `batchSizes[t]` sequences, which
 * are sorted by falling length, so batchSizes never grows and no row is padding. Row r predicts `targets` row r.
 */
export interface Batch {
  readonly batchSizes: Uint32Array; // (steps)
  readonly inputs: SparseRows;
  readonly targets: SparseRows;
}

/** What the kernel and its plain twin both do; test/contracts/kernel.ts holds them to the same numbers. */
export interface Engine {
  readonly config: Config;
  /** Copies weights in. */
  load(tensors: Tensors): void;
  /** Hidden state of the first sequences of the next batch, (sequences, S); S = H, for LSTM 2H: h then c. Copies in. */
  setState(state: Float32Array): void;
  /** State after the last step of the last batch for the sequences that reach it, (batchSizes[steps - 1], S). A copy. */
  state(): Float32Array;
  /** Runs the batch from the set state (zeros unless set) and returns NLL in nats, (rows). Valid until the next call. */
  forward(batch: Batch): Float32Array;
  /** Logits of the last forward, (rows, O). A copy. */
  logits(): Float32Array;
  /** forward, then the gradient of scale · Σ NLL with respect to every tensor. */
  gradients(batch: Batch, scale: number): { nll: Float32Array; tensors: Tensors };
}

/** Length of one sequence's state: h, and for LSTM c behind it. */
export const stateSize = ({ cell, units }: Config): number => (cell === "lstm" ? 2 * units : units);
