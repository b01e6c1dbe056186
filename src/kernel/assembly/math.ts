/**
 * Four-lane float32 exp, sigmoid, tanh, softplus and Gaussian noise. Polynomials are minimax fits (iteratively reweighted
 * least squares on Chebyshev nodes); the error that each adds stands beside it, test/kernel/math.test.ts holds the sums.
 */

/** a b + c: two roundings, the same bits on every machine; one in the relaxed build, where the machine has it. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function constant(value: f32): v128 {
  return f32x4.splat(value);
}

// The constants of exp and log1p stand in memory, each in all lanes: an engine loads one at once, and takes three
// instructions to build it from an immediate.
const expConstants: usize = memory.data<f32>([
  87, 87, 87, 87,
  -87, -87, -87, -87,
  1.44269504088896341, 1.44269504088896341, 1.44269504088896341, 1.44269504088896341,
  // 1.5·2^23: adding it leaves the nearest integer in the low mantissa bits
  12582912, 12582912, 12582912, 12582912,
  // 2^t for t in [-1/2, 1/2], relative error 1.9e-9
  0.00015345810970757157, 0.00015345810970757157, 0.00015345810970757157, 0.00015345810970757157,
  0.0013399930903688073, 0.0013399930903688073, 0.0013399930903688073, 0.0013399930903688073,
  0.009618489071726799, 0.009618489071726799, 0.009618489071726799, 0.009618489071726799,
  0.05550328642129898, 0.05550328642129898, 0.05550328642129898, 0.05550328642129898,
  0.24022646248340607, 0.24022646248340607, 0.24022646248340607, 0.24022646248340607,
  0.6931471824645996, 0.6931471824645996, 0.6931471824645996, 0.6931471824645996,
  1, 1, 1, 1,
], 16);
const log1pConstants: usize = memory.data<f32>([
  -0.0032440212089568377, -0.0032440212089568377, -0.0032440212089568377, -0.0032440212089568377,
  0.01985144428908825, 0.01985144428908825, 0.01985144428908825, 0.01985144428908825,
  -0.056959498673677444, -0.056959498673677444, -0.056959498673677444, -0.056959498673677444,
  0.10603651404380798, 0.10603651404380798, 0.10603651404380798, 0.10603651404380798,
  -0.15305590629577637, -0.15305590629577637, -0.15305590629577637, -0.15305590629577637,
  0.1967593878507614, 0.1967593878507614, 0.1967593878507614, 0.1967593878507614,
  -0.24954134225845337, -0.24954134225845337, -0.24954134225845337, -0.24954134225845337,
  0.3332996368408203, 0.3332996368408203, 0.3332996368408203, 0.3332996368408203,
  -0.4999990165233612, -0.4999990165233612, -0.4999990165233612, -0.4999990165233612,
], 16);

// @ts-ignore: decorator
@inline
function lanes(table: usize, n: usize): v128 {
  return v128.load(table + (n << 4));
}

/** e^x for x clamped to [-87, 87]; relative error below (1.2 + 0.75·|x|)·1e-7. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(x, lanes(expConstants, 0)), lanes(expConstants, 1));
  const exponent = f32x4.mul(clamped, lanes(expConstants, 2));
  const shift = lanes(expConstants, 3);
  const shifted = f32x4.add(exponent, shift);
  const t = f32x4.sub(exponent, f32x4.sub(shifted, shift));
  let p = madd(lanes(expConstants, 4), t, lanes(expConstants, 5));
  p = madd(p, t, lanes(expConstants, 6));
  p = madd(p, t, lanes(expConstants, 7));
  p = madd(p, t, lanes(expConstants, 8));
  p = madd(p, t, lanes(expConstants, 9));
  p = madd(p, t, lanes(expConstants, 10));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** log(1 + e) for e in [0, 1], relative error 5e-9 before rounding. */
// @ts-ignore: decorator
@inline
export function log1p(e: v128): v128 {
  let p = madd(lanes(log1pConstants, 0), e, lanes(log1pConstants, 1));
  p = madd(p, e, lanes(log1pConstants, 2));
  p = madd(p, e, lanes(log1pConstants, 3));
  p = madd(p, e, lanes(log1pConstants, 4));
  p = madd(p, e, lanes(log1pConstants, 5));
  p = madd(p, e, lanes(log1pConstants, 6));
  p = madd(p, e, lanes(log1pConstants, 7));
  p = madd(p, e, lanes(log1pConstants, 8));
  p = madd(p, e, constant(1));
  return f32x4.mul(p, e);
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(constant(1), f32x4.add(constant(1), exp(f32x4.neg(x))));
}

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  return f32x4.sub(constant(1), f32x4.div(constant(2), f32x4.add(constant(1), exp(f32x4.add(x, x)))));
}

/** e^-|x|, the one exponential from which softplus and sigmoid both follow without overflow. */
// @ts-ignore: decorator
@inline
export function expNegativeAbs(x: v128): v128 {
  return exp(f32x4.neg(f32x4.abs(x)));
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), given e = e^-|x|. */
// @ts-ignore: decorator
@inline
export function softplusFrom(e: v128, x: v128): v128 {
  return f32x4.add(f32x4.pmax(constant(0), x), log1p(e));
}

/** sigmoid(x), given e = e^-|x|: 1 / (1 + e) or, for negative x, e / (1 + e). */
// @ts-ignore: decorator
@inline
export function sigmoidFrom(e: v128, x: v128): v128 {
  const negative = f32x4.lt(x, constant(0));
  return f32x4.div(v128.bitselect(e, constant(1), negative), f32x4.add(constant(1), e));
}

/** All-ones in the lanes whose index is below n. */
// @ts-ignore: decorator
@inline
export function laneMask(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
}

// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

// xoshiro128++ 1.0 (Blackman, Vigna 2019), four independent streams in the four lanes.
const randomState: usize = memory.data(64, 16);

export function randomStatePointer(): usize {
  return randomState;
}

// @ts-ignore: decorator
@inline
function rotl(x: v128, k: i32): v128 {
  return v128.or(i32x4.shl(x, k), i32x4.shr_u(x, 32 - k));
}

/** Four uniform unsigned 32-bit integers. */
export function random(): v128 {
  let s0 = v128.load(randomState, 0);
  let s1 = v128.load(randomState, 16);
  let s2 = v128.load(randomState, 32);
  let s3 = v128.load(randomState, 48);
  const result = i32x4.add(rotl(i32x4.add(s0, s3), 7), s0);
  const t = i32x4.shl(s1, 9);
  s2 = v128.xor(s2, s0);
  s3 = v128.xor(s3, s1);
  s1 = v128.xor(s1, s2);
  s0 = v128.xor(s0, s3);
  s2 = v128.xor(s2, t);
  s3 = rotl(s3, 11);
  v128.store(randomState, s0, 0);
  v128.store(randomState, s1, 16);
  v128.store(randomState, s2, 32);
  v128.store(randomState, s3, 48);
  return result;
}

/** Writes eight standard normal variates to `target` (Box and Muller 1958; float32, so the tails end at 5.8 sigma). */
export function storeNormals(target: usize): void {
  const bits = random();
  // u = k / 2^24 with k in 1…2^24, as 2^e·m: -log u = -e·log 2 - log m
  const u = f32x4.mul(f32x4.convert_i32x4_u(i32x4.add(i32x4.shr_u(bits, 8), i32x4.splat(1))), constant(5.9604644775390625e-8));
  const e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(u, 23), i32x4.splat(127)));
  const m = v128.or(v128.and(u, i32x4.splat(0x7fffff)), constant(1));
  const logU = madd(e, constant(0.6931471805599453), log1p(f32x4.sub(m, constant(1))));
  const radius = f32x4.sqrt(f32x4.pmax(constant(0), f32x4.mul(constant(-2), logU)));
  // angle pi·w with w in [-1/2, 1/2): the right half circle; a spare bit mirrors it to the left
  const w = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(random(), 8)), constant(5.9604644775390625e-8));
  const w2 = f32x4.mul(w, w);
  let sin = madd(constant(0.07765940576791763), w2, constant(-0.5982921719551086)); // sin(pi w) / w, error 1.4e-8
  sin = madd(sin, w2, constant(2.5500776767730713));
  sin = madd(sin, w2, constant(-5.167710304260254));
  sin = f32x4.mul(madd(sin, w2, constant(3.1415927410125732)), w);
  let cos = madd(constant(0.2196968048810959), w2, constant(-1.3318802118301392)); // cos(pi w), error 4.7e-8
  cos = madd(cos, w2, constant(4.058412075042725));
  cos = madd(cos, w2, constant(-4.934792995452881));
  cos = madd(cos, w2, constant(1));
  const mirror = i32x4.shl(bits, 31);
  v128.store(target, f32x4.mul(radius, sin), 0);
  v128.store(target, f32x4.mul(radius, v128.xor(cos, mirror)), 16);
}
