/**
 * The Bernoulli head: independent binary outputs. NLL of a row = sum over columns of softplus(l) - x·l, in nats.
 */
import { logits, logitsGradient, nll, outputWidth, outputs, targetColumns, targetOffsets, targetValues } from "./layout";
import { expNegativeAbs, laneMask, sigmoidFrom, softplusFrom, sumLanes } from "./math";

// @ts-ignore: decorator
@inline
function negate(p: usize): void {
  store<f32>(p, -load<f32>(p));
}

/**
 * NLL of each row from its logits, summed without cancellation: an active column adds softplus(l) - l = softplus(-l), so its
 * logit is negated for the loop, which also turns sigmoid(l) into 1 - sigmoid(l). Fills logitsGradient with
 * scale · (sigmoid(l) - x) when `training`.
 */
export function bernoulli(rows: i32, training: bool, scale: f32): void {
  for (let row = 0; row < rows; row++) bernoulliRow(row, training, scale);
}

/**
 * The same in training under soft targets, (rows, outputWidth) probabilities at targetValues: sum of softplus(l) - t·l, and
 * scale · (sigmoid(l) - t).
 */
export function softBernoulli(rows: i32, scale: f32): void {
  const step: usize = outputWidth << 2;
  const last = step - 16;
  const tail = laneMask(outputs - ((outputWidth - 4) as i32));
  const scale4 = f32x4.splat(scale);
  for (let row = 0; row < rows; row++) {
    const l = logits + row * step;
    const target = targetValues + row * step;
    let sum = f32x4.splat(0);
    for (let j: usize = 0; j < step; j += 16) {
      const x = v128.load(l + j);
      const t = v128.load(target + j);
      const e = expNegativeAbs(x);
      let loss = f32x4.sub(softplusFrom(e, x), f32x4.mul(t, x));
      let slope = f32x4.mul(f32x4.sub(sigmoidFrom(e, x), t), scale4);
      if (j == last) {
        loss = v128.and(loss, tail);
        slope = v128.and(slope, tail);
      }
      sum = f32x4.add(sum, loss);
      v128.store(logitsGradient + row * step + j, slope);
    }
    store<f32>(nll + (row << 2), sumLanes(sum));
  }
}

export function bernoulliRow(row: i32, training: bool, scale: f32): void {
  const step: usize = outputWidth << 2;
  const full = outputs & ~3;
  const tail = laneMask(outputs - full);
  const l = logits + row * step;
  const dl = logitsGradient + row * step;
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
    if (training) v128.store(dl + j, p);
  }
  for (let column = from; column < to; column++) {
    const at = <usize>load<u8>(column) << 2;
    negate(l + at); // in training also its gradient
    if (training && dl != l) negate(dl + at);
  }
  store<f32>(nll + (row << 2), sumLanes(sum));
}
