/**
 * Frames drawn from what a NADE head gives, pitch by pitch from low to high. Four pitches at a time are taken as if the lower
 * ones of them were silent, which they mostly are; after the first that sounds, the others are drawn again.
 */
import { addRows, dot } from "./gemm";
import {
  context, drawnSquares, drawnSum, firstDrawn, hiddenWidth, logits, M, N, outputs, runs, sum, targetColumns,
} from "./layout";
import { laneMask, random, sigmoid, tanh } from "./math";

/**
 * Draws frames from row 0, whose `logits` hold h A + a and whose `context` is filled; `coldness` multiplies the logits of the
 * conditionals. On return, for each pitch, with p the probability that it sounds given the drawn pitches below it: firstDrawn has p in the first
 * frame, drawnSum and drawnSquares the sums, over all, of p less that and of its square; targetColumns has the
 * columns of the last frame. Returns how many these are.
 */
export function draw(frames: i32, coldness: f32): i32 {
  const bytes: usize = (outputs + 3) << 2;
  memory.fill(drawnSum, 0, bytes);
  memory.fill(drawnSquares, 0, bytes);
  let sounding = 0;
  for (let n = 0; n < frames; n++) sounding = drawFrame(n == 0, f32x4.splat(coldness));
  return sounding;
}

function drawFrame(isFirst: bool, coldness: v128): i32 {
  const step: usize = hiddenWidth << 2;
  memory.copy(sum, context, step);
  activate(step);
  let sounding = 0;
  for (let d = 0; d < outputs; ) {
    const m = M + d * step; // beyond the last pitch any numbers, whose lanes are left out
    const x = f32x4.replace_lane(
      f32x4.replace_lane(
        f32x4.replace_lane(
          f32x4.splat(dot(hiddenWidth, runs, m)), 1, dot(hiddenWidth, runs, m + step)
        ), 2, dot(hiddenWidth, runs, m + 2 * step)
      ), 3, dot(hiddenWidth, runs, m + 3 * step)
    );
    const at: usize = d << 2;
    const p = sigmoid(f32x4.mul(f32x4.add(x, v128.load(logits + at)), coldness));
    const u = f32x4.mul(f32x4.convert_i32x4_u(random()), f32x4.splat(2.3283064365386963e-10)); // 2^-32
    const hits = i32x4.bitmask(v128.and(f32x4.lt(u, p), laneMask(outputs - d)));
    const decided = hits ? ctz(hits) + 1 : min(4, outputs - d);
    if (isFirst) {
      v128.store(firstDrawn + at, p); // what is not decided yet is written over
    } else {
      const change = v128.and(f32x4.sub(p, v128.load(firstDrawn + at)), laneMask(decided));
      v128.store(drawnSum + at, f32x4.add(v128.load(drawnSum + at), change));
      v128.store(drawnSquares + at, f32x4.add(v128.load(drawnSquares + at), f32x4.mul(change, change)));
    }
    d += decided;
    if (!hits) continue;
    store<u8>(targetColumns + sounding++, <u8>(d - 1));
    addRows(1, hiddenWidth, N + (d - 1) * step, sum);
    activate(step);
  }
  return sounding;
}

/** tanh(s) into the first of `runs`. */
function activate(step: usize): void {
  for (let j: usize = 0; j < step; j += 16) v128.store(runs + j, tanh(v128.load(sum + j)));
}
