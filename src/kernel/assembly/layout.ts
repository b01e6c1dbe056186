/**
 * Where everything lies. One instance of the kernel holds one model: init() lays memory out once, nothing moves after.
 * Unit and output columns are padded with zeros to multiples of 4 lanes; padded weights, gradients and states stay zero.
 */

export const TANH: i32 = 0;
export const LSTM: i32 = 1;
export const GRU: i32 = 2;

export let cell: i32 = 0;
export let inputs: i32 = 0; // D
export let units: i32 = 0; // H
export let outputs: i32 = 0; // O
export let components: i32 = 0; // K, Gaussians of the mixture head; 0: Bernoulli head and binary rows
export let block: i32 = 0; // B, dimensions of a Gaussian
export let hiddenUnits: i32 = 0; // K, hidden units of the NADE head; 0: another head
export let gateCount: i32 = 0; // G
export let width: i32 = 0; // H padded
export let gateWidth: i32 = 0; // G · width
export let outputWidth: i32 = 0; // O padded
export let hiddenWidth: i32 = 0; // K of the NADE head, padded
export let inputRows: i32 = 0; // D, padded for dense rows
export let parameterCount: i32 = 0; // floats from W on, padding included

// Parameters, in this order and without gaps. Saved, gradient and optimizer buffers have the same layout.
export let W: usize = 0; // (inputRows, gateWidth)
export let U: usize = 0; // (width, gateWidth)
export let b: usize = 0; // (gateWidth)
export let V: usize = 0; // (3, width), LSTM only
export let A: usize = 0; // (width, outputWidth)
export let a: usize = 0; // (outputWidth)
export let C: usize = 0; // (width, hiddenWidth), NADE head only, as are the next three
export let c: usize = 0; // (hiddenWidth)
export let N: usize = 0; // (outputs, hiddenWidth)
export let M: usize = 0; // (outputs, hiddenWidth)

// The batch; rows are packed by time, see kernel.ts.
export let batchSizes: usize = 0; // (steps) u32
export let inputOffsets: usize = 0; // (rows + 1) u32
export let inputColumns: usize = 0; // u8
export let targetOffsets: usize = 0; // (rows + 1) u32
export let targetColumns: usize = 0; // u8
export let inputValues: usize = 0; // (rows, inputRows), of dense rows
export let targetValues: usize = 0; // (rows, block); in training of a Bernoulli head (rows, outputWidth), its soft targets

// State before the first step.
export let h0: usize = 0; // (sequences, width)
export let c0: usize = 0; // (sequences, width), LSTM only

// U for the forward pass at hand, where cells.ts packs it.
export let packedU: usize = 0; // (width, gateWidth), ordered by gemm.ts

// What the forward pass leaves behind.
export let gates: usize = 0; // (rows, gateWidth), after their non-linearities
export let hidden: usize = 0; // (rows, width)
export let cells: usize = 0; // (rows, width), LSTM's c
export let extra: usize = 0; // (rows, width), GRU: r ⊙ h_{t-1}, LSTM: tanh(c)
export let logits: usize = 0; // (rows, outputWidth)
export let nll: usize = 0; // (rows)

// The NADE head: the first for all rows, the others one row at a time.
export let context: usize = 0; // (rows, hiddenWidth)
export let sum: usize = 0; // (hiddenWidth)
export let runs: usize = 0; // (outputs + 1, hiddenWidth), tanh(s) of each run of silent pitches
// Of drawn frames, by pitch, with room for four lanes that begin at the last: see draw.ts.
export let firstDrawn: usize = 0;
export let drawnSum: usize = 0;
export let drawnSquares: usize = 0;

// One row of the mixture head at a time; each of K·B floats is padded.
export let tiled: usize = 0; // (K, B), the target under each Gaussian
export let half: usize = 0; // (K, B), z² / 2 + log σ
export let meansGradient: usize = 0; // (K, B)
export let scalesGradient: usize = 0; // (K, B)
export let prior: usize = 0; // (K), weights
export let posterior: usize = 0; // (K), responsibilities

// The backward pass: without training that of one row at a time, whose gradient is added to the parameters themselves.
export let gradient: usize = 0;
export let logitsGradient: usize = 0; // (rows, outputWidth); in training in the place of the logits
export let gatesGradient: usize = 0; // (rows, gateWidth), before their non-linearities
export let hiddenGradient: usize = 0; // (rows, width)
export let carried: usize = 0; // (sequences, width), LSTM: dc of the step after, GRU: d(r ⊙ h)
export let contextGradient: usize = 0; // (rows, hiddenWidth)

// Training only.
export let saved: usize = 0; // parameters without noise
export let meanSquare: usize = 0;
export let velocity: usize = 0;
export let average: usize = 0; // of the parameters over the updates
export let mask: usize = 0; // (rows, width), dropout: 0 or 1 / (1 - rate)
export let dropped: usize = 0; // (rows, width), hidden ⊙ mask
export let UT: usize = 0; // (gateWidth, width)
export let AT: usize = 0; // (outputWidth, width)
export let CT: usize = 0; // (hiddenWidth, width)

// 64 bits, so that a layout beyond the 32-bit address space is refused and does not wrap around.
let top: u64 = 0;

function reserve(bytes: u64): usize {
  const start = <usize>top;
  top = (top + bytes + 63) & ~63;
  return start;
}

function pad4(n: i32): i32 {
  return (n + 3) & ~3;
}

/**
 * Lays out a model for batches of at most `rows` rows and `sequences` sequences; no number may exceed 2^28. Returns false
 * when memory is refused, or when 4 GB do not hold it.
 */
export function init(
  cell_: i32, inputs_: i32, units_: i32, outputs_: i32, components_: i32, block_: i32, hiddenUnits_: i32,
  rows: i32, sequences: i32, training: bool,
): bool {
  cell = cell_;
  inputs = inputs_;
  units = units_;
  outputs = outputs_;
  components = components_;
  block = block_;
  hiddenUnits = hiddenUnits_;
  inputRows = components ? pad4(inputs) : inputs;
  gateCount = cell == TANH ? 1 : cell == LSTM ? 4 : 3;
  width = pad4(units);
  gateWidth = gateCount * width;
  outputWidth = pad4(outputs);
  hiddenWidth = pad4(hiddenUnits);

  top = (__heap_base + 63) & ~63;
  const peepholes = cell == LSTM ? 3 * width : 0;
  const parameters = <u64>(inputRows + width + 1) * gateWidth + peepholes + <u64>(width + 1) * outputWidth
    + <u64>(width + 1 + 2 * outputs) * hiddenWidth;
  parameterCount = <i32>parameters;
  W = reserve(parameters << 2);
  U = W + ((inputRows * gateWidth) << 2);
  b = U + ((width * gateWidth) << 2);
  V = b + (gateWidth << 2);
  A = V + (peepholes << 2);
  a = A + ((width * outputWidth) << 2);
  C = a + (outputWidth << 2);
  c = C + ((width * hiddenWidth) << 2);
  N = c + (hiddenWidth << 2);
  M = N + ((outputs * hiddenWidth) << 2);

  const r: u64 = rows;
  const s: u64 = sequences;
  batchSizes = reserve(r << 2);
  inputOffsets = reserve((r + 1) << 2);
  inputColumns = components ? 0 : reserve(r * inputs);
  targetOffsets = reserve((r + 1) << 2);
  targetColumns = components ? 0 : reserve(r * outputs);
  inputValues = components ? reserve((r * inputRows) << 2) : 0;
  targetValues = components ? reserve((r * block) << 2) : training && !hiddenUnits ? reserve((r * outputWidth) << 2) : 0;
  h0 = reserve((s * width) << 2);
  c0 = cell == LSTM ? reserve((s * width) << 2) : 0;
  packedU = reserve((<u64>gateWidth * width) << 2);
  gates = reserve((r * gateWidth) << 2);
  hidden = reserve((r * width) << 2);
  cells = cell == LSTM ? reserve((r * width) << 2) : 0;
  extra = cell == TANH ? 0 : reserve((r * width) << 2);
  logits = reserve((r * outputWidth) << 2);
  nll = reserve(r << 2);
  if (hiddenUnits) {
    context = reserve((r * hiddenWidth) << 2);
    sum = reserve(<u64>hiddenWidth << 2);
    runs = reserve((<u64>(outputs + 1) * hiddenWidth) << 2);
    const drawn = <u64>(outputs + 3) << 2;
    firstDrawn = reserve(drawn);
    drawnSum = reserve(drawn);
    drawnSquares = reserve(drawn);
  }
  if (components) {
    const tile = <u64>pad4(components * block) << 2;
    tiled = reserve(tile);
    half = reserve(tile);
    meansGradient = reserve(tile);
    scalesGradient = reserve(tile);
    prior = reserve(<u64>pad4(components) << 2);
    posterior = reserve(<u64>pad4(components) << 2);
  }
  const gradientRows: u64 = training ? r : 1;
  gradient = training ? reserve(parameters << 2) : W;
  logitsGradient = training ? logits : reserve(outputWidth << 2);
  gatesGradient = reserve((gradientRows * gateWidth) << 2);
  hiddenGradient = reserve((gradientRows * width) << 2);
  carried = reserve((s * width) << 2);
  contextGradient = reserve((gradientRows * hiddenWidth) << 2);
  if (training) {
    saved = reserve(parameters << 2);
    meanSquare = reserve(parameters << 2);
    velocity = reserve(parameters << 2);
    average = reserve(parameters << 2);
    mask = reserve((r * width) << 2);
    dropped = reserve((r * width) << 2);
    UT = reserve((<u64>gateWidth * width) << 2);
    AT = reserve((<u64>outputWidth * width) << 2);
    CT = reserve((<u64>hiddenWidth * width) << 2);
  }
  if (top > 0x1_0000_0000) return false;
  const missing = <i32>((top + 0xffff) >>> 16) - memory.size();
  return missing <= 0 || memory.grow(missing) >= 0;
}

/** Makes row `count` of the batch and of what the forward pass leaves behind row 0, or with -count the other way round. */
export function skipRows(count: i32): void {
  inputOffsets += count << 2;
  targetOffsets += count << 2;
  gates += (count * gateWidth) << 2;
  hidden += (count * width) << 2;
  cells += (count * width) << 2;
  extra += (count * width) << 2;
  logits += (count * outputWidth) << 2;
  nll += count << 2;
  context += (count * hiddenWidth) << 2;
}
