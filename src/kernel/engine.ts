/** What the kernel and its reference implementation both compute, and what goes in and out of them. */
import type { Config, Tensors } from "./config.ts";

/** Lists of active columns of binary rows: row r has columns `columns[offsets[r]] … columns[offsets[r + 1] - 1]`. */
export interface SparseRows {
  readonly offsets: Uint32Array; // (rows + 1)
  readonly columns: Uint8Array; // 0-based, ascending within a row
}

/** Real numbers, row-major: (rows, inputs) or, as targets, (rows, block). */
export type DenseRows = Float32Array;

/**
 * Sequences of one batch, packed by time: step t holds one row for each of the first `batchSizes[t]` sequences, which
 * are sorted by falling length, so batchSizes never grows and no row is padding. Row r predicts `targets` row r. Rows are
 * dense for a mixture head and else sparse; only where a Bernoulli head learns, targets may be dense too: (rows, outputs)
 * probabilities, the soft targets of Hinton et al. 2015.
 */
export interface Batch<Rows extends SparseRows | DenseRows = SparseRows | DenseRows> {
  readonly batchSizes: Uint32Array; // (steps)
  readonly inputs: Rows;
  readonly targets: Rows;
}

/** Of all steps together. */
export const rowCount = ({ batchSizes }: Batch): number => batchSizes.reduce((rows, size) => rows + size, 0);

/** What the kernel and its reference implementation both do; test/contracts/kernel.ts holds them to the same numbers. */
export interface Engine {
  readonly config: Config;
  /** Copies weights in. */
  load(tensors: Tensors): void;
  /** State of the first sequences before the next batch, (sequences, S), see stateSize. Copies in. */
  setState(state: Float32Array): void;
  /** State after the last step of the last batch for the sequences that reach it, (batchSizes[steps - 1], S). A copy. */
  state(): Float32Array;
  /** Runs the batch from the set state (zeros unless set for this very batch) and returns NLL in nats, (rows). Valid until the next call. */
  forward(batch: Batch): Float32Array;
  /**
   * Outputs of the last forward, (rows, O): logits, or the numbers of a mixture. With a NADE head the logit of a column
   * is that given the target's columns below it. A copy.
   */
  logits(): Float32Array;
  /** forward, then the gradient of scale · Σ NLL with respect to every tensor. */
  gradients(batch: Batch, scale: number): { nll: Float32Array; tensors: Tensors };
  /**
   * forward over one sequence of binary frames that learns on the way: after each row the weights take a step of gradient
   * descent, w -= rate · ∂NLL/∂w, with the state before the row as a constant. They stay changed until the next load().
   */
  adapt(batch: Batch<SparseRows>, rate: number): Float32Array;
  /** The weights, as load() takes them. A copy. */
  tensors(): Tensors;
}

/** Length of one sequence's state: h, followed by c for an LSTM. */
export const stateSize = ({ cell, units }: Config): number => (cell === "lstm" ? 2 * units : units);

/** |h| is at most 1 in all three cells; the slack is for the rounding of a vectorised tanh. */
const MAX_H = 1 + 1e-6;
/** An LSTM's |c| grows by at most 1 a step, and float32 stops growing there: 2^24 + 1 rounds back to 2^24. */
const MAX_C = 2 ** 24;

/** The largest size of each number of one sequence's state. */
export const stateLimits = (config: Config): Float64Array =>
  new Float64Array(stateSize(config)).fill(MAX_C).fill(MAX_H, 0, config.units);
