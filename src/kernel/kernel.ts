/**
 * The WASM kernel behind one class: recurrent cell, output layer, back-propagation through time and the optimizer.
 * Its reference implementation is reference.ts. Memory is laid out once, in the constructor; calls only read and write it.
 */
import { expected } from "../errors.ts";
import { type Config, emptyTensors, type Tensors } from "./config.ts";
import { type Batch, type DenseRows, type Engine, rowCount, type SparseRows, stateSize } from "./engine.ts";
import type { Exports, Place } from "./exports.ts";
import { adamScales, type OptimizerSettings, type OptimizerState } from "./optimizer.ts";

/** How much room a kernel has. */
export interface Capacity {
  readonly rows: number;
  readonly sequences: number;
  readonly training?: boolean;
}

/** Of rows, sequences or units: with more, nothing fits into 4 GB, and init()'s own arithmetic could overflow. */
const MAX_COUNT = 2 ** 28;

/** Of the state of four streams of xoshiro128++. */
export const SEED_WORDS = 16;

const TENSOR_NAMES = ["W", "U", "b", "V", "A", "a", "C", "c", "N", "M"] as const;

// The order of the cells' numbers in assembly/layout.ts.
const CELL_NUMBERS = { tanh: 0, lstm: 1, gru: 2 } as const;

export class Kernel implements Engine {
  readonly config: Config;
  readonly #capacity: Capacity;
  readonly #exports: Exports;
  readonly #floats: Float32Array; // the whole memory; it never grows after init
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  #batch: Batch | undefined;
  #rows = 0; // of #batch
  #updates = 0;

  /** @throws RangeError when the memory for this capacity is refused. */
  constructor(module: WebAssembly.Module, config: Config, capacity: Capacity) {
    this.config = config;
    this.#capacity = capacity;
    this.#exports = new WebAssembly.Instance(module).exports as unknown as Exports;
    const { cell, inputs, units, outputs, mixture = { components: 0, block: 0 }, nade = { hidden: 0 } } = config;
    const { components, block } = mixture;
    const { rows, sequences, training = false } = capacity;
    if (
      Math.max(rows, sequences, units) > MAX_COUNT ||
      !this.#exports.init(
        CELL_NUMBERS[cell],
        inputs,
        units,
        outputs,
        components,
        block,
        nade.hidden,
        rows,
        sequences,
        Number(training),
      )
    ) {
      throw new RangeError(`No memory for ${rows} rows of ${sequences} sequences of a ${units}-unit ${cell} model.`);
    }
    const { buffer } = this.#exports.memory;
    this.#floats = new Float32Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  load(tensors: Tensors): void {
    this.#eachSegment(this.#at("W"), tensors, (inFile, inMemory) => inMemory.set(inFile));
  }

  tensors(): Tensors {
    return this.#tensorsAt("W");
  }

  /** What the optimizer keeps, in the shape of the weights. Copies. */
  optimizer(): OptimizerState {
    return {
      meanSquare: this.#tensorsAt("meanSquare"),
      velocity: this.#tensorsAt("velocity"),
      average: this.#tensorsAt("average"),
      updates: this.#updates,
    };
  }

  loadOptimizer(optimizer: OptimizerState): void {
    for (const place of ["meanSquare", "velocity", "average"] as const) {
      this.#eachSegment(this.#at(place), optimizer[place], (inFile, inMemory) => inMemory.set(inFile));
    }
    this.#updates = optimizer.updates;
  }

  setState(state: Float32Array): void {
    const { units } = this.config;
    const size = stateSize(this.config);
    const width = this.#at("width");
    for (let s = 0; s * size < state.length; s++) {
      this.#floats.set(state.subarray(s * size, s * size + units), this.#at("h0") / 4 + s * width);
      if (size > units)
        this.#floats.set(state.subarray(s * size + units, (s + 1) * size), this.#at("c0") / 4 + s * width);
    }
  }

  /** @param sequences how many of them; all unless given. */
  state(sequences?: number): Float32Array {
    const { units } = this.config;
    const size = stateSize(this.config);
    const { batchSizes } = this.#ran();
    const reached = batchSizes[batchSizes.length - 1];
    const first = this.#rows - reached;
    sequences = Math.min(sequences ?? reached, reached);
    const width = this.#at("width");
    const state = new Float32Array(sequences * size);
    for (let s = 0; s < sequences; s++) {
      const at = (first + s) * width;
      state.set(this.#view("hidden", at, units), s * size);
      if (size > units) state.set(this.#view("cells", at, units), s * size + units);
    }
    return state;
  }

  forward(batch: Batch): Float32Array {
    this.#write(batch);
    this.#exports.forward(batch.batchSizes.length, this.#rows);
    this.#clearState();
    return this.#view("nll", 0, this.#rows);
  }

  /** @throws TypeError in a kernel for training, which has other uses for the memory, or when there is not one sequence. */
  adapt(batch: Batch<SparseRows>, rate: number): Float32Array {
    if (this.#capacity.training) throw new TypeError("A kernel for training does not adapt.");
    if (batch.batchSizes[0] !== 1) throw new TypeError(expected("one sequence to adapt to", batch.batchSizes[0]));
    this.#write(batch);
    this.#exports.adapt(this.#rows, rate);
    this.#clearState();
    return this.#view("nll", 0, this.#rows);
  }

  logits(): Float32Array {
    const { outputs } = this.config;
    const rows = this.#rows;
    const logits = new Float32Array(rows * outputs);
    for (let row = 0; row < rows; row++) {
      logits.set(this.#view("logits", row * this.#at("outputWidth"), outputs), row * outputs);
    }
    return logits;
  }

  /**
   * Draws a frame that may follow a hidden state, under a NADE head: from low to high, each pitch sounds with its probability
   * given those below. seed() decides it. What forward() left is lost.
   * @param h (H)
   * @param temperature divides the logits of these probabilities
   * @returns the columns that sound, ascending. A copy.
   */
  drawFrame(h: Float32Array, temperature = 1): Uint8Array {
    const sounding = this.#draw(h, 1, temperature);
    const columns = this.#at("targetColumns");
    return this.#bytes.slice(columns, columns + sounding);
  }

  /**
   * Draws frames as drawFrame does. @param frames at least 2
   * @returns (D) each: the mean and the variance, over the frames, of the probability of a pitch given the drawn ones below it
   */
  drawMarginals(h: Float32Array, frames: number): { mean: Float64Array; variance: Float64Array } {
    this.#draw(h, frames, 1);
    const mean = new Float64Array(this.config.outputs);
    const variance = new Float64Array(this.config.outputs);
    const [first, sum, squares] = (["firstDrawn", "drawnSum", "drawnSquares"] as const).map((place) =>
      this.#view(place, 0, mean.length),
    );
    for (let d = 0; d < mean.length; d++) {
      mean[d] = first[d] + sum[d] / frames;
      variance[d] = Math.max(0, squares[d] - sum[d] ** 2 / frames) / (frames - 1);
    }
    return { mean, variance };
  }

  #draw(h: Float32Array, frames: number, temperature: number): number {
    this.#view("hidden", 0, h.length).set(h);
    return this.#exports.drawFrames(frames, 1 / temperature);
  }

  gradients(batch: Batch, scale: number): { nll: Float32Array; tensors: Tensors } {
    return { nll: this.backward(batch, scale), tensors: this.gradient() };
  }

  /** What the last backward() left, in the shape of the weights. A copy. */
  gradient(): Tensors {
    return this.#tensorsAt("gradient");
  }

  /**
   * gradients() without the copies: leaves the gradient in the kernel, for update().
   * @param dropout probability with which a unit is hidden from the output layer.
   */
  backward(batch: Batch, scale: number, dropout = 0): Float32Array {
    const soft = !this.config.mixture && batch.targets instanceof Float32Array;
    this.#write(batch, soft);
    this.#exports.gradients(batch.batchSizes.length, this.#rows, scale, dropout, Number(soft));
    this.#clearState();
    return this.#view("nll", 0, this.#rows);
  }

  /** Seeds weight noise, dropout and drawn frames. @param words SEED_WORDS, not all zero */
  seed(words: Uint32Array): void {
    this.#words.set(words, this.#exports.randomStatePointer() / 4);
  }

  /** Sets the weights aside and adds N(0, sigma²) to each; restore() puts them back. */
  perturb(sigma: number): void {
    this.#exports.perturb(sigma);
  }

  restore(): void {
    this.#exports.restore();
  }

  /** Rescales the gradient and updates the weights. Returns its norm; when that is not finite, nothing changed. */
  update({ optimizer, maxNorm, learningRate, decay, momentum, floor }: OptimizerSettings): number {
    const { mean, square } = adamScales({ decay, momentum }, this.#updates + 1);
    const norm =
      optimizer === "adam"
        ? this.#exports.adam(maxNorm, learningRate, decay, momentum, floor, mean, square)
        : this.#exports.rmsProp(maxNorm, learningRate, decay, momentum, floor);
    if (Number.isFinite(norm)) this.#updates += 1;
    return norm;
  }

  /** Moves the average of the weights towards them: average = decay · average + (1 - decay) · weights. */
  accumulate(decay: number): void {
    this.#exports.accumulate(decay);
  }

  /** Sets the weights aside and uses their average; restore() puts them back. */
  useAverage(): void {
    this.#exports.useAverage();
  }

  #at(place: Place): number {
    return this.#exports[place].value;
  }

  #view(place: Place, start: number, length: number): Float32Array {
    const from = this.#at(place) / 4 + start;
    return this.#floats.subarray(from, from + length);
  }

  #ran(): Batch {
    if (!this.#batch) throw new Error("No batch has run yet.");
    return this.#batch;
  }

  /** @param soft whether the targets are those of a Bernoulli head that learns from probabilities */
  #write(batch: Batch, soft = false): void {
    const { batchSizes, inputs, targets } = batch;
    const rows = rowCount(batch);
    if (rows > this.#capacity.rows || batchSizes[0] > this.#capacity.sequences) {
      const { rows: maxRows, sequences } = this.#capacity;
      throw new RangeError(
        expected(`at most ${maxRows} rows of ${sequences} sequences`, `${rows} of ${batchSizes[0]}`),
      );
    }
    const { mixture, nade, outputs } = this.config;
    if (mixture && inputs instanceof Float32Array && targets instanceof Float32Array) {
      this.#writeDense("inputValues", inputs, rows, this.config.inputs, this.#at("inputRows"));
      this.#writeDense("targetValues", targets, rows, mixture.block, mixture.block);
    } else if (!mixture && !(inputs instanceof Float32Array) && !(targets instanceof Float32Array)) {
      this.#writeSparse("inputOffsets", "inputColumns", inputs);
      this.#writeSparse("targetOffsets", "targetColumns", targets);
    } else if (soft && !nade && !(inputs instanceof Float32Array) && targets instanceof Float32Array) {
      this.#writeSparse("inputOffsets", "inputColumns", inputs);
      this.#writeDense("targetValues", targets, rows, outputs, this.#at("outputWidth"));
    } else {
      throw new TypeError(
        mixture
          ? expected("dense rows for a mixture head", "sparse ones")
          : expected("sparse rows for a head of binary frames", "dense ones"),
      );
    }
    this.#words.set(batchSizes, this.#at("batchSizes") / 4);
    this.#batch = batch;
    this.#rows = rows;
  }

  #writeSparse(offsetsAt: Place, columnsAt: Place, { offsets, columns }: SparseRows): void {
    this.#words.set(offsets, this.#at(offsetsAt) / 4);
    this.#bytes.set(columns, this.#at(columnsAt));
  }

  /** Rows of `length` numbers, `stride` apart in memory; the padding between them stays zero. */
  #writeDense(place: Place, values: DenseRows, rows: number, length: number, stride: number): void {
    if (values.length !== rows * length) {
      throw new RangeError(expected(`${length} numbers for each of ${rows} rows`, `${values.length} in all`));
    }
    if (length === stride) {
      this.#floats.set(values, this.#at(place) / 4);
      return;
    }
    for (let row = 0; row < rows; row++) {
      this.#floats.set(values.subarray(row * length, (row + 1) * length), this.#at(place) / 4 + row * stride);
    }
  }

  #clearState(): void {
    const length = this.#capacity.sequences * this.#at("width");
    this.#view("h0", 0, length).fill(0);
    if (this.config.cell === "lstm") this.#view("c0", 0, length).fill(0);
  }

  #tensorsAt(place: "W" | "gradient" | "meanSquare" | "velocity" | "average"): Tensors {
    const tensors = emptyTensors(this.config);
    this.#eachSegment(this.#at(place), tensors, (inFile, inMemory) => inFile.set(inMemory));
    return tensors;
  }

  /** Calls visit with each run of columns of a tensor and its place in the padded layout that starts at `start`. */
  #eachSegment(start: number, tensors: Tensors, visit: (inFile: Float32Array, inMemory: Float32Array) => void): void {
    const { units, outputs, nade = { hidden: 0 } } = this.config;
    const ofUnits = [units, this.#at("width")];
    const ofOutputs = [outputs, this.#at("outputWidth")];
    const ofHidden = [nade.hidden, this.#at("hiddenWidth")];
    const columns = {
      ...{ W: ofUnits, U: ofUnits, b: ofUnits, V: ofUnits, A: ofOutputs, a: ofOutputs },
      ...{ C: ofHidden, c: ofHidden, N: ofHidden, M: ofHidden },
    };
    const offset = (start - this.#at("W")) / 4;
    for (const name of TENSOR_NAMES) {
      const tensor = tensors[name];
      if (!tensor) continue;
      const [length, stride] = columns[name];
      for (let segment = 0; segment * length < tensor.length; segment++) {
        visit(
          tensor.subarray(segment * length, (segment + 1) * length),
          this.#view(name, offset + segment * stride, length),
        );
      }
    }
  }
}
