/**
 * The NADE head in float64, one row at a time: pitches from low to high, each given those below it (Larochelle and Murray
 * 2011; RNN-NADE, Boulanger-Lewandowski et al. 2012, section 3.2, with tanh for σ). s = c + h C, and s += N_n after each
 * sounding pitch n; M_d · tanh(s) is added to the logit of pitch d.
 */
import { addOuter, addProduct, addScaled, addTransposedProduct, type Weights } from "./reference-cells.ts";

/** A row of a matrix of rows of `width`. */
const rowOf = (matrix: Float64Array, r: number, width: number): Float64Array =>
  matrix.subarray(r * width, (r + 1) * width);

/** s under each pitch, (D, K), in a row of hidden state h (H) whose `sounding` columns are given. */
function sums({ C, c, N }: Weights, h: Float64Array, sounding: ReadonlySet<number>, columns: number): Float64Array[] {
  const s = c.slice();
  addProduct(s, h, C);
  return Array.from({ length: columns }, (_, d) => {
    const under = s.slice();
    if (sounding.has(d)) addScaled(s, rowOf(N, d, c.length), 1);
    return under;
  });
}

/** Adds M_d · tanh(s) to each logit of a row (D): how pitch d depends on the hidden state together with the pitches below. */
export function addConditionals(
  logits: Float64Array,
  weights: Weights,
  h: Float64Array,
  sounding: ReadonlySet<number>,
): void {
  sums(weights, h, sounding, logits.length).forEach((s, d) => {
    const m = rowOf(weights.M, d, s.length);
    for (let k = 0; k < s.length; k++) logits[d] += m[k] * Math.tanh(s[k]);
  });
}

/** From the gradient of the logits (D): adds to the gradients of the head's tensors and to that of h. */
export function conditionalsBackward(
  weights: Weights,
  { h, sounding, dLogits }: { h: Float64Array; sounding: ReadonlySet<number>; dLogits: Float64Array },
  { dh, tensors }: { dh: Float64Array; tensors: Weights },
): void {
  const K = weights.c.length;
  const ds = new Float64Array(K); // of s, from all pitches above
  const under = sums(weights, h, sounding, dLogits.length);
  for (let d = dLogits.length - 1; d >= 0; d--) {
    if (sounding.has(d)) addScaled(rowOf(tensors.N, d, K), ds, 1);
    const t = under[d].map(Math.tanh);
    addScaled(rowOf(tensors.M, d, K), t, dLogits[d]);
    const m = rowOf(weights.M, d, K);
    for (let k = 0; k < K; k++) ds[k] += dLogits[d] * m[k] * (1 - t[k] ** 2);
  }
  addScaled(tensors.c, ds, 1);
  addOuter(tensors.C, h, ds);
  addTransposedProduct(dh, ds, weights.C);
}
