/**
 * What training does to the parameters between two passes: weight noise (Graves 2011), gradient-norm rescaling
 * (Pascanu et al. 2013), and RMSProp with momentum or Adam (Kingma and Ba 2015).
 */
import { A, a, average, b, C, c, cell, gateCount, gateWidth, gradient, hiddenUnits, hiddenWidth, inputs, LSTM, M, meanSquare, N, outputWidth, outputs, parameterCount, saved, U, units, V, velocity, W, width } from "./layout";
import { laneMask, madd, storeNormals } from "./math";

const normals: usize = memory.data(32, 16);

/** Adds sigma · N(0, 1) to `segments` segments of `length` floats that lie `stride` floats apart; the padding stays. */
function addNoise(target: usize, segments: i32, length: i32, stride: i32, sigma: f32): void {
  const scale = f32x4.splat(sigma);
  for (let segment = 0; segment < segments; segment++, target += stride << 2) {
    for (let j = 0; j < length; j += 4) {
      const half = (j & 4) << 2;
      if (!half) storeNormals(normals);
      const noise = v128.and(f32x4.mul(v128.load(normals + half), scale), laneMask(length - j));
      const p = target + (j << 2);
      v128.store(p, f32x4.add(v128.load(p), noise));
    }
  }
}

/** Sets the parameters aside and adds Gaussian noise of deviation sigma to each of them. */
export function perturb(sigma: f32): void {
  memory.copy(saved, W, parameterCount << 2);
  addNoise(W, inputs * gateCount, units, width, sigma);
  addNoise(U, units * gateCount, units, width, sigma);
  addNoise(b, gateCount, units, width, sigma);
  if (cell == LSTM) addNoise(V, 3, units, width, sigma);
  addNoise(A, units, outputs, outputWidth, sigma);
  addNoise(a, 1, outputs, outputWidth, sigma);
  if (!hiddenUnits) return;
  addNoise(C, units, hiddenUnits, hiddenWidth, sigma);
  addNoise(c, 1, hiddenUnits, hiddenWidth, sigma);
  addNoise(N, outputs, hiddenUnits, hiddenWidth, sigma);
  addNoise(M, outputs, hiddenUnits, hiddenWidth, sigma);
}

/** Puts the parameters back as they were before perturb or useAverage. */
export function restore(): void {
  memory.copy(W, saved, parameterCount << 2);
}

/** average = decay · average + (1 - decay) · parameters. */
export function accumulate(decay: f32): void {
  const decay4 = f32x4.splat(decay);
  const rest4 = f32x4.splat(1 - decay);
  const bytes: usize = parameterCount << 2;
  for (let j: usize = 0; j < bytes; j += 16) {
    const p = v128.load(W + j);
    v128.store(average + j, madd(decay4, v128.load(average + j), f32x4.mul(rest4, p)));
  }
}

/** Sets the parameters aside and puts their average in their place, until restore. */
export function useAverage(): void {
  memory.copy(saved, W, parameterCount << 2);
  memory.copy(W, average, parameterCount << 2);
}

/** Euclidean norm of the gradient, summed in float64. */
export function gradientNorm(): f64 {
  let sum = f64x2.splat(0);
  const end = gradient + (parameterCount << 2);
  for (let p = gradient; p < end; p += 16) {
    const g = v128.load(p);
    const low = f64x2.promote_low_f32x4(g);
    const high = f64x2.promote_low_f32x4(v128.shuffle<u64>(g, g, 1, 1));
    sum = f64x2.add(sum, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  return Math.sqrt(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
}

/** By what the gradient is multiplied so that its norm is at most maxNorm. */
// @ts-ignore: decorator
@inline
function rescaling(norm: f64, maxNorm: f32): v128 {
  return f32x4.splat(norm > maxNorm ? <f32>(maxNorm / norm) : 1);
}

/**
 * Rescales the gradient to norm maxNorm when it is larger, then one step of RMSProp with momentum:
 * s = decay·s + (1 - decay)·g², v = momentum·v - learningRate·g / max(√s, floor), parameters += v. Returns the norm found; when
 * that is not finite nothing is changed.
 */
export function rmsProp(maxNorm: f32, learningRate: f32, decay: f32, momentum: f32, floor: f32): f64 {
  const norm = gradientNorm();
  if (!isFinite(norm)) return norm;
  const rescale = rescaling(norm, maxNorm);
  const rate4 = f32x4.splat(learningRate);
  const decay4 = f32x4.splat(decay);
  const rest4 = f32x4.splat(1 - decay);
  const momentum4 = f32x4.splat(momentum);
  const floor4 = f32x4.splat(floor);
  const bytes: usize = parameterCount << 2;
  for (let j: usize = 0; j < bytes; j += 16) {
    const g = f32x4.mul(v128.load(gradient + j), rescale);
    const s = madd(decay4, v128.load(meanSquare + j), f32x4.mul(rest4, f32x4.mul(g, g)));
    const step = f32x4.div(f32x4.mul(rate4, g), f32x4.pmax(floor4, f32x4.sqrt(s)));
    const v = f32x4.sub(f32x4.mul(momentum4, v128.load(velocity + j)), step);
    v128.store(meanSquare + j, s);
    v128.store(velocity + j, v);
    v128.store(W + j, f32x4.add(v128.load(W + j), v));
  }
  return norm;
}

/**
 * Rescales the gradient likewise, then one step of Adam: s = decay·s + (1 - decay)·g², v = momentum·v + (1 - momentum)·g,
 * parameters -= learningRate·v̂ / (√ŝ + floor), where v̂ = v·meanScale and ŝ = s·squareScale make up for the zeros from which both
 * began; decay is in float64, since 1 - decay loses digits in float32. Returns the norm found; when that is not finite nothing is changed.
 */
export function adam(
  maxNorm: f32, learningRate: f32, decay: f64, momentum: f64, floor: f32, meanScale: f32, squareScale: f32,
): f64 {
  const norm = gradientNorm();
  if (!isFinite(norm)) return norm;
  const rescale = rescaling(norm, maxNorm);
  const rate4 = f32x4.splat(learningRate * meanScale);
  const decay4 = f32x4.splat(<f32>decay);
  const decayRest4 = f32x4.splat(<f32>(1 - decay));
  const momentum4 = f32x4.splat(<f32>momentum);
  const momentumRest4 = f32x4.splat(<f32>(1 - momentum));
  const floor4 = f32x4.splat(floor);
  const squareScale4 = f32x4.splat(squareScale);
  const bytes: usize = parameterCount << 2;
  for (let j: usize = 0; j < bytes; j += 16) {
    const g = f32x4.mul(v128.load(gradient + j), rescale);
    const s = madd(decay4, v128.load(meanSquare + j), f32x4.mul(decayRest4, f32x4.mul(g, g)));
    const v = madd(momentum4, v128.load(velocity + j), f32x4.mul(momentumRest4, g));
    const root = f32x4.add(f32x4.sqrt(f32x4.mul(s, squareScale4)), floor4);
    v128.store(meanSquare + j, s);
    v128.store(velocity + j, v);
    v128.store(W + j, f32x4.sub(v128.load(W + j), f32x4.div(f32x4.mul(rate4, v), root)));
  }
  return norm;
}
