/**
 * The NADE head (Larochelle and Murray 2011; RNN-NADE, Boulanger-Lewandowski et al. 2012, section 3.2): pitches from low to
 * high, each given those below it. s = c + h C, and s += N_n after each sounding pitch n; the logit of pitch d is
 * (h A + a)_d + M_d · tanh(s). The papers have σ(s), which is the same family of
 * functions, as σ(x) = (1 + tanh(x/2)) / 2, but trained worse: GRU on JSB Chorales, 60 epochs, valid 5.16 and 5.18 nats per
 * frame against 5.06 and 5.10 from the same two seeds. As s only changes after a sounding pitch, a row is a few runs of
 * silent pitches, each with one tanh.
 */
import { bernoulliRow } from "./bernoulli";
import { addRows, dot, multiply, multiplyByTranspose, multiplyTransposed } from "./gemm";
import {
  C, c, context, contextGradient, CT, gradient, hiddenGradient, hiddenWidth, logits, logitsGradient, M, N, outputs, outputWidth, runs, sum,
  targetColumns, targetOffsets, W, width,
} from "./layout";
import { madd, tanh } from "./math";

/** Hidden units of the head of each row before the first pitch: c + input C, with `input` (rows, width). */
export function contextProduct(rows: i32, input: usize): void {
  const step: usize = hiddenWidth << 2;
  for (let row = 0; row < rows; row++) memory.copy(context + row * step, c, step);
  multiply(rows, hiddenWidth, width, input, width, C, hiddenWidth, context, hiddenWidth);
}

/**
 * NLL of each row. On entry `logits` holds h A + a; on return the logits of each pitch given those below it. When
 * `training`, logitsGradient and contextGradient are filled, and the gradients of M and N are added up.
 */
export function nade(rows: i32, training: bool, scale: f32): void {
  for (let row = 0; row < rows; row++) {
    const l = logits + ((row * outputWidth) << 2);
    const from = targetColumns + load<u32>(targetOffsets + (row << 2));
    const to = targetColumns + load<u32>(targetOffsets + (row << 2), 4);
    conditionals(row, l, from, to);
    bernoulliRow(row, training, scale);
    if (training) rowBackward(row, logitsGradient + ((row * outputWidth) << 2), from, to);
  }
}

/** Adds M_d · tanh(s) to the logits of a row whose sounding columns are at from … to - 1; tanh(s) of each run goes to `runs`. */
function conditionals(row: i32, l: usize, from: usize, to: usize): void {
  const step: usize = hiddenWidth << 2;
  memory.copy(sum, context + row * step, step);
  let first = 0;
  let t = runs;
  for (let column = from; ; column++, t += step) {
    const last = column < to ? <i32>load<u8>(column) : outputs - 1;
    for (let j: usize = 0; j < step; j += 16) v128.store(t + j, tanh(v128.load(sum + j)));
    for (let d = first; d <= last; d++) {
      const at = l + (d << 2);
      store<f32>(at, load<f32>(at) + dot(hiddenWidth, t, M + d * step));
    }
    if (column == to) return;
    addRows(1, hiddenWidth, N + last * step, sum);
    first = last + 1;
  }
}

/** The runs of conditionals() from high to low; the gradient of s adds up on the way and ends as that of the context. */
function rowBackward(row: i32, dl: usize, from: usize, to: usize): void {
  const step: usize = hiddenWidth << 2;
  const ds = contextGradient + row * step;
  const dM = gradient + (M - W);
  memory.fill(ds, 0, step);
  let t = runs + (to - from) * step;
  let last = outputs - 1;
  for (let column = to; ; column--, t -= step) {
    const first = column > from ? <i32>load<u8>(column - 1) + 1 : 0;
    memory.fill(sum, 0, step);
    for (let d = first; d <= last; d++) {
      const slope = v128.load_splat<f32>(dl + (d << 2));
      const m = M + d * step;
      const dm = dM + d * step;
      for (let j: usize = 0; j < step; j += 16) {
        v128.store(sum + j, madd(slope, v128.load(m + j), v128.load(sum + j))); // before dm, which may be m
        v128.store(dm + j, madd(slope, v128.load(t + j), v128.load(dm + j)));
      }
    }
    for (let j: usize = 0; j < step; j += 16) {
      const y = v128.load(t + j);
      const through = f32x4.sub(f32x4.splat(1), f32x4.mul(y, y));
      v128.store(ds + j, madd(through, v128.load(sum + j), v128.load(ds + j)));
    }
    if (column == from) return;
    last = first - 1; // a sounding pitch: all runs above it have its row of N
    addRows(1, hiddenWidth, ds, gradient + (N - W) + last * step);
  }
}

/** Gradients of C and c from contextGradient; adds what comes through the context to hiddenGradient. */
export function contextBackward(rows: i32, input: usize): void {
  multiplyByTranspose(rows, width, hiddenWidth, contextGradient, C, CT, hiddenGradient);
  addRows(rows, hiddenWidth, contextGradient, gradient + (c - W));
  multiplyTransposed(rows, width, hiddenWidth, input, width, contextGradient, hiddenWidth, gradient + (C - W), hiddenWidth);
}
