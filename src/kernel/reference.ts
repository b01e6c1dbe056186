/**
 * The reference implementation of the WASM kernel: the same batches in, the same NLL, states and gradients out, one row at a time in
 * float64, to be read beside the papers rather than to be fast. RMSProp: as in the code of Chung et al. Adam: Kingma and Ba 2015.
 */
import { type Config, emptyTensors, GATES, type Tensors } from "./config.ts";
import { type Batch, type Engine, rowCount, type SparseRows, stateSize } from "./engine.ts";
import type { OptimizerSettings } from "./optimizer.ts";
import { addOuter, addProduct, addScaled, addTransposedProduct, STEPS, type Weights } from "./reference-cells.ts";
import { activeColumns, headGradient, headNll } from "./reference-heads.ts";
import { addConditionals, conditionalsBackward } from "./reference-nade.ts";

/** What a forward pass leaves for the backward pass. */
export interface Trace {
  readonly states: Float64Array; // (batchSizes[0] + rows, S): the start states, then the state after each row
  readonly gates: Float64Array; // (rows, G·H), activations
  readonly logits: Float64Array; // (rows, O)
  readonly nll: Float64Array; // (rows), nats
}

/**
 * Runs a batch from the start states (sequences, S), zeros where `start` is shorter. Each state passes through `round`:
 * by Math.fround, a run continued from a float32 state equals the unbroken run bit for bit.
 */
export function forward(
  config: Config,
  weights: Weights,
  batch: Batch,
  start: ArrayLike<number> = [],
  round: (value: number) => number = (value) => value,
): Trace {
  const [S, G, O] = [stateSize(config), GATES[config.cell] * config.units, config.outputs];
  const { sequences, rows, previous } = layout(batch);
  const states = new Float64Array((sequences + rows) * S);
  states.set(Array.from(start).slice(0, sequences * S));
  const gates = new Float64Array(rows * G);
  const logits = new Float64Array(rows * O);
  const nll = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const before = row(states, previous[r], S);
    const after = row(states, sequences + r, S);
    const activations = row(gates, r, G);
    activations.set(weights.b);
    eachInput(config, batch, r, (d, x) => addScaled(activations, row(weights.W, d, G), x));
    STEPS[config.cell].forward(weights, activations, before, after);
    for (let k = 0; k < S; k++) after[k] = round(after[k]);

    const l = row(logits, r, O);
    l.set(weights.a);
    const h = after.subarray(0, config.units);
    addProduct(l, h, weights.A);
    if (config.nade) addConditionals(l, weights, h, new Set(activeColumns(batch.targets, r)));
    nll[r] = headNll(config, l, batch, r);
  }
  return { states, gates, logits, nll };
}

/**
 * Gradient of scale · Σ NLL with respect to every tensor, by back-propagation through time; it ends at the start
 * states, which count as constants.
 */
export function backward(config: Config, weights: Weights, batch: Batch, trace: Trace, scale: number): Weights {
  const [S, G, O] = [stateSize(config), GATES[config.cell] * config.units, config.outputs];
  const { sequences, rows, previous } = layout(batch);
  const tensors = zeros(config);
  const dStates = new Float64Array(trace.states.length);
  for (let r = rows - 1; r >= 0; r--) {
    const after = row(trace.states, sequences + r, S);
    const dAfter = row(dStates, sequences + r, S);
    const dLogits = headGradient(config, row(trace.logits, r, O), batch, r).map((slope) => scale * slope);
    const [h, dh] = [after, dAfter].map((state) => state.subarray(0, config.units));
    addScaled(tensors.a, dLogits, 1);
    addOuter(tensors.A, h, dLogits);
    addTransposedProduct(dh, dLogits, weights.A);
    if (config.nade) {
      const sounding = new Set(activeColumns(batch.targets, r));
      conditionalsBackward(weights, { h, sounding, dLogits }, { dh, tensors });
    }

    const dGates = new Float64Array(G);
    const step = { gates: row(trace.gates, r, G), before: row(trace.states, previous[r], S), after };
    const dBefore = row(dStates, previous[r], S);
    STEPS[config.cell].backward(weights, step, { dAfter, dGates, dBefore, tensors });
    addScaled(tensors.b, dGates, 1);
    eachInput(config, batch, r, (d, x) => addScaled(row(tensors.W, d, G), dGates, x));
  }
  return tensors;
}

/** The Engine over these two functions: float32 at its border and in its states, float64 within. */
export class ReferenceKernel implements Engine {
  readonly config: Config;
  #weights: Weights;
  #start = new Float32Array(0); // (sequences, S)
  #states = new Float32Array(0); // (batchSizes[steps - 1], S)
  #logits = new Float32Array(0); // (rows, O)

  constructor(config: Config) {
    this.config = config;
    this.#weights = zeros(config);
  }

  load(tensors: Tensors): void {
    this.#weights = widen(tensors);
  }

  setState(state: Float32Array): void {
    this.#start = state.slice();
  }

  state(): Float32Array {
    return this.#states.slice();
  }

  forward(batch: Batch): Float32Array {
    return Float32Array.from(this.#run(batch).nll);
  }

  logits(): Float32Array {
    return this.#logits.slice();
  }

  gradients(batch: Batch, scale: number): { nll: Float32Array; tensors: Tensors } {
    const trace = this.#run(batch);
    const tensors = backward(this.config, this.#weights, batch, trace, scale);
    return { nll: Float32Array.from(trace.nll), tensors: narrow(tensors) };
  }

  adapt(batch: Batch<SparseRows>, rate: number): Float32Array {
    const rows = Array.from({ length: rowCount(batch) }, (_, r) => sliceRow(batch, r));
    const runs = rows.map((row) => {
      const trace = this.#run(row);
      const gradient = backward(this.config, this.#weights, row, trace, 1);
      for (const name of Object.keys(gradient) as (keyof Weights)[])
        addScaled(this.#weights[name], gradient[name], -rate);
      this.#start = this.#states;
      return { nll: trace.nll[0], logits: this.#logits };
    });
    this.#start = new Float32Array(0);
    this.#logits = Float32Array.from(runs.flatMap(({ logits }) => [...logits]));
    return Float32Array.from(runs, ({ nll }) => nll);
  }

  tensors(): Tensors {
    return narrow(this.#weights);
  }

  #run(batch: Batch): Trace {
    const trace = forward(this.config, this.#weights, batch, this.#start, Math.fround);
    const reached = batch.batchSizes.at(-1) ?? 0;
    this.#start = new Float32Array(0);
    this.#states = Float32Array.from(trace.states.subarray(trace.states.length - reached * stateSize(this.config)));
    this.#logits = Float32Array.from(trace.logits);
    return trace;
  }
}

/** Scales a gradient to the norm `max` in place when its 2-norm is larger. Returns the norm that it had. */
export function rescaleNorm(gradient: Float32Array | Float64Array, max: number): number {
  let squares = 0;
  for (const g of gradient) squares += g * g;
  const norm = Math.sqrt(squares);
  if (norm > max) for (let k = 0; k < gradient.length; k++) gradient[k] *= max / norm;
  return norm;
}

/** What an update changes in place: the weights, and what the optimizer keeps. */
type Updated<A extends Float32Array | Float64Array> = Record<"weights" | "gradient" | "meanSquare" | "velocity", A>;

/** One update in place: ms = ρ ms + (1 - ρ) g², v = μ v - learningRate · g / max(√ms, floor), w += v. */
export function rmsProp<A extends Float32Array | Float64Array>(
  { learningRate, decay, floor, momentum }: Omit<OptimizerSettings, "maxNorm">,
  { weights, gradient, meanSquare, velocity }: Updated<A>,
): void {
  for (let k = 0; k < weights.length; k++) {
    meanSquare[k] = decay * meanSquare[k] + (1 - decay) * gradient[k] ** 2;
    velocity[k] = momentum * velocity[k] - (learningRate * gradient[k]) / Math.max(Math.sqrt(meanSquare[k]), floor);
    weights[k] += velocity[k];
  }
}

/**
 * Update number n, from 1, in place: ms = ρ ms + (1 - ρ) g², v = μ v + (1 - μ) g,
 * w -= learningRate · v / (1 - μⁿ) / (√(ms / (1 - ρⁿ)) + floor).
 */
export function adam<A extends Float32Array | Float64Array>(
  { learningRate, decay, floor, momentum }: Omit<OptimizerSettings, "maxNorm">,
  { weights, gradient, meanSquare, velocity }: Updated<A>,
  n: number,
): void {
  for (let k = 0; k < weights.length; k++) {
    meanSquare[k] = decay * meanSquare[k] + (1 - decay) * gradient[k] ** 2;
    velocity[k] = momentum * velocity[k] + (1 - momentum) * gradient[k];
    const mean = velocity[k] / (1 - momentum ** n);
    weights[k] -= (learningRate * mean) / (Math.sqrt(meanSquare[k] / (1 - decay ** n)) + floor);
  }
}

/** Float32 tensors in float64. */
export const widen = ({ W, U, b, V, A, a, C, c, N, M }: Tensors): Weights => ({
  W: Float64Array.from(W),
  U: Float64Array.from(U),
  b: Float64Array.from(b),
  V: Float64Array.from(V ?? []),
  A: Float64Array.from(A),
  a: Float64Array.from(a),
  C: Float64Array.from(C ?? []),
  c: Float64Array.from(c ?? []),
  N: Float64Array.from(N ?? []),
  M: Float64Array.from(M ?? []),
});

const narrow = ({ W, U, b, V, A, a, C, c, N, M }: Weights): Tensors => ({
  W: Float32Array.from(W),
  U: Float32Array.from(U),
  b: Float32Array.from(b),
  ...(V.length > 0 && { V: Float32Array.from(V) }),
  A: Float32Array.from(A),
  a: Float32Array.from(a),
  ...(c.length > 0 && {
    C: Float32Array.from(C),
    c: Float32Array.from(c),
    N: Float32Array.from(N),
    M: Float32Array.from(M),
  }),
});

const zeros = (config: Config): Weights => widen(emptyTensors(config));

/** Where the rows of a batch stand: `previous[r]` is the row of Trace.states that row r continues. */
function layout(batch: Batch): { sequences: number; rows: number; previous: Uint32Array } {
  const { batchSizes } = batch;
  const sequences = batchSizes[0] ?? 0;
  const rows = rowCount(batch);
  const previous = new Uint32Array(rows);
  for (let t = 0, r = 0; t < batchSizes.length; t++) {
    const back = t === 0 ? sequences : batchSizes[t - 1];
    for (const end = r + batchSizes[t]; r < end; r++) previous[r] = sequences + r - back;
  }
  return { sequences, rows, previous };
}

/** One row of a batch of one sequence as a batch of its own. */
function sliceRow({ inputs, targets }: Batch<SparseRows>, r: number): Batch<SparseRows> {
  const rowOf = (rows: SparseRows): SparseRows => {
    const columns = Uint8Array.from(activeColumns(rows, r));
    return { offsets: Uint32Array.of(0, columns.length), columns };
  };
  return { batchSizes: Uint32Array.of(1), inputs: rowOf(inputs), targets: rowOf(targets) };
}

/** Calls visit with the number of each input of row r that is not zero. */
function eachInput({ inputs: D }: Config, { inputs }: Batch, r: number, visit: (d: number, x: number) => void): void {
  if (inputs instanceof Float32Array) for (let d = 0; d < D; d++) visit(d, inputs[r * D + d]);
  else for (const d of activeColumns(inputs, r)) visit(d, 1);
}

const row = (matrix: Float64Array, r: number, width: number): Float64Array =>
  matrix.subarray(r * width, (r + 1) * width);
