/** What assembly/index.ts exports, as kernel.ts sees it. */

/** Addresses and numbers that init() leaves in the kernel's exported globals, see assembly/layout.ts. */
export type Place =
  | ("W" | "U" | "b" | "V" | "A" | "a" | "C" | "c" | "N" | "M" | "gradient" | "meanSquare" | "velocity" | "average")
  | (
      | "batchSizes"
      | "inputOffsets"
      | "inputColumns"
      | "targetOffsets"
      | "targetColumns"
      | "inputValues"
      | "targetValues"
    )
  | (
      | "h0"
      | "c0"
      | "hidden"
      | "cells"
      | "logits"
      | "nll"
      | "width"
      | "inputRows"
      | "outputWidth"
      | "hiddenWidth"
      | "firstDrawn"
      | "drawnSum"
      | "drawnSquares"
      | "parameterCount"
    );

export type Exports = Readonly<Record<Place, WebAssembly.Global<"i32">>> & {
  readonly memory: WebAssembly.Memory;
  init(
    cell: number,
    inputs: number,
    units: number,
    outputs: number,
    components: number,
    block: number,
    hiddenUnits: number,
    rows: number,
    sequences: number,
    training: number,
  ): number;
  forward(steps: number, rows: number): void;
  gradients(steps: number, rows: number, scale: number, dropout: number, soft: number): void;
  adapt(rows: number, rate: number): void;
  drawFrames(frames: number, coldness: number): number;
  accumulate(decay: number): void;
  useAverage(): void;
  perturb(sigma: number): void;
  restore(): void;
  rmsProp(maxNorm: number, learningRate: number, decay: number, momentum: number, floor: number): number;
  adam(
    maxNorm: number,
    learningRate: number,
    decay: number,
    momentum: number,
    floor: number,
    meanScale: number,
    squareScale: number,
  ): number;
  randomStatePointer(): number;
};
