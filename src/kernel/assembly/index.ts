/**
 * What the host calls. It writes a batch and a start state at the addresses of layout.ts, calls forward or gradients, and
 * reads the results at theirs; kernel.ts is the only caller.
 */
import { bernoulli, softBernoulli } from "./bernoulli";
import { addRows, multiply, multiplyTransposed, transpose } from "./gemm";
import { draw } from "./draw";
import { drop, outputBackward, outputProduct } from "./head";
import { mixture } from "./mixture";
import { contextProduct, nade } from "./nade";
import {
  gruBackward, gruForward, lstmBackward, lstmForward, packRecurrent, recurrentBackward, tanhBackward, tanhForward,
} from "./cells";
import {
  b, batchSizes, c0, carried, cell, cells, components, dropped, gateWidth, gates, gatesGradient, gradient, GRU, h0, hidden, hiddenUnits,
  inputColumns, inputOffsets, inputRows, inputValues, LSTM, parameterCount, skipRows, U, UT, W, width,
} from "./layout";
import { exp, expNegativeAbs, log1p, sigmoid, softplusFrom, storeNormals, tanh } from "./math";

export {
  a, A, average, b, batchSizes, C, c, c0, cells, drawnSquares, drawnSum, firstDrawn, gradient, h0, hidden, hiddenWidth, init, inputColumns, inputOffsets, inputRows, inputValues,
  logits, M, meanSquare, N, nll, outputWidth, parameterCount, targetColumns, targetOffsets, targetValues, U, V, velocity, W, width,
} from "./layout";
export { accumulate, adam, perturb, restore, rmsProp, useAverage } from "./optimizer";
export { randomStatePointer, storeNormals } from "./math";

/** gates = b + x W; of binary rows, b + the sum of the rows of W whose column is active. */
function inputProduct(rows: i32): void {
  const step: usize = gateWidth << 2;
  for (let row = 0; row < rows; row++) memory.copy(gates + row * step, b, step);
  if (components) {
    multiply(rows, gateWidth, inputRows, inputValues, inputRows, W, gateWidth, gates, gateWidth);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const g = gates + row * step;
    const to = inputColumns + load<u32>(inputOffsets + (row << 2), 4);
    for (let p = inputColumns + load<u32>(inputOffsets + (row << 2)); p < to; p++) {
      addRows(1, gateWidth, W + load<u8>(p) * step, g);
    }
  }
}

function inputBackward(rows: i32): void {
  const step: usize = gateWidth << 2;
  addRows(rows, gateWidth, gatesGradient, gradient + (b - W));
  if (components) {
    multiplyTransposed(rows, inputRows, gateWidth, inputValues, inputRows, gatesGradient, gateWidth, gradient, gateWidth);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const to = inputColumns + load<u32>(inputOffsets + (row << 2), 4);
    for (let p = inputColumns + load<u32>(inputOffsets + (row << 2)); p < to; p++) {
      addRows(1, gateWidth, gatesGradient + row * step, gradient + load<u8>(p) * step);
    }
  }
}

// @ts-ignore: decorator
@inline
function batchSize(step: i32): i32 {
  return load<i32>(batchSizes + (step << 2));
}

function recur(steps: i32): i32 {
  packRecurrent(steps, cell == GRU);
  let row = 0;
  let previousRow = -1;
  for (let t = 0; t < steps; t++) {
    const count = batchSize(t);
    if (cell == LSTM) lstmForward(row, previousRow, count);
    else if (cell == GRU) gruForward(row, previousRow, count);
    else tanhForward(row, previousRow, count);
    previousRow = row;
    row += count;
  }
  return row;
}

/** Outputs and NLL of all rows; in training their gradient too. `soft`: whether the targets of a Bernoulli head are probabilities. */
function head(rows: i32, input: usize, training: bool, scale: f32, soft: bool = false): void {
  outputProduct(rows, input);
  if (hiddenUnits) {
    contextProduct(rows, input);
    nade(rows, training, scale);
  } else if (components) mixture(rows, training, scale);
  else if (soft) softBernoulli(rows, scale);
  else bernoulli(rows, training, scale);
}

/** Runs `steps` steps over `rows` rows: hidden states, outputs and NLL of each row. */
export function forward(steps: i32, rows: i32): void {
  inputProduct(rows);
  recur(steps);
  head(rows, hidden, false, 1);
}

/** Draws frames from what follows the hidden state in row 0, under a NADE head: see draw.ts. */
export function drawFrames(frames: i32, coldness: f32): i32 {
  outputProduct(1, hidden);
  contextProduct(1, hidden);
  return draw(frames, coldness);
}

/** forward with dropout, then the gradient of scale · sum of the NLL with respect to every parameter. */
export function gradients(steps: i32, rows: i32, scale: f32, dropout: f32, soft: bool): void {
  inputProduct(rows);
  recur(steps);
  if (dropout > 0) drop(rows, dropout);
  const input = dropout > 0 ? dropped : hidden;
  memory.fill(gradient, 0, parameterCount << 2);
  head(rows, input, true, scale, soft);
  backward(steps, rows, input);
}

/**
 * Takes one row of a single sequence after the other, and after each a step of gradient descent on its NLL, which the later
 * rows and steps see. For a kernel without training: there the gradient is added to the parameters.
 */
export function adapt(rows: i32, rate: f32): void {
  const step: usize = width << 2;
  for (let row = 0; row < rows; row++) {
    inputProduct(1);
    recur(1);
    head(1, hidden, true, -rate);
    backward(1, 1, hidden);
    memory.copy(h0, hidden, step);
    if (cell == LSTM) memory.copy(c0, cells, step);
    skipRows(1);
  }
  skipRows(-rows);
}

/** Adds up the gradient from that of the outputs, by back-propagation through `steps` steps. */
function backward(steps: i32, rows: i32, input: usize): void {
  outputBackward(rows, input);

  if (UT) transpose(width, gateWidth, U, UT);
  if (cell == LSTM) memory.fill(carried, 0, (batchSize(0) * width) << 2);
  let row = rows;
  for (let t = steps - 1; t >= 0; t--) {
    const count = batchSize(t);
    row -= count;
    const previousRow = t ? row - batchSize(t - 1) : -1;
    if (cell == LSTM) lstmBackward(row, previousRow, count);
    else if (cell == GRU) gruBackward(row, previousRow, count);
    else tanhBackward(row, previousRow, count);
  }

  // Steps of one batch size share a matrix product: their previous hidden rows lie side by side.
  recurrentBackward(0, -1, batchSize(0), cell == GRU);
  row = batchSize(0);
  for (let t = 1; t < steps; ) {
    const count = batchSize(t);
    const previousRow = row - batchSize(t - 1);
    let run = count;
    for (t++; t < steps && batchSize(t) == count && batchSize(t - 2) == count; t++) run += count;
    recurrentBackward(row, previousRow, run, cell == GRU);
    row += run;
  }
  inputBackward(rows);
}

/** Applies exp (0), sigmoid (1), tanh (2), softplus (3) or log1p (4) to `vectors` vectors in place: for the tests. */
export function apply(f: i32, target: usize, vectors: i32): void {
  for (let n = 0; n < vectors; n++, target += 16) {
    const x = v128.load(target);
    v128.store(
      target,
      f == 0 ? exp(x) : f == 1 ? sigmoid(x) : f == 2 ? tanh(x) : f == 3 ? softplusFrom(expNegativeAbs(x), x) : log1p(x),
    );
  }
}
