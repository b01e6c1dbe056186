/**
 * Piano rolls -> packed batches: pieces of similar fate side by side, no padding, frame t predicts frame t + 1.
 */
import type { Batch } from "../kernel/kernel.ts";
import { frameCount, type PianoRoll } from "../sequence.ts";

/** One update's worth of pieces. The first `continued` sequences go on from the state that the part before it left. */
export interface Part {
  readonly batch: Batch;
  readonly continued: number;
  readonly rows: number;
}

/**
 * Packs pieces into parts of at most `steps` steps each. Pieces are sorted by falling length (equal lengths keep their
 * order), so those that go on into the next part are always the first ones. Pieces of fewer than two frames have nothing
 * to predict and are left out.
 */
export function* parts(pieces: readonly PianoRoll[], steps: number): Generator<Part> {
  const sorted = pieces.filter((piece) => frameCount(piece) > 1).sort((p, q) => frameCount(q) - frameCount(p));
  const longest = sorted.length ? frameCount(sorted[0]) - 1 : 0;
  for (let start = 0; start < longest; start += steps) {
    const active = sorted.filter((piece) => frameCount(piece) - 1 > start);
    const batch = pack(active, start, Math.min(longest, start + steps));
    yield { batch, continued: start ? active.length : 0, rows: batch.inputs.offsets.length - 1 };
  }
}

function pack(sorted: readonly PianoRoll[], start: number, end: number): Batch {
  const batchSizes: number[] = [];
  const [inputs, targets] = [new RowWriter(), new RowWriter()];
  for (let t = start; t < end; t++) {
    const active = sorted.filter((piece) => frameCount(piece) - 1 > t);
    batchSizes.push(active.length);
    for (const piece of active) {
      inputs.push(piece, t);
      targets.push(piece, t + 1);
    }
  }
  return { batchSizes: Uint32Array.from(batchSizes), inputs: inputs.rows(), targets: targets.rows() };
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
export function groups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}
