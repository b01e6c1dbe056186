/**
 * Outputs of a mixture head -> GaussianMixture: the density of the samples of one block, a mixture of Gaussians of diagonal
 * covariance (Bishop 1994; Chung et al. 2014, section 4.1).
 */

import { LOG_SCALE_FLOOR, type MixtureShape } from "../kernel/config.ts";
import { normal } from "../util/random.ts";

const LOG_ROOT_TWO_PI = Math.log(2 * Math.PI) / 2;

/** p(x) = Σ_k w_k Π_d N(x_d; μ_kd, σ_kd). Plain numbers in float64. */
export class GaussianMixture {
  readonly weights: readonly number[]; // (K), they add up to 1
  readonly means: readonly (readonly number[])[]; // (K, B)
  readonly scales: readonly (readonly number[])[]; // (K, B), standard deviations

  constructor({ weights, means, scales }: Pick<GaussianMixture, "weights" | "means" | "scales">) {
    this.weights = weights;
    this.means = means;
    this.scales = scales;
  }

  /** @param outputs (O) of the head: K weight logits, (K, B) means, (K, B) log scales. */
  static ofOutputs(outputs: Float32Array, { components, block }: MixtureShape): GaussianMixture {
    const table = (start: number, value: (output: number) => number) =>
      Array.from({ length: components }, (_, k) =>
        Array.from(outputs.subarray(start + k * block, start + (k + 1) * block), value),
      );
    return new GaussianMixture({
      weights: normalised(Array.from(outputs.subarray(0, components))),
      means: table(components, (mean) => mean),
      scales: table(components * (1 + block), (scale) => Math.exp(Math.max(scale, LOG_SCALE_FLOOR))),
    });
  }

  /** -log of the density of the block's first samples, whatever the others are, nats. */
  nll(first: ArrayLike<number>): number {
    return -logSumExp(this.#jointLogs(first));
  }

  /** The density of the block's other samples once its first are known. */
  given(first: ArrayLike<number>): GaussianMixture {
    if (first.length === 0) return this;
    return new GaussianMixture({
      weights: normalised(this.#jointLogs(first)),
      means: this.means.map((row) => row.slice(first.length)),
      scales: this.scales.map((row) => row.slice(first.length)),
    });
  }

  /** (B) */
  expected(): number[] {
    const [first] = this.means;
    return first.map((_, d) => this.weights.reduce((sum, weight, k) => sum + weight * this.means[k][d], 0));
  }

  /**
   * Draws a block (B).
   * @param draw uniform in [0, 1)
   * @param temperature T: each component's density to the power 1/T, so its deviations grow by √T, and its weight alike
   */
  sample(draw: () => number, temperature: number): number[] {
    const weights = normalised(this.weights.map((weight) => Math.log(weight) / temperature));
    let left = draw();
    let chosen = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    if (chosen === -1) chosen = weights.indexOf(Math.max(...weights)); // the weights fell short of 1 by rounding
    return this.means[chosen].map((mean, d) => mean + Math.sqrt(temperature) * this.scales[chosen][d] * normal(draw));
  }

  /** The density of a x + b where this is that of x. */
  scaled(a: number, b: number): GaussianMixture {
    return new GaussianMixture({
      weights: this.weights,
      means: this.means.map((row) => row.map((mean) => a * mean + b)),
      scales: this.scales.map((row) => row.map((scale) => a * scale)),
    });
  }

  /** log w_k N(first; μ_k, σ_k) of each component. */
  #jointLogs(first: ArrayLike<number>): number[] {
    return this.weights.map((weight, k) => {
      let log = Math.log(weight);
      for (let d = 0; d < first.length; d++) {
        const scale = this.scales[k][d];
        log -= ((first[d] - this.means[k][d]) / scale) ** 2 / 2 + Math.log(scale) + LOG_ROOT_TWO_PI;
      }
      return log;
    });
  }
}

/** Softmax. */
function normalised(logs: readonly number[]): number[] {
  const all = logSumExp(logs);
  return logs.map((log) => Math.exp(log - all));
}

function logSumExp(logs: readonly number[]): number {
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
}
