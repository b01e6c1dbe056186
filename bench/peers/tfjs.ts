/**
 * TensorFlow.js on its WASM backend with SIMD, one thread: the input products of all steps in one product, one recurrent
 * step after another, the head over all rows at once, and automatic differentiation.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import type { Cell, Tensors } from "../../src/checkpoint.ts";
import { STEP, variablesOf } from "../../test/oracles/tensorflow.ts";
import { Random, randomTensors } from "../../test/random.ts";
import { COLUMNS, configOf, dense, type Peer, PIECES, pieces, RULE, STEPS } from "../task.ts";

export async function tfjsWasm(cell: Cell): Promise<Peer> {
  setWasmPaths(`${dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  setThreadsCount(1);
  await tf.setBackend("wasm");
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("TensorFlow.js found no SIMD.");

  const config = configOf(cell);
  const H = config.units;
  const constants = variablesOf(config, randomTensors(config, new Random(1)));
  const names = (Object.keys(constants) as (keyof Tensors)[]).filter((name) => name !== "V" || cell === "lstm");
  const trained = Object.fromEntries(names.map((name) => [name, tf.variable(constants[name], true, name + cell)]));
  const v = { ...constants, ...trained } as typeof constants;
  const x = tf.tensor2d(dense(pieces, 0), [STEPS * PIECES, COLUMNS]);
  const targets = tf.tensor2d(dense(pieces, 1), [STEPS * PIECES, COLUMNS]);
  const optimiser = tf.train.rmsprop(RULE.rate, RULE.decay, RULE.momentum, RULE.floor ** 2);

  const loss = (): tf.Scalar => {
    const xWb = tf.unstack(x.matMul<tf.Tensor2D>(v.W).add(v.b).reshape([STEPS, PIECES, -1])) as tf.Tensor2D[];
    let [h, c] = [tf.zeros<tf.Rank.R2>([PIECES, H]), tf.zeros<tf.Rank.R2>([PIECES, H])];
    const hidden = xWb.map((pre) => {
      [h, c] = STEP[cell](v, pre, h, c);
      return h;
    });
    const logits = tf.concat(hidden).matMul(v.A).add(v.a);
    return logits.softplus().sub(targets.mul(logits)).sum().div(PIECES);
  };
  const update = (): number =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss, Object.values(trained));
      const norm = tf.addN(Object.values(grads).map((g) => g.square().sum())).sqrt();
      const factor = tf.scalar(RULE.maxNorm).div(tf.maximum(norm, RULE.maxNorm));
      optimiser.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, g.mul(factor)])));
      return value.dataSync()[0] / STEPS;
    });

  return {
    name: "tfjs-wasm",
    run: async (n) => {
      const start = performance.now();
      let nll = Number.NaN;
      for (let k = 0; k < n; k++) nll = update();
      return { seconds: (performance.now() - start) / 1000, sink: nll };
    },
    close: () => {
      optimiser.dispose();
      tf.dispose([x, targets, ...Object.values(constants), ...Object.values(trained)]);
    },
  };
}
