/**
 * What does the arithmetic of training: the interface of all engines, and the engine over our own kernel. Each call gets one
 * chunk of a batch of pieces; the engine carries their states from one chunk to the next.
 */

import type { Config, Tensors } from "../kernel/config.ts";
import { type Capacity, Kernel } from "../kernel/kernel.ts";
import type { OptimizerState, UpdateSettings } from "../kernel/optimizer.ts";
import { sum } from "../util/statistics.ts";
import type { TbpttChunk } from "./batches.ts";

/** Thrown by an update that finds its gradient not finite. */
export class Diverged extends Error {}

export interface TrainingEngine {
  readonly name: string;
  load(tensors: Tensors): void;
  tensors(): Promise<Tensors>;
  loadOptimizer(optimizer: OptimizerState): void;
  optimizer(): Promise<OptimizerState>;
  /** Starts weight noise and dropout anew from a source of numbers in [0, 1). */
  seed(uniform: () => number): void;
  /** One update by the gradient of the mean NLL of the chunk. Returns the sum of the NLL before it, in nats. */
  update(part: TbpttChunk, settings: UpdateSettings): Promise<number>;
  /** The sum of the NLL of the chunk, in nats, without learning. */
  nll(part: TbpttChunk): Promise<number>;
  /** Whether to compute with the average of the weights in their place. */
  useAverage(use: boolean): void;
}

/** What the kernel's generator takes. Every engine draws as many, so that all get the pieces in the same order. */
export const seedWords = (uniform: () => number): Uint32Array =>
  Uint32Array.from({ length: 16 }, () => uniform() * 2 ** 32);

export type CreateEngine = (config: Config, capacity: Capacity) => TrainingEngine;

/** @param module dist/kernel.wasm or, where the runtime has relaxed SIMD, dist/kernel-relaxed.wasm. */
export const kernelEngine =
  (module: WebAssembly.Module): CreateEngine =>
  (config, capacity) => {
    const kernel = new Kernel(module, config, { ...capacity, training: true });
    const carryState = ({ continued }: TbpttChunk) => {
      if (continued) kernel.setState(kernel.state(continued));
    };
    return {
      name: "kernel",
      load: (tensors) => kernel.load(tensors),
      tensors: async () => kernel.tensors(),
      loadOptimizer: (optimizer) => kernel.loadOptimizer(optimizer),
      optimizer: async () => kernel.optimizer(),
      seed: (uniform) => kernel.seed(seedWords(uniform)),
      async update(part, settings) {
        const { weightNoiseStd, dropout, emaDecay } = settings;
        carryState(part);
        if (weightNoiseStd > 0) kernel.perturb(weightNoiseStd);
        const nll = sum(kernel.backward(part.batch, 1 / part.rows, dropout));
        if (weightNoiseStd > 0) kernel.restore();
        const norm = kernel.update(settings);
        if (!Number.isFinite(norm))
          throw new Diverged(`The gradient's norm became ${norm}; a lower learning rate may help.`);
        if (emaDecay > 0) kernel.accumulate(emaDecay);
        return nll;
      },
      async nll(part) {
        carryState(part);
        return sum(kernel.forward(part.batch));
      },
      useAverage: (use) => (use ? kernel.useAverage() : kernel.restore()),
    };
  };
