/** The recurrent cells as TensorFlow.js operations (Chung et al. 2014; peepholes: Graves 2013), for tensorflow.ts. */
import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor2D } from "@tensorflow/tfjs";
import type { Cell, Tensors } from "../kernel/config.ts";

type Tf = typeof TensorFlow;

/** Weights as matrices: b (1, G·H) and a (1, O) too. */
export type Weights = Record<keyof Tensors, Tensor2D>;

/** x W + b of n sequences (n, G·H) and their state, h and for LSTM c, each (n, H) -> their state one step later. */
type Step = (xWb: Tensor2D, state: readonly Tensor2D[]) => Tensor2D[];

/** Each cell, its weights brought into the form in which all steps use them. */
export const STEPS: Record<Cell, (tf: Tf, weights: Weights) => Step> = {
  tanh:
    (_, { U }) =>
    (xWb, [h]) => [xWb.add<Tensor2D>(h.matMul(U)).tanh()],

  lstm: (tf, { U, V }) => {
    const [Vi, Vf, Vo] = tf.split(V, 3);
    return (xWb, [h, c]) => {
      const [i, f, candidate, o] = tf.split(xWb.add<Tensor2D>(h.matMul(U)), 4, 1);
      const kept = f.add(c.mul(Vf)).sigmoid().mul(c);
      const taken = i.add(c.mul(Vi)).sigmoid().mul(candidate.tanh());
      const cNext = kept.add<Tensor2D>(taken);
      return [o.add(cNext.mul(Vo)).sigmoid().mul(cNext.tanh()), cNext];
    };
  },

  gru: (tf, { U }) => {
    const [units] = U.shape;
    const [Uzr, Uh] = tf.split(U, [2 * units, units], 1);
    return (xWb, [h]) => {
      const [xzr, xh] = tf.split(xWb, [2 * units, units], 1);
      const [z, r] = tf.split(xzr.add<Tensor2D>(h.matMul(Uzr)).sigmoid(), 2, 1);
      const candidate = xh.add<Tensor2D>(r.mul<Tensor2D>(h).matMul(Uh)).tanh();
      return [h.add(z.mul(candidate.sub(h)))];
    };
  },
};
