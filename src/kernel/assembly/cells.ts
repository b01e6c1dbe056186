/**
 * One time step of the three cells, forward and backward, over the rows of a batch. Equations: Chung et al. 2014,
 * arXiv 1412.3555, section 3; LSTM with the diagonal peepholes of Graves 2013. Gate blocks lie side by side in a row of
 * `gates`: tanh (h), LSTM (i, f, c, o), GRU (z, r, h). On entry to a forward step they hold x W + b.
 */
import { addProducts, multiply, multiplyTransposed, pack } from "./gemm";
import {
  b, c0, carried, cells, extra, gateWidth, gates, gatesGradient, gradient, h0, hidden, hiddenGradient, packedU, U, UT, V, W, width,
} from "./layout";
import { madd, sigmoid, tanh } from "./math";

// @ts-ignore: decorator
@inline
function one(): v128 {
  return f32x4.splat(1);
}

/** x(1 - x) · d: back through a sigmoid of value x. */
// @ts-ignore: decorator
@inline
function throughSigmoid(d: v128, x: v128): v128 {
  return f32x4.mul(f32x4.mul(d, x), f32x4.sub(one(), x));
}

/** (1 - x²) · d: back through a tanh of value x. */
// @ts-ignore: decorator
@inline
function throughTanh(d: v128, x: v128): v128 {
  return f32x4.mul(d, f32x4.sub(one(), f32x4.mul(x, x)));
}

/** Byte offset of a row of a (rows, width) array; previousRow is that of the step before, -1 for the start state. */
// @ts-ignore: decorator
@inline
function hiddenBefore(previousRow: i32): usize {
  return previousRow < 0 ? h0 : hidden + ((previousRow * width) << 2);
}

// @ts-ignore: decorator
@inline
function cellsBefore(previousRow: i32): usize {
  return previousRow < 0 ? c0 : cells + ((previousRow * width) << 2);
}

/** Beyond so many bytes, U does not stay in a first-level cache. */
const MAX_UNPACKED: usize = 32768;
/** Packing takes about as long as a step of one row. */
const MIN_PACKED_STEPS: i32 = 16;
let packs: bool = false;

/** To be called before the steps of a forward pass, so many of them. */
export function packRecurrent(steps: i32, isGru: bool): void {
  packs = steps >= MIN_PACKED_STEPS && <usize>(width * gateWidth) << 2 > MAX_UNPACKED;
  if (!packs) return;
  const together = isGru ? 2 * width : gateWidth;
  pack(width, together, U, gateWidth, packedU);
  pack(width, gateWidth - together, U + (together << 2), gateWidth, packedU + ((together * width) << 2));
}

/** Gates (rows, columns) from column `first` on += input (rows, width) times those columns of U. */
function recurrentProduct(rows: i32, columns: i32, input: usize, first: i32, g: usize): void {
  const packed = packs ? packedU + ((first * width) << 2) : 0;
  multiply(rows, columns, width, input, width, U + (first << 2), gateWidth, g + (first << 2), gateWidth, packed);
}

export function tanhForward(row: i32, previousRow: i32, count: i32): void {
  const g = gates + ((row * width) << 2);
  const h = hidden + ((row * width) << 2);
  recurrentProduct(count, width, hiddenBefore(previousRow), 0, g);
  const bytes: usize = (count * width) << 2;
  for (let j: usize = 0; j < bytes; j += 16) v128.store(h + j, tanh(v128.load(g + j)));
}

export function tanhBackward(row: i32, previousRow: i32, count: i32): void {
  const h = hidden + ((row * width) << 2);
  const dh = hiddenGradient + ((row * width) << 2);
  const dg = gatesGradient + ((row * width) << 2);
  const bytes: usize = (count * width) << 2;
  for (let j: usize = 0; j < bytes; j += 16) v128.store(dg + j, throughTanh(v128.load(dh + j), v128.load(h + j)));
  if (previousRow < 0) return;
  multiply(count, width, width, dg, width, UT, width, hiddenGradient + ((previousRow * width) << 2), width);
}

export function lstmForward(row: i32, previousRow: i32, count: i32): void {
  const gStep: usize = gateWidth << 2;
  const step: usize = width << 2;
  const g0 = gates + row * gStep;
  recurrentProduct(count, gateWidth, hiddenBefore(previousRow), 0, g0);
  const before = cellsBefore(previousRow);
  for (let n = 0; n < count; n++) {
    const g = g0 + n * gStep;
    const cp = before + n * step;
    const at: usize = (row + n) * step;
    for (let j: usize = 0; j < step; j += 16) {
      const gi = g + j;
      const gf = gi + step;
      const gc = gf + step;
      const go = gc + step;
      const cPrevious = v128.load(cp + j);
      const i = sigmoid(madd(v128.load(V + j), cPrevious, v128.load(gi)));
      const f = sigmoid(madd(v128.load(V + step + j), cPrevious, v128.load(gf)));
      const candidate = tanh(v128.load(gc));
      const c = f32x4.add(f32x4.mul(f, cPrevious), f32x4.mul(i, candidate));
      const o = sigmoid(madd(v128.load(V + 2 * step + j), c, v128.load(go)));
      const tanhC = tanh(c);
      v128.store(gi, i);
      v128.store(gf, f);
      v128.store(gc, candidate);
      v128.store(go, o);
      v128.store(cells + at + j, c);
      v128.store(extra + at + j, tanhC);
      v128.store(hidden + at + j, f32x4.mul(o, tanhC));
    }
  }
}

/** `carried` enters with dc from the step after (zero for sequences that end here) and leaves with dc of the step before. */
export function lstmBackward(row: i32, previousRow: i32, count: i32): void {
  const gStep: usize = gateWidth << 2;
  const step: usize = width << 2;
  const before = cellsBefore(previousRow);
  const dV = gradient + (V - W);
  for (let n = 0; n < count; n++) {
    const g = gates + (row + n) * gStep;
    const dg = gatesGradient + (row + n) * gStep;
    const cp = before + n * step;
    const at: usize = (row + n) * step;
    const dcAt = carried + n * step;
    for (let j: usize = 0; j < step; j += 16) {
      const i = v128.load(g + j);
      const f = v128.load(g + step + j);
      const candidate = v128.load(g + 2 * step + j);
      const o = v128.load(g + 3 * step + j);
      const c = v128.load(cells + at + j);
      const cPrevious = v128.load(cp + j);
      const tanhC = v128.load(extra + at + j);
      const dh = v128.load(hiddenGradient + at + j);
      const dO = throughSigmoid(f32x4.mul(dh, tanhC), o);
      let dc = f32x4.add(v128.load(dcAt + j), throughTanh(f32x4.mul(dh, o), tanhC));
      dc = madd(dO, v128.load(V + 2 * step + j), dc);
      const dI = throughSigmoid(f32x4.mul(dc, candidate), i);
      const dF = throughSigmoid(f32x4.mul(dc, cPrevious), f);
      v128.store(dg + j, dI);
      v128.store(dg + step + j, dF);
      v128.store(dg + 2 * step + j, throughTanh(f32x4.mul(dc, i), candidate));
      v128.store(dg + 3 * step + j, dO);
      let dcPrevious = f32x4.mul(dc, f);
      dcPrevious = madd(dI, v128.load(V + j), dcPrevious);
      v128.store(dcAt + j, madd(dF, v128.load(V + step + j), dcPrevious));
      v128.store(dV + j, madd(dI, cPrevious, v128.load(dV + j)));
      v128.store(dV + step + j, madd(dF, cPrevious, v128.load(dV + step + j)));
      v128.store(dV + 2 * step + j, madd(dO, c, v128.load(dV + 2 * step + j)));
    }
  }
  if (previousRow < 0) return;
  multiply(
    count, width, gateWidth, gatesGradient + row * gStep, gateWidth, UT, width, hiddenGradient + previousRow * step, width,
  );
}

export function gruForward(row: i32, previousRow: i32, count: i32): void {
  const gStep: usize = gateWidth << 2;
  const step: usize = width << 2;
  const g0 = gates + row * gStep;
  const before = hiddenBefore(previousRow);
  const rh = extra + row * step;
  recurrentProduct(count, 2 * width, before, 0, g0);
  for (let n = 0; n < count; n++) {
    const g = g0 + n * gStep;
    const at: usize = n * step;
    for (let j: usize = 0; j < step; j += 16) {
      const r = sigmoid(v128.load(g + step + j));
      v128.store(g + j, sigmoid(v128.load(g + j)));
      v128.store(g + step + j, r);
      v128.store(rh + at + j, f32x4.mul(r, v128.load(before + at + j)));
    }
  }
  recurrentProduct(count, width, rh, 2 * width, g0);
  for (let n = 0; n < count; n++) {
    const g = g0 + n * gStep;
    const at: usize = n * step;
    for (let j: usize = 0; j < step; j += 16) {
      const hPrevious = v128.load(before + at + j);
      const candidate = tanh(v128.load(g + 2 * step + j));
      v128.store(g + 2 * step + j, candidate);
      const h = madd(v128.load(g + j), f32x4.sub(candidate, hPrevious), hPrevious);
      v128.store(hidden + row * step + at + j, h);
    }
  }
}

export function gruBackward(row: i32, previousRow: i32, count: i32): void {
  const gStep: usize = gateWidth << 2;
  const step: usize = width << 2;
  const g0 = gates + row * gStep;
  const dg0 = gatesGradient + row * gStep;
  const dh0 = hiddenGradient + row * step;
  const before = hiddenBefore(previousRow);
  for (let n = 0; n < count; n++) {
    const g = g0 + n * gStep;
    const dg = dg0 + n * gStep;
    const at: usize = n * step;
    for (let j: usize = 0; j < step; j += 16) {
      const z = v128.load(g + j);
      const candidate = v128.load(g + 2 * step + j);
      const dh = v128.load(dh0 + at + j);
      v128.store(dg + j, throughSigmoid(f32x4.mul(dh, f32x4.sub(candidate, v128.load(before + at + j))), z));
      v128.store(dg + 2 * step + j, throughTanh(f32x4.mul(dh, z), candidate));
    }
  }
  // d(r ⊙ h)
  memory.fill(carried, 0, count * step);
  const dCandidate = dg0 + 2 * step;
  if (UT) multiply(count, width, width, dCandidate, gateWidth, UT + 2 * width * step, width, carried, width);
  else addProducts(width, width, dCandidate, U + 2 * step, gateWidth, carried); // one row at a time
  for (let n = 0; n < count; n++) {
    const g = g0 + n * gStep;
    const at: usize = n * step;
    for (let j: usize = 0; j < step; j += 16) {
      const r = v128.load(g + step + j);
      const drh = v128.load(carried + at + j);
      v128.store(dg0 + n * gStep + step + j, throughSigmoid(f32x4.mul(drh, v128.load(before + at + j)), r));
      if (previousRow < 0) continue;
      const target = hiddenGradient + previousRow * step + at + j;
      const kept = f32x4.mul(v128.load(dh0 + at + j), f32x4.sub(one(), v128.load(g + j)));
      v128.store(target, f32x4.add(v128.load(target), madd(drh, r, kept)));
    }
  }
  if (previousRow < 0) return;
  multiply(count, width, 2 * width, dg0, gateWidth, UT, width, hiddenGradient + previousRow * step, width);
}

/** Gradient of U from a run of rows whose previous hidden rows lie side by side. */
export function recurrentBackward(row: i32, previousRow: i32, rows: i32, isGru: bool): void {
  const dU = gradient + (U - W);
  const dg = gatesGradient + ((row * gateWidth) << 2);
  const before = hiddenBefore(previousRow);
  if (!isGru) {
    multiplyTransposed(rows, width, gateWidth, before, width, dg, gateWidth, dU, gateWidth);
    return;
  }
  const rh = extra + ((row * width) << 2);
  const third = (2 * width) << 2;
  multiplyTransposed(rows, width, 2 * width, before, width, dg, gateWidth, dU, gateWidth);
  multiplyTransposed(rows, width, width, rh, width, dg + third, gateWidth, dU + third, gateWidth);
}
