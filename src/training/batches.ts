/**
 * Pieces -> packed batches: pieces side by side, sorted by length, without padding. In music frame t predicts frame t + 1; in speech
 * step k sees the samples from 10k on, 20 of them, and predicts the 10 that follow.
 */

import { frameCount, type PianoRoll } from "../formats/piano-roll.ts";
import { SPEECH } from "../kernel/config.ts";
import type { Batch, DenseRows, SparseRows } from "../kernel/engine.ts";

/** What a model learns from: a piece of music, or samples of a recording as the model reads them, standardised. */
export type Sequence = PianoRoll | Float32Array;

/** A piece of music with what teachers say of its frames, which are the targets then; see teacher.ts. */
export interface TaughtRoll extends PianoRoll {
  readonly softTargets: Float32Array; // (frames - 1, D), probabilities of the pitches of each frame but the first
}

export const isTaught = (piece: Sequence): piece is TaughtRoll => "softTargets" in piece;

export const isRoll = (piece: Sequence): piece is PianoRoll => !(piece instanceof Float32Array);

/** Predictions that a piece has: frames but the first, or blocks of samples after the first input. */
export const stepCount = (piece: Sequence): number =>
  piece instanceof Float32Array
    ? Math.max(0, Math.floor((piece.length - SPEECH.inputs) / SPEECH.mixture.block))
    : Math.max(0, frameCount(piece) - 1);

/** One update's worth of pieces. The first `continued` sequences start from the state at the end of the chunk before. */
export interface TbpttChunk<Rows extends SparseRows | DenseRows = SparseRows | DenseRows> {
  readonly batch: Batch<Rows>;
  readonly continued: number;
  readonly rows: number;
}

/**
 * Packs pieces of one kind into chunks of at most `steps` steps each. Pieces are sorted by falling length (equal lengths keep
 * their order), so those that go on into the next chunk are always the first ones. Pieces with nothing to predict are left
 * out.
 */
export function tbpttChunks(pieces: readonly PianoRoll[], steps: number): Generator<TbpttChunk<SparseRows>>;
export function tbpttChunks(pieces: readonly Sequence[], steps: number): Generator<TbpttChunk>;
export function* tbpttChunks(pieces: readonly Sequence[], steps: number): Generator<TbpttChunk> {
  const sorted = pieces.filter((piece) => stepCount(piece) > 0).sort((p, q) => stepCount(q) - stepCount(p));
  const longest = sorted.length ? stepCount(sorted[0]) : 0;
  for (let start = 0; start < longest; start += steps) {
    const active = sorted.filter((piece) => stepCount(piece) > start);
    const batchSizes: number[] = [];
    for (let t = start, n = active.length; t < Math.min(longest, start + steps); t++) {
      while (stepCount(active[n - 1]) <= t) n -= 1;
      batchSizes.push(n);
    }
    const rows = batchSizes.reduce((sum, n) => sum + n, 0);
    const batch = { batchSizes: Uint32Array.from(batchSizes), ...pack(active, batchSizes, start, rows) };
    yield { batch, continued: start ? active.length : 0, rows };
  }
}

/** Inputs and targets of the steps from `start` on, of the first batchSizes[t] pieces each. */
function pack(pieces: readonly Sequence[], batchSizes: readonly number[], start: number, rows: number) {
  const samples = pieces.filter((piece) => piece instanceof Float32Array);
  if (samples.length > 0) return packSamples(samples, batchSizes, start, rows);
  const rolls = pieces.filter(isRoll);
  if (rolls.every(isTaught)) return packTaught(rolls, batchSizes, start, rows);
  const [inputs, targets] = [new RowWriter(), new RowWriter()];
  batchSizes.forEach((n, t) => {
    for (const roll of rolls.slice(0, n)) {
      inputs.push(roll, start + t);
      targets.push(roll, start + t + 1);
    }
  });
  return { inputs: inputs.rows(), targets: targets.rows() };
}

function packTaught(rolls: readonly TaughtRoll[], batchSizes: readonly number[], start: number, rows: number) {
  const D = rolls[0].softTargets.length / stepCount(rolls[0]);
  const inputs = new RowWriter();
  const targets = new Float32Array(rows * D);
  let row = 0;
  batchSizes.forEach((n, t) => {
    for (const roll of rolls.slice(0, n)) {
      inputs.push(roll, start + t);
      targets.set(roll.softTargets.subarray((start + t) * D, (start + t + 1) * D), row++ * D);
    }
  });
  return { inputs: inputs.rows(), targets };
}

function packSamples(pieces: readonly Float32Array[], batchSizes: readonly number[], start: number, rows: number) {
  const { inputs: D, mixture } = SPEECH;
  const { block } = mixture;
  const inputs = new Float32Array(rows * D);
  const targets = new Float32Array(rows * block);
  let row = 0;
  batchSizes.forEach((n, t) => {
    const from = (start + t) * block;
    for (let s = 0; s < n; s++, row++) {
      inputs.set(pieces[s].subarray(from, from + D), row * D);
      targets.set(pieces[s].subarray(from + D, from + D + block), row * block);
    }
  });
  return { inputs, targets };
}

class RowWriter {
  readonly #offsets = [0];
  readonly #columns: number[] = [];

  push({ offsets, pitches }: PianoRoll, frame: number): void {
    for (let n = offsets[frame]; n < offsets[frame + 1]; n++) this.#columns.push(pitches[n] - 1);
    this.#offsets.push(this.#columns.length);
  }

  rows() {
    return { offsets: Uint32Array.from(this.#offsets), columns: Uint8Array.from(this.#columns) };
  }
}

/** Items in an order drawn from `uniform` (Fisher and Yates). A new array. */
export function shuffle<T>(items: readonly T[], uniform: () => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled;
}

/** Consecutive groups of at most `size` items. */
export function minibatches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}
