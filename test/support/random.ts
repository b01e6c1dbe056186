/**
 * Seeded models, rolls and batches for tests: the same seed gives the same numbers on every machine.
 */

import { type Config, type Tensors, tensorShapes } from "../../src/kernel/config.ts";
import type { Batch, SparseRows } from "../../src/kernel/engine.ts";
import { uniform } from "../../src/util/random.ts";

/** Frames of a piece as lists of active columns, 0-based and ascending. T frames make T - 1 rows of a batch. */
export type Frames = readonly (readonly number[])[];

/** What tests draw, from one seed. */
export class Random {
  /** Uniform in [0, 1). */
  readonly uniform: () => number;

  constructor(seed: number) {
    this.uniform = uniform(seed);
  }

  /** Uniform among first, first + 1, … last. */
  integer(first: number, last: number): number {
    return first + Math.floor(this.uniform() * (last - first + 1));
  }

  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)];
  }

  /** Normal with mean 0 and deviation 1, by Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** n normal numbers of the given deviation. */
  normals(n: number, deviation = 1): Float32Array {
    return Float32Array.from({ length: n }, () => deviation * this.normal());
  }
}

/** Normal weights; matrices are scaled by the root of their rows, so that gates are neither linear nor saturated. */
export function randomTensors(config: Config, random: Random): Tensors {
  const entries = Object.entries(tensorShapes(config)).map(([name, shape]) => {
    // A frame has few active columns, so rows of W add up to about that many, not to D.
    const deviation = name === "U" || name === "A" || name === "C" ? 1 / Math.sqrt(shape[0]) : 0.5;
    return [
      name,
      random.normals(
        shape.reduce((n, m) => n * m),
        deviation,
      ),
    ];
  });
  return Object.fromEntries(entries);
}

/** Frames in which each column is active independently, `notes` of them on average; empty frames occur. */
export function randomFrames(random: Random, frames: number, columns: number, notes = 4): number[][] {
  const indices = Array.from({ length: columns }, (_, d) => d);
  return Array.from({ length: frames }, () => indices.filter(() => random.uniform() * columns < notes));
}

/** A batch and where its rows came from: `rows[s][t]` is the packed row of step t of the s-th sequence given. */
export interface Packed {
  readonly batch: Batch<SparseRows>;
  readonly rows: readonly (readonly number[])[];
}

/** Packs pieces of at least two frames by time: frame t predicts frame t + 1. Equal lengths keep their order. */
export function pack(sequences: readonly Frames[]): Packed {
  const order = sequences.map((_, s) => s).sort((a, b) => sequences[b].length - sequences[a].length);
  const rows: number[][] = sequences.map(() => []);
  const batchSizes: number[] = [];
  const inputs: (readonly number[])[] = [];
  const targets: (readonly number[])[] = [];
  const steps = sequences[order[0]].length - 1;
  for (let t = 0; t < steps; t++) {
    const alive = order.filter((s) => t + 1 < sequences[s].length);
    batchSizes.push(alive.length);
    for (const s of alive) {
      rows[s].push(inputs.length);
      inputs.push(sequences[s][t]);
      targets.push(sequences[s][t + 1]);
    }
  }
  return {
    batch: { batchSizes: Uint32Array.from(batchSizes), inputs: sparse(inputs), targets: sparse(targets) },
    rows,
  };
}

function sparse(rows: readonly (readonly number[])[]): SparseRows {
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, r) => {
    offsets[r + 1] = offsets[r] + row.length;
  });
  return { offsets, columns: Uint8Array.from(rows.flat()) };
}
