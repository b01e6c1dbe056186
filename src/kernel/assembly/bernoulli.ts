/**
 * The Bernoulli head: independent binary outputs. NLL of a row = sum over columns of softplus(l) - x·l, in nats.
 */
import { multiply, multiplyTransposed, addRows, transpose } from "./gemm";
import { A, AT, a, dropped, gradient, hidden, hiddenGradient, logits, mask, nll, outputWidth, outputs, targetColumns, targetOffsets, W, width } from "./layout";
import { expNegativeAbs, laneMask, random, sigmoidFrom, softplusFrom, sumLanes } from "./math";

// @ts-ignore: decorator
@inline
function negate(p: usize): void {
  store<f32>(p, -load<f32>(p));
}

/**
 * Logits of all rows from `input` (rows, width), hidden or dropped, and the NLL of each, summed without cancellation: an active column adds softplus(l) - l =
 * softplus(-l), so its logit is negated for the loop, which also turns sigmoid(l) into 1 - sigmoid(l). Overwrites the logits
 * by scale · (sigmoid(l) - x) when `training`.
 */
export function head(rows: i32, input: usize, training: bool, scale: f32): void {
  const step: usize = outputWidth << 2;
  for (let row = 0; row < rows; row++) memory.copy(logits + row * step, a, step);
  multiply(rows, outputWidth, width, input, width, A, outputWidth, logits, outputWidth);

  const full = outputs & ~3;
  const tail = laneMask(outputs - full);
  for (let row = 0; row < rows; row++) {
    const l = logits + row * step;
    let sum = f32x4.splat(0);
    const from = targetColumns + load<u32>(targetOffsets + (row << 2));
    const to = targetColumns + load<u32>(targetOffsets + (row << 2), 4);
    for (let column = from; column < to; column++) negate(l + (load<u8>(column) << 2));
    for (let j: usize = 0; j < step; j += 16) {
      const x = v128.load(l + j);
      const e = expNegativeAbs(x);
      let loss = softplusFrom(e, x);
      let p = training ? f32x4.mul(sigmoidFrom(e, x), f32x4.splat(scale)) : x;
      if (j == full << 2) {
        loss = v128.and(loss, tail);
        if (training) p = v128.and(p, tail);
      }
      sum = f32x4.add(sum, loss);
      if (training) v128.store(l + j, p);
    }
    for (let column = from; column < to; column++) negate(l + (load<u8>(column) << 2));
    store<f32>(nll + (row << 2), sumLanes(sum));
  }
}

/**
 * Draws a dropout mask for every hidden row and fills `dropped`: each unit is 0 with probability `rate`, else scaled by
 * 1 / (1 - rate) so that nothing changes in the mean (Srivastava et al. 2014; on the way to the output only, as Zaremba et
 * al. 2014).
 */
export function drop(rows: i32, rate: f32): void {
  const threshold = i32x4.splat(<i32><u32>(<f64>rate * 4294967296));
  const kept = f32x4.splat(1 / (1 - rate));
  const bytes: usize = (rows * width) << 2;
  for (let j: usize = 0; j < bytes; j += 16) {
    const m = v128.and(i32x4.ge_u(random(), threshold), kept);
    v128.store(mask + j, m);
    v128.store(dropped + j, f32x4.mul(v128.load(hidden + j), m));
  }
}

/** From the gradient of the logits: gradients of A and a, and of every hidden row into hiddenGradient. */
export function headBackward(rows: i32, input: usize): void {
  addRows(rows, outputWidth, logits, gradient + (a - W));
  multiplyTransposed(rows, width, outputWidth, input, width, logits, outputWidth, gradient + (A - W), outputWidth);
  transpose(width, outputWidth, A, AT);
  memory.fill(hiddenGradient, 0, (rows * width) << 2);
  multiply(rows, width, outputWidth, logits, outputWidth, AT, width, hiddenGradient, width);
  if (input != dropped) return;
  const bytes: usize = (rows * width) << 2;
  for (let j: usize = 0; j < bytes; j += 16) {
    v128.store(hiddenGradient + j, f32x4.mul(v128.load(hiddenGradient + j), v128.load(mask + j)));
  }
}
