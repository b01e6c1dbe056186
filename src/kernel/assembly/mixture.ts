/**
 * The mixture head: K Gaussians of diagonal covariance over B dimensions (Bishop 1994, "Mixture density networks"). Outputs
 * of a row: K weight logits w, then (K, B) means μ, then (K, B) log scales s. With σ = e^max(s, floor) and z = (x - μ) / σ,
 * NLL = logsumexp(w) - logsumexp_k(w_k - Σ_d (z²/2 + log σ)) + B/2 log 2π, in nats.
 */
import {
  block, components, half, logits, meansGradient, nll, outputWidth, posterior, prior, scalesGradient, targetValues, tiled,
} from "./layout";
import { exp } from "./math";

/** LOG_SCALE_FLOOR of config.ts. */
const FLOOR: f32 = -7;
const HALF_LOG_TWO_PI: f64 = 0.9189385332046727;
/** Of |z|, so that the sum over a block stays finite wherever a mean lies. */
const MAX_Z: f32 = 1e15;

/**
 * From log weights at p (K) to their softmax, in place. Returns the log of the sum. The lanes of the padding are kept out by
 * numbers whose exponential is below 1e-37 of the largest.
 */
function normalise(p: usize): f64 {
  let largest = load<f32>(p);
  for (let k: usize = 1; k < <usize>components; k++) largest = max(largest, load<f32>(p + (k << 2)));
  const end = p + (((components + 3) & ~3) << 2);
  for (let q = p + (components << 2); q < end; q += 4) store<f32>(q, largest - 1000);
  const shift = f32x4.splat(largest);
  let sum: f64 = 0;
  for (let q = p; q < end; q += 16) v128.store(q, exp(f32x4.sub(v128.load(q), shift)));
  for (let k: usize = 0; k < <usize>components; k++) sum += <f64>load<f32>(p + (k << 2));
  const scale = f32x4.splat(<f32>(1 / sum));
  for (let q = p; q < end; q += 16) v128.store(q, f32x4.mul(v128.load(q), scale));
  return <f64>largest + Math.log(sum);
}

/** NLL of each row from its outputs; overwrites them by the gradient of scale · NLL when `training`. */
export function mixture(rows: i32, training: bool, scale: f32): void {
  const count: usize = components * block;
  const floor = f32x4.splat(FLOOR);
  const limit = f32x4.splat(MAX_Z);
  for (let row = 0; row < rows; row++) {
    const weights = logits + ((row * outputWidth) << 2);
    const means = weights + (components << 2);
    const scales = means + (count << 2);
    const target = targetValues + ((row * block) << 2);
    for (let k: usize = 0; k < <usize>components; k++) memory.copy(tiled + ((k * block) << 2), target, block << 2);

    // Lanes beyond the last Gaussian hold what comes after; nothing reads their results.
    for (let j: usize = 0; j < count << 2; j += 16) {
      const raw = v128.load(scales + j);
      const s = f32x4.pmax(raw, floor);
      const precision = exp(f32x4.neg(s)); // 1 / σ
      let z = f32x4.mul(f32x4.sub(v128.load(tiled + j), v128.load(means + j)), precision);
      z = f32x4.pmax(f32x4.pmin(z, limit), f32x4.neg(limit));
      const squared = f32x4.mul(z, z);
      v128.store(half + j, f32x4.add(f32x4.mul(squared, f32x4.splat(0.5)), s));
      if (!training) continue;
      v128.store(meansGradient + j, f32x4.neg(f32x4.mul(z, precision)));
      v128.store(scalesGradient + j, v128.and(f32x4.sub(f32x4.splat(1), squared), f32x4.gt(raw, floor)));
    }
    for (let k: usize = 0; k < <usize>components; k++) {
      let sum: f32 = 0;
      for (let d: usize = 0; d < <usize>block; d++) sum += load<f32>(half + ((k * block + d) << 2));
      const w = load<f32>(weights + (k << 2));
      store<f32>(prior + (k << 2), w);
      store<f32>(posterior + (k << 2), w - sum);
    }
    const loss = normalise(prior) - normalise(posterior) + HALF_LOG_TWO_PI * <f64>block;
    store<f32>(nll + (row << 2), <f32>loss);
    if (training) gradientOf(weights, scale);
  }
}

/** dNLL/dw = prior - posterior, dNLL/dμ = -posterior · z / σ, dNLL/ds = posterior · (1 - z²), 0 below the floor. */
function gradientOf(weights: usize, scale: f32): void {
  for (let k: usize = 0; k < <usize>components; k++) {
    const share = scale * load<f32>(posterior + (k << 2));
    store<f32>(weights + (k << 2), scale * load<f32>(prior + (k << 2)) - share);
    for (let p = (k * block) << 2; p < ((k + 1) * block) << 2; p += 4) {
      store<f32>(meansGradient + p, share * load<f32>(meansGradient + p));
      store<f32>(scalesGradient + p, share * load<f32>(scalesGradient + p));
    }
  }
  const bytes: usize = (components * block) << 2;
  const means = weights + (components << 2);
  memory.copy(means, meansGradient, bytes);
  memory.copy(means + bytes, scalesGradient, bytes);
}
