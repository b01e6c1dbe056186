/** Checkpoint + kernel module -> the kernel through which a model reads one sequence, chunk by chunk. */

import { type Config, GATES } from "../kernel/config.ts";
import { Kernel } from "../kernel/kernel.ts";
import { once } from "../util/once.ts";
import type { Checkpoint } from "./checkpoint.ts";

/**
 * Frames or steps that pass through the kernel at once: enough for the output layer's matrix product to run at full speed,
 * few enough for the workspace of a 100-unit model of music to stay below half a megabyte.
 */
export const CHUNK = 128;

/**
 * Made when it is first asked for: most processes serve more models than they are asked for soon.
 * @throws RangeError at that call, when the memory is refused.
 */
export const lazyKernel = (module: WebAssembly.Module, checkpoint: Checkpoint): (() => Kernel) =>
  once(() => {
    const kernel = chunkKernel(module, checkpoint);
    kernel.load(checkpoint.tensors);
    return kernel;
  });

/** A kernel for chunks, without weights. @throws RangeError when the memory is refused. */
export const chunkKernel = (module: WebAssembly.Module, { config }: Checkpoint): Kernel =>
  new Kernel(module, config, { rows: CHUNK, sequences: 1 });

/** What an exponential takes, in the time of multiply-adds of a matrix product (measured, see bench/abuse.md). */
const EXPONENTIAL = 8;

/** Multiply-adds of one frame or step, or as many as take its time. */
export function stepCost({ cell, inputs, units, outputs, mixture, nade }: Config): number {
  const gateUnits = GATES[cell] * units;
  const dense = gateUnits * units + units * outputs + (mixture ? inputs * gateUnits : 0); // binary inputs are sparse
  const ofNade = nade ? nade.hidden * (units + outputs) : 0;
  return dense + ofNade + EXPONENTIAL * (gateUnits + outputs);
}

/** A step of adaptive scoring, in plain steps (2.7 to 3.8, measured, see bench/results.md). */
export const ADAPTIVE_STEPS = 4;
