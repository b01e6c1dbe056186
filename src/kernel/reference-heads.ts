/**
 * The Bernoulli and the mixture head in float64, one row at a time: outputs and target -> NLL in nats, and its gradient. Bernoulli: Σ softplus(l) -
 * x l. Mixture: -log Σ_k softmax(w)_k N(x; μ_k, σ_k²), log σ = max(s, floor) (Bishop 1994, "Mixture density networks").
 */
import { expected } from "../errors.ts";
import { type Config, LOG_SCALE_FLOOR, type MixtureShape } from "./config.ts";
import type { Batch } from "./engine.ts";
import { sigmoid } from "./reference-cells.ts";

/** NLL of row r of a batch, given its outputs (O). */
export function headNll({ mixture }: Config, outputs: Float64Array, { targets }: Batch, r: number): number {
  if (mixture) return gaussians(mixture, outputs, dense(targets), r).nll;
  let nll = 0;
  for (const logit of outputs) nll += softplus(logit);
  eachTarget(targets, r, outputs.length, (d, target) => {
    nll -= target * outputs[d];
  });
  return nll;
}

/** Its gradient with respect to the outputs, (O). */
export function headGradient({ mixture }: Config, outputs: Float64Array, { targets }: Batch, r: number): Float64Array {
  if (mixture) return mixtureGradient(mixture, outputs, dense(targets), r);
  const gradient = outputs.map(sigmoid);
  eachTarget(targets, r, outputs.length, (d, target) => {
    gradient[d] -= target;
  });
  return gradient;
}

/** Calls visit with each target of row r that is not 0: 1 of sparse rows, a probability of dense ones. */
function eachTarget(rows: Batch["targets"], r: number, length: number, visit: (d: number, target: number) => void) {
  if (rows instanceof Float32Array) rows.subarray(r * length, (r + 1) * length).forEach((t, d) => void visit(d, t));
  else for (const d of activeColumns(rows, r)) visit(d, 1);
}

function dense(rows: Batch["targets"]): Float32Array {
  if (rows instanceof Float32Array) return rows;
  throw new TypeError(expected("dense rows", "sparse ones"));
}

/** Columns of row r that are active. */
export function activeColumns(rows: Batch["inputs"], r: number): Iterable<number> {
  if (rows instanceof Float32Array) throw new TypeError(expected("sparse rows", "dense ones"));
  return rows.columns.subarray(rows.offsets[r], rows.offsets[r + 1]);
}

/** log(1 + e^x), without overflow and without cancellation. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** log Σ e^x. */
export function logSumExp(values: Float64Array): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/** NLL and, for the gradient, log weights, log of the joint density of each Gaussian, and (K, B) z. */
function gaussians({ components, block }: MixtureShape, outputs: Float64Array, targets: Float32Array, r: number) {
  const weights = outputs.subarray(0, components);
  const z = new Float64Array(components * block);
  const joint = Float64Array.from(weights, (weight, k) => {
    let sum = weight;
    for (let d = 0; d < block; d++) {
      const at = components + k * block + d;
      const logScale = Math.max(outputs[at + components * block], LOG_SCALE_FLOOR);
      const value = (targets[r * block + d] - outputs[at]) / Math.exp(logScale);
      z[k * block + d] = value;
      sum -= value ** 2 / 2 + logScale + Math.log(2 * Math.PI) / 2;
    }
    return sum;
  });
  const [logPrior, logJoint] = [logSumExp(weights), logSumExp(joint)];
  return { nll: logPrior - logJoint, weights, joint, logPrior, logJoint, z };
}

function mixtureGradient(shape: MixtureShape, outputs: Float64Array, targets: Float32Array, r: number): Float64Array {
  const { components, block } = shape;
  const { weights, joint, logPrior, logJoint, z } = gaussians(shape, outputs, targets, r);
  const gradient = new Float64Array(outputs.length);
  for (let k = 0; k < components; k++) {
    const posterior = Math.exp(joint[k] - logJoint);
    gradient[k] = Math.exp(weights[k] - logPrior) - posterior;
    for (let d = 0; d < block; d++) {
      const at = components + k * block + d;
      const logScale = outputs[at + components * block];
      const value = z[k * block + d];
      gradient[at] = (-posterior * value) / Math.exp(Math.max(logScale, LOG_SCALE_FLOOR));
      gradient[at + components * block] = logScale > LOG_SCALE_FLOOR ? posterior * (1 - value ** 2) : 0;
    }
  }
  return gradient;
}
