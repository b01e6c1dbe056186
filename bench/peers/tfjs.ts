/** TensorFlow.js by the trainer's own engine: its WASM backend with SIMD on one thread, or libtensorflow on all threads. */
import type * as TensorFlow from "@tensorflow/tfjs";
import { SurprisalError } from "../../src/errors.ts";
import type { Cell } from "../../src/kernel/config.ts";
import { engineOf } from "../../src/training/backends.ts";
import { pack, Random, randomTensors } from "../../test/support/random.ts";
import { configOf, type Peer, PIECES, pieces, RULE, STEPS } from "../task.ts";
import { trainingModule } from "./kernel.ts";

/** Nothing, and a sentence on standard error, when this machine lacks the engine. */
export async function tfjs(name: "tfjs-wasm" | "tfjs-node", cell: Cell): Promise<Peer[]> {
  try {
    return [await peer(name, cell)];
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    console.error(`${name} is left out. ${error.message}`);
    return [];
  }
}

async function peer(name: "tfjs-wasm" | "tfjs-node", cell: Cell): Promise<Peer> {
  const create = await engineOf(name);
  const tf: typeof TensorFlow = await import("@tensorflow/tfjs");
  const backend = tf.getBackend();
  const config = configOf(cell);
  const engine = create(trainingModule)(config, { rows: PIECES * STEPS, sequences: PIECES });
  engine.load(randomTensors(config, new Random(1)));
  const part = { batch: pack(pieces).batch, continued: 0, rows: PIECES * STEPS };
  const rule = { ...RULE, weightNoiseStd: 0, dropout: 0, emaDecay: 0 };
  return {
    name,
    run: async (n) => {
      await tf.setBackend(backend); // the engines share one TensorFlow.js, which computes on the backend that is set
      const start = performance.now();
      let nll = Number.NaN;
      for (let k = 0; k < n; k++) nll = await engine.update(part, rule);
      return { seconds: (performance.now() - start) / 1000, sink: nll / part.rows };
    },
    close: () => {},
  };
}
