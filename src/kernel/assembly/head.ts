/**
 * The output layer, hidden rows -> outputs, which all heads read: its product, dropout before it, and the way back.
 */
import { addRows, multiply, multiplyByTranspose, multiplyTransposed } from "./gemm";
import { contextBackward } from "./nade";
import { A, AT, a, dropped, gradient, hidden, hiddenGradient, hiddenUnits, logits, logitsGradient, mask, outputWidth, W, width } from "./layout";
import { random } from "./math";

/** Outputs of all rows from `input` (rows, width), hidden or dropped. */
export function outputProduct(rows: i32, input: usize): void {
  const step: usize = outputWidth << 2;
  for (let row = 0; row < rows; row++) memory.copy(logits + row * step, a, step);
  multiply(rows, outputWidth, width, input, width, A, outputWidth, logits, outputWidth);
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

/** From logitsGradient: gradients of A and a, and of every hidden row into hiddenGradient. */
export function outputBackward(rows: i32, input: usize): void {
  // The gradient may stand in the parameters themselves, so they are read first.
  memory.fill(hiddenGradient, 0, (rows * width) << 2);
  multiplyByTranspose(rows, width, outputWidth, logitsGradient, A, AT, hiddenGradient);
  addRows(rows, outputWidth, logitsGradient, gradient + (a - W));
  multiplyTransposed(rows, width, outputWidth, input, width, logitsGradient, outputWidth, gradient + (A - W), outputWidth);
  if (hiddenUnits) contextBackward(rows, input);
  if (input != dropped) return;
  const bytes: usize = (rows * width) << 2;
  for (let j: usize = 0; j < bytes; j += 16) {
    v128.store(hiddenGradient + j, f32x4.mul(v128.load(hiddenGradient + j), v128.load(mask + j)));
  }
}
