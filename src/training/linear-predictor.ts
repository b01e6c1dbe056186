/**
 * The plainest model of speech: each sample from the 20 before it by linear prediction (least squares by the covariance
 * method, Makhoul 1975), with a Gaussian residual of one variance. A recurrent model that is worse is broken.
 */
import { expected } from "../errors.ts";
import { SPEECH } from "../kernel/config.ts";
import type { Sequence } from "./batches.ts";
import { isRoll, stepCount } from "./batches.ts";
import type { Scorer } from "./evaluate.ts";

const TAPS = 20;

export interface LinearPredictor extends Scorer {
  readonly coefficients: Float64Array; // (20), of the sample before, the one before that, …
  readonly variance: number; // of the residual
}

/** @param pieces standardised samples. */
export function linearPredictor(pieces: readonly Sequence[]): LinearPredictor {
  const recordings = pieces.filter((piece): piece is Float32Array => !isRoll(piece));
  const covariance = Array.from({ length: TAPS }, () => new Float64Array(TAPS + 1)); // and, last, that with the target
  for (const samples of recordings) {
    for (let n = TAPS; n < samples.length; n++) {
      for (let i = 0; i < TAPS; i++) {
        const x = samples[n - 1 - i];
        for (let j = 0; j <= i; j++) covariance[i][j] += x * samples[n - 1 - j];
        covariance[i][TAPS] += x * samples[n];
      }
    }
  }
  for (let i = 0; i < TAPS; i++) for (let j = 0; j < i; j++) covariance[j][i] = covariance[i][j];
  const coefficients = solve(covariance);
  const residual = (samples: Float32Array, n: number): number => {
    let predicted = 0;
    for (let i = 0; i < TAPS; i++) predicted += coefficients[i] * samples[n - 1 - i];
    return samples[n] - predicted;
  };
  let [count, squares] = [0, 0];
  for (const samples of recordings) {
    for (let n = TAPS; n < samples.length; n++) squares += residual(samples, n) ** 2;
    count += Math.max(0, samples.length - TAPS);
  }
  const variance = squares / count;
  return {
    coefficients,
    variance,
    score(piece) {
      if (isRoll(piece)) throw new TypeError(expected("samples", "a piano roll"));
      const { inputs, mixture } = SPEECH;
      const nll = Float64Array.from({ length: stepCount(piece) }, (_, k) => {
        let sum = 0;
        for (let d = 0; d < mixture.block; d++) {
          sum += residual(piece, inputs + k * mixture.block + d) ** 2 / variance + Math.log(2 * Math.PI * variance);
        }
        return sum / 2;
      });
      return { nll };
    },
  };
}

/** Gaussian elimination of n rows [matrix | right side], symmetric and positive definite: no pivoting. Overwrites them. */
function solve(rows: readonly Float64Array[]): Float64Array {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    for (let r = i + 1; r < n; r++) {
      const factor = rows[r][i] / rows[i][i];
      for (let c = i; c <= n; c++) rows[r][c] -= factor * rows[i][c];
    }
  }
  const solution = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    let rest = rows[i][n];
    for (let c = i + 1; c < n; c++) rest -= rows[i][c] * solution[c];
    solution[i] = rest / rows[i][i];
  }
  return solution;
}
