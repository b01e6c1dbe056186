/** The project's own kernel, for training and for scoring. */
import { readFileSync } from "node:fs";
import type { Config } from "../../src/kernel/config.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { type Frames, pack } from "../../test/support/random.ts";
import { type Peer, PIECES, pieces, RULE, STEPS, tensorsOf } from "../task.ts";

const compiled = (name: string) => new WebAssembly.Module(readFileSync(new URL(`../../dist/${name}`, import.meta.url)));

// The builds that train and that serve.
export const trainingModule = compiled("kernel-relaxed.wasm");
const scoringModule = compiled("kernel.wasm");

const ADAPTIVE_RATE = 0.01;

/** One update after another: forward, backward, rescaling, RMSProp; by the trainer's build or by the portable one. */
export function trainingKernel(config: Config, portable = false): Peer {
  const { batch } = pack(pieces);
  const module = portable ? scoringModule : trainingModule;
  const kernel = new Kernel(module, config, { rows: PIECES * STEPS, sequences: PIECES, training: true });
  kernel.load(tensorsOf(config));
  let nll: Float32Array = new Float32Array();
  return {
    name: portable ? "kernel, portable" : "kernel",
    run: async (n) => {
      const start = performance.now();
      for (let k = 0; k < n; k++) {
        nll = kernel.backward(batch, 1 / (PIECES * STEPS));
        kernel.update(RULE);
      }
      return { seconds: (performance.now() - start) / 1000, sink: mean(nll) };
    },
    close: () => {},
  };
}

/** NLL of all frames. */
export function scoringKernel(config: Config, chosen: readonly Frames[]): Peer {
  const { batch } = pack(chosen);
  const kernel = new Kernel(scoringModule, config, { rows: chosen.length * STEPS, sequences: chosen.length });
  kernel.load(tensorsOf(config));
  return {
    name: "kernel",
    run: async (n) => {
      const start = performance.now();
      let nll: Float32Array = new Float32Array();
      for (let k = 0; k < n; k++) nll = kernel.forward(batch);
      return { seconds: (performance.now() - start) / 1000, sink: mean(nll) };
    },
    close: () => {},
  };
}

/** NLL of all frames of one piece under weights that learn from each frame, and begin with the trained ones each time. */
export function adaptingKernel(config: Config, piece: Frames): Peer {
  const { batch } = pack([piece]);
  const tensors = tensorsOf(config);
  const kernel = new Kernel(scoringModule, config, { rows: STEPS, sequences: 1 });
  return {
    name: "adaptive",
    run: async (n) => {
      const start = performance.now();
      let nll: Float32Array = new Float32Array();
      for (let k = 0; k < n; k++) {
        kernel.load(tensors);
        nll = kernel.adapt(batch, ADAPTIVE_RATE);
      }
      return { seconds: (performance.now() - start) / 1000, sink: mean(nll) };
    },
    close: () => {},
  };
}

/** NLL in nats per frame of pieces under the seeded weights. */
export function kernelNll(config: Config, chosen: readonly Frames[]): number {
  const kernel = new Kernel(scoringModule, config, { rows: chosen.length * STEPS, sequences: chosen.length });
  kernel.load(tensorsOf(config));
  return mean(kernel.forward(pack(chosen).batch));
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
