/**
 * One recurrent step of each cell, forward and backward, in float64: the part of the reference implementation that is mathematics.
 * Cells: Chung et al., arXiv 1412.3555; LSTM peepholes: Graves, arXiv 1308.0850.
 */
import type { Config, Tensors } from "./config.ts";

/** The tensors of config.ts in float64; V is empty where the cell has no peepholes. */
export type Weights = Record<keyof Tensors, Float64Array>;

/** One recurrent step: S numbers of state before -> after, over one row's gates. */
export interface CellStep {
  /** Turns pre-activations x W + b in `gates` into activations and writes the state after the step. */
  forward(weights: Weights, gates: Float64Array, before: Float64Array, after: Float64Array): void;
  /**
   * From the gradient of the state after the step (overwritten) to that of the pre-activations (`dGates`) and of the
   * state before (added to `dBefore`); adds to the gradients of U and V.
   */
  backward(
    weights: Weights,
    step: { gates: Float64Array; before: Float64Array; after: Float64Array },
    gradient: { dAfter: Float64Array; dGates: Float64Array; dBefore: Float64Array; tensors: Weights },
  ): void;
}

export const STEPS: Record<Config["cell"], CellStep> = {
  tanh: {
    forward({ U }, gates, before, after) {
      addProduct(gates, before, U);
      for (let j = 0; j < after.length; j++) after[j] = gates[j] = Math.tanh(gates[j]);
    },
    backward({ U }, { before, after }, { dAfter, dGates, dBefore, tensors }) {
      for (let j = 0; j < after.length; j++) dGates[j] = dAfter[j] * (1 - after[j] ** 2);
      addTransposedProduct(dBefore, dGates, U);
      addOuter(tensors.U, before, dGates);
    },
  },

  lstm: {
    forward({ U, V }, gates, before, after) {
      const H = after.length / 2;
      const cell = before.subarray(H);
      addProduct(gates, before.subarray(0, H), U);
      for (let j = 0; j < H; j++) {
        const i = sigmoid(gates[j] + V[j] * cell[j]);
        const f = sigmoid(gates[H + j] + V[H + j] * cell[j]);
        const candidate = Math.tanh(gates[2 * H + j]);
        const c = f * cell[j] + i * candidate;
        const o = sigmoid(gates[3 * H + j] + V[2 * H + j] * c);
        gates[j] = i;
        gates[H + j] = f;
        gates[2 * H + j] = candidate;
        gates[3 * H + j] = o;
        after[j] = o * Math.tanh(c);
        after[H + j] = c;
      }
    },
    backward({ U, V }, { gates, before, after }, { dAfter, dGates, dBefore, tensors }) {
      const H = after.length / 2;
      for (let j = 0; j < H; j++) {
        const [i, f, candidate, o] = [gates[j], gates[H + j], gates[2 * H + j], gates[3 * H + j]];
        const [cBefore, c] = [before[H + j], after[H + j]];
        const squashed = Math.tanh(c);
        const dO = dAfter[j] * squashed * o * (1 - o);
        const dC = dAfter[H + j] + dAfter[j] * o * (1 - squashed ** 2) + dO * V[2 * H + j];
        const dI = dC * candidate * i * (1 - i);
        const dF = dC * cBefore * f * (1 - f);
        dGates[j] = dI;
        dGates[H + j] = dF;
        dGates[2 * H + j] = dC * i * (1 - candidate ** 2);
        dGates[3 * H + j] = dO;
        dBefore[H + j] += dC * f + dI * V[j] + dF * V[H + j];
        tensors.V[j] += dI * cBefore;
        tensors.V[H + j] += dF * cBefore;
        tensors.V[2 * H + j] += dO * c;
      }
      addTransposedProduct(dBefore.subarray(0, H), dGates, U);
      addOuter(tensors.U, before.subarray(0, H), dGates);
    },
  },

  gru: {
    forward({ U }, gates, before, after) {
      const H = after.length;
      addProduct(gates.subarray(0, 2 * H), before, U);
      for (let j = 0; j < 2 * H; j++) gates[j] = sigmoid(gates[j]);
      const reset = before.map((h, j) => gates[H + j] * h);
      addProduct(gates.subarray(2 * H), reset, U, 2 * H);
      for (let j = 0; j < H; j++) {
        const z = gates[j];
        gates[2 * H + j] = Math.tanh(gates[2 * H + j]);
        after[j] = (1 - z) * before[j] + z * gates[2 * H + j];
      }
    },
    backward({ U }, { gates, before, after }, { dAfter, dGates, dBefore, tensors }) {
      const H = after.length;
      const reset = before.map((h, j) => gates[H + j] * h);
      for (let j = 0; j < H; j++) {
        const [z, candidate] = [gates[j], gates[2 * H + j]];
        dGates[j] = dAfter[j] * (candidate - before[j]) * z * (1 - z);
        dGates[2 * H + j] = dAfter[j] * z * (1 - candidate ** 2);
        dBefore[j] += dAfter[j] * (1 - z);
      }
      const dReset = new Float64Array(H);
      addTransposedProduct(dReset, dGates.subarray(2 * H), U, 2 * H);
      for (let j = 0; j < H; j++) {
        const r = gates[H + j];
        dGates[H + j] = dReset[j] * before[j] * r * (1 - r);
        dBefore[j] += dReset[j] * r;
      }
      addTransposedProduct(dBefore, dGates.subarray(0, 2 * H), U);
      addOuter(tensors.U, before, dGates.subarray(0, 2 * H));
      addOuter(tensors.U, reset, dGates.subarray(2 * H), 2 * H);
    },
  },
};

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** y += factor · x */
export function addScaled(y: Float64Array, x: Float64Array, factor: number): void {
  for (let k = 0; k < y.length; k++) y[k] += factor * x[k];
}

// M is (rows of x, any width); the products below use its columns first … first + length of y - 1.

/** y += x M */
export function addProduct(y: Float64Array, x: Float64Array, M: Float64Array, first = 0): void {
  const width = M.length / x.length;
  x.forEach((value, i) => {
    addScaled(y, M.subarray(i * width + first), value);
  });
}

/** x += y Mᵀ */
export function addTransposedProduct(x: Float64Array, y: Float64Array, M: Float64Array, first = 0): void {
  const width = M.length / x.length;
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < y.length; j++) x[i] += y[j] * M[i * width + first + j];
  }
}

/** M += xᵀ y */
export function addOuter(M: Float64Array, x: Float64Array, y: Float64Array, first = 0): void {
  const width = M.length / x.length;
  x.forEach((value, i) => {
    addScaled(M.subarray(i * width + first, i * width + first + y.length), y, value);
  });
}
