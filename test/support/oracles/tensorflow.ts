/**
 * TensorFlow.js as an oracle of the gradients: the cells written once more, plainly, as tensor operations, and its
 * automatic differentiation through time.
 */
import { createHash } from "node:crypto";
import { serialize } from "node:v8";
import * as tf from "@tensorflow/tfjs";
import type { Config, Tensors } from "../../../src/kernel/config.ts";
import type { Frames } from "../random.ts";

type Variables = Record<keyof Tensors, tf.Tensor2D>;

/** State (batch, units) of h and, for the LSTM, of c before and after one step; x W + b is given. */
export const STEP: Record<
  Config["cell"],
  (v: Variables, xWb: tf.Tensor2D, h: tf.Tensor2D, c: tf.Tensor2D) => tf.Tensor2D[]
> = {
  tanh: ({ U }, xWb, h, c) => [xWb.add<tf.Tensor2D>(h.matMul(U)).tanh(), c],
  lstm: ({ U, V }, xWb, h, c) => {
    const [i, f, candidate, o] = tf.split(xWb.add<tf.Tensor2D>(h.matMul(U)), 4, 1);
    const [Vi, Vf, Vo] = tf.split(V, 3, 0);
    const kept = f.add(c.mul(Vf)).sigmoid().mul(c);
    const cell: tf.Tensor2D = kept.add(i.add(c.mul(Vi)).sigmoid().mul(candidate.tanh()));
    return [o.add(cell.mul(Vo)).sigmoid().mul(cell.tanh()), cell];
  },
  gru: ({ U }, xWb, h, c) => {
    const [xz, xr, xh] = tf.split(xWb, 3, 1);
    const [Uz, Ur, Uh] = tf.split(U, 3, 1);
    const z = xz.add(h.matMul(Uz)).sigmoid();
    const r = xr.add(h.matMul(Ur)).sigmoid();
    const candidate = xh.add(r.mul<tf.Tensor2D>(h).matMul(Uh)).tanh();
    return [tf.scalar(1).sub(z).mul(h).add(z.mul(candidate)), c];
  },
};

interface Gradients {
  readonly nll: number;
  readonly tensors: Tensors;
}
type Question = readonly [
  config: Config,
  tensors: Tensors,
  pieces: readonly { frames: Frames; start?: Float32Array }[],
  scale: number,
];

/** Answers by question: two engines under one contract are asked the same, and an answer takes seconds. */
const answers = new Map<string, Gradients>();

/** Gradient of scale · Σ NLL over all pieces, each run by itself from its start state (S), zeros unless given. */
export function autodiffGradients(...question: Question): Gradients {
  const key = createHash("sha256").update(serialize(question)).digest("hex");
  const answer = answers.get(key) ?? differentiate(...question);
  answers.set(key, answer);
  return answer;
}

function differentiate(...[config, tensors, pieces, scale]: Question): Gradients {
  tf.engine().startScope(); // frees every tensor below at endScope
  const values = variablesOf(config, tensors);
  const names = Object.keys(tensors) as (keyof Tensors)[];
  const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => {
    const v = { ...values, ...Object.fromEntries(names.map((name, k) => [name, given[k]])) };
    return tf.addN(pieces.map(({ frames, start }) => nllOf(config, v, frames, start))).mul(scale);
  })(names.map((name) => values[name]));
  const gradients = grads.map((gradient, k) => [names[k], gradient.dataSync()]);
  const nll = value.dataSync()[0] / scale;
  tf.engine().endScope();
  return { nll, tensors: Object.fromEntries(gradients) };
}

export function variablesOf(config: Config, { W, U, b, V, A, a, ...tensors }: Tensors): Variables {
  const { inputs: D, units: H, outputs: O } = config;
  const G = b.length;
  const K = config.nade?.hidden ?? 1; // without a NADE head, zeros that nothing reads
  const { C = new Float32Array(H), c = new Float32Array(1) } = tensors;
  const { N = new Float32Array(O), M = new Float32Array(O) } = tensors;
  return {
    ...{ W: tf.tensor2d(W, [D, G]), U: tf.tensor2d(U, [H, G]), b: tf.tensor2d(b, [1, G]) },
    ...{ V: tf.tensor2d(V ?? new Float32Array(3 * H), [3, H]), A: tf.tensor2d(A, [H, O]), a: tf.tensor2d(a, [1, O]) },
    ...{ C: tf.tensor2d(C, [H, K]), c: tf.tensor2d(c, [1, K]), N: tf.tensor2d(N, [O, K]), M: tf.tensor2d(M, [O, K]) },
  };
}

function nllOf(
  { cell, inputs: D, units: H, nade }: Config,
  v: Variables,
  frames: Frames,
  start?: Float32Array,
): tf.Tensor {
  const state = new Float32Array(2 * H);
  state.set(start ?? []);
  let [h, c] = [state.slice(0, H), state.slice(H)].map((values) => tf.tensor2d(values, [1, H]));
  const losses: tf.Tensor[] = [];
  for (let t = 0; t + 1 < frames.length; t++) {
    const [x, target] = [frames[t], frames[t + 1]].map((columns) => tf.tensor2d(dense(columns, D), [1, D]));
    [h, c] = STEP[cell](v, x.matMul<tf.Tensor2D>(v.W).add(v.b), h, c);
    let logits = h.matMul(v.A).add(v.a);
    if (nade) logits = logits.add(conditionals(v, h, target));
    losses.push(logits.softplus().sub(target.mul(logits)).sum());
  }
  return tf.addN(losses);
}

/** M_d · tanh(c + h C + Σ_{n < d} x_n N_n) for every pitch d at once, (1, D), by a triangular matrix of ones. */
function conditionals({ C, c, N, M }: Variables, h: tf.Tensor2D, target: tf.Tensor2D): tf.Tensor {
  const [, D] = target.shape;
  const below = tf.linalg.bandPart(tf.ones([D, D]), -1, 0).sub<tf.Tensor2D>(tf.eye(D));
  const sums = below.matMul(target.transpose().mul(N)).add(h.matMul(C).add(c));
  return sums.tanh().mul(M).sum(1).expandDims(0);
}

function dense(columns: readonly number[], width: number): Float32Array {
  const row = new Float32Array(width);
  for (const d of columns) row[d] = 1;
  return row;
}
