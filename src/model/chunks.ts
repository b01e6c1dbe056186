/** Checkpoint + kernel module -> the kernel through which a model reads one sequence, chunk by chunk. */

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
