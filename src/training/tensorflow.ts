/**
 * The training engine as TensorFlow.js operations, on whatever backend is set: parts of batches in, weights out. Cells as in
 * Chung et al. 2014, with the peepholes of Graves 2013; gradients by automatic differentiation through time; RMSProp and Adam
 * as in kernel/reference.ts. All parameters lie in one vector, so that noise, optimizer and average are a few operations each.
 */
import type * as TensorFlow from "@tensorflow/tfjs";
import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import { type Config, LOG_SCALE_FLOOR, type MixtureShape, type Tensors, tensorShapes } from "../kernel/config.ts";
import type { DenseRows, SparseRows } from "../kernel/engine.ts";
import { adamScales, type OptimizerState, type UpdateSettings } from "../kernel/optimizer.ts";
import { normal, xoshiro128 } from "../util/random.ts";
import { sum } from "../util/statistics.ts";
import type { TbpttChunk } from "./batches.ts";
import { type CreateEngine, Diverged, seedWords, type TrainingEngine } from "./engine.ts";
import { STEPS, type Weights } from "./tensorflow-cells.ts";

type Tf = typeof TensorFlow;

/** What an engine keeps between updates, each a vector of all parameters in the order of tensorShapes. */
type Kept = Record<"weights" | "meanSquare" | "velocity" | "average", Tensor1D>;

/** @param tf with its backend set. @param name what the checkpoint says of the engine. */
export const tensorflowEngine =
  (tf: Tf, name: string): CreateEngine =>
  (config) =>
    new TensorflowEngine(tf, name, config);

class TensorflowEngine implements TrainingEngine {
  readonly name: string;
  readonly #tf: Tf;
  readonly #config: Config;
  readonly #shapes: readonly (readonly [keyof Tensors, readonly number[]])[];
  readonly #kept: Kept;
  #state: Tensor2D[] = []; // after the last part
  #uniform = (): number => Number.NaN; // until seeded
  #usesAverage = false;
  #updates = 0;

  constructor(tf: Tf, name: string, config: Config) {
    this.name = name;
    this.#tf = tf;
    this.#config = config;
    this.#shapes = Object.entries(tensorShapes(config)) as [keyof Tensors, readonly number[]][];
    const length = this.#shapes.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
    const zeros = () => tf.zeros<TensorFlow.Rank.R1>([length]);
    this.#kept = { weights: zeros(), meanSquare: zeros(), velocity: zeros(), average: zeros() };
  }

  load(tensors: Tensors): void {
    this.#keep({ weights: this.#vectorOf(tensors) });
  }

  tensors(): Promise<Tensors> {
    return this.#tensorsOf(this.#weights);
  }

  loadOptimizer({ meanSquare, velocity, average, updates }: OptimizerState): void {
    this.#updates = updates;
    this.#keep({
      meanSquare: this.#vectorOf(meanSquare),
      velocity: this.#vectorOf(velocity),
      average: this.#vectorOf(average),
    });
  }

  async optimizer(): Promise<OptimizerState> {
    const { meanSquare, velocity, average } = this.#kept;
    return {
      meanSquare: await this.#tensorsOf(meanSquare),
      velocity: await this.#tensorsOf(velocity),
      average: await this.#tensorsOf(average),
      updates: this.#updates,
    };
  }

  seed(uniform: () => number): void {
    const [a, b, c, d] = seedWords(uniform);
    const next = xoshiro128([a, b, c, d]);
    this.#uniform = () => next() / 2 ** 32;
  }

  async update(part: TbpttChunk, settings: UpdateSettings): Promise<number> {
    const tf = this.#tf;
    const { weights } = this.#kept;
    const { nll, norm, ...next } = tf.tidy(() => {
      let noisy = weights;
      if (settings.weightNoiseStd > 0)
        noisy = weights.add(this.#draw(weights.shape, () => settings.weightNoiseStd * normal(this.#uniform)));
      const run = tf.valueAndGrad((w: TensorFlow.Tensor) => this.#run(w as Tensor1D, part, settings.dropout));
      const { value, grad } = run(noisy, tf.fill([part.rows], 1 / part.rows));
      return { nll: value, ...this.#step(grad as Tensor1D, settings) };
    });
    const [rows, [length]] = await Promise.all([nll.data(), norm.data()]);
    tf.dispose([nll, norm]);
    if (!Number.isFinite(length)) {
      tf.dispose(next);
      throw new Diverged(`The gradient's norm became ${length}; a lower learning rate may help.`);
    }
    this.#keep(next);
    this.#updates += 1;
    return sum(rows);
  }

  async nll(part: TbpttChunk): Promise<number> {
    const nll = this.#tf.tidy(() => this.#run(this.#weights, part, 0));
    const rows = await nll.data();
    nll.dispose();
    return sum(rows);
  }

  useAverage(use: boolean): void {
    this.#usesAverage = use;
  }

  get #weights(): Tensor1D {
    return this.#usesAverage ? this.#kept.average : this.#kept.weights;
  }

  /** NLL of each row of a part, (rows); keeps the state after its last step for the part that continues it. */
  #run(vector: Tensor1D, { batch, continued, rows }: TbpttChunk, dropout: number): Tensor1D {
    const tf = this.#tf;
    const { cell, inputs, units, outputs } = this.#config;
    const weights = this.#matrices(vector);
    const batchSizes = Array.from(batch.batchSizes);
    const zeros = () => tf.zeros<TensorFlow.Rank.R2>([batchSizes[0], units]);
    let state: readonly Tensor2D[] = cell === "lstm" ? [zeros(), zeros()] : [zeros()];
    if (continued) state = this.#state;
    const step = STEPS[cell](tf, weights);
    const x = tf.tensor2d(dense(batch.inputs, inputs), [rows, inputs]);
    const all = x.matMul(weights.W).add<Tensor2D>(weights.b);
    // The gradient of a split into one part fails in TensorFlow.js 4.22.
    const hidden = (batchSizes.length > 1 ? tf.split<Tensor2D>(all, batchSizes) : [all]).map((xWb) => {
      const [n] = xWb.shape;
      state = step(
        xWb,
        state.map((s) => (s.shape[0] > n ? s.slice<Tensor2D>([0, 0], [n, units]) : s)),
      );
      return state[0];
    });
    this.#keepState(state);
    let seen = tf.concat(hidden);
    if (dropout > 0) seen = seen.mul(this.#draw(seen.shape, () => this.#mask(dropout)));
    let output = seen.matMul(weights.A).add<Tensor2D>(weights.a);
    const { mixture } = this.#config;
    if (mixture) return this.#mixtureNll(output, dense(batch.targets, mixture.block), mixture);
    // Soft targets: softplus(l) - t l.
    if (batch.targets instanceof Float32Array) {
      const targets = tf.tensor2d(batch.targets, [rows, outputs]);
      return output.softplus().sub(output.mul(targets)).sum(1);
    }
    const targets = dense(batch.targets, outputs);
    if (this.#config.nade) output = output.add(this.#conditionals(weights, seen as Tensor2D, targets));
    // A target x is 0 or 1, so softplus(l) - x l = softplus((1 - 2x) l), which cannot cancel.
    const sign = targets.map((target) => 1 - 2 * target);
    return output
      .mul(tf.tensor2d(sign, [rows, outputs]))
      .softplus()
      .sum(1);
  }

  /** What a NADE head adds to the logits (rows, D), as in kernel/reference-nade.ts, all pitches at once. */
  #conditionals({ C, c, N, M }: Weights, hidden: Tensor2D, targets: Float32Array): Tensor2D {
    const tf = this.#tf;
    const [columns] = N.shape;
    const sounding = tf.tensor3d(targets, [targets.length / columns, 1, columns]);
    // Along the last axis, since TensorFlow.js 4.22 gives the gradient of cumsum along another one a wrong shape.
    const below = sounding.mul(N.transpose()).cumsum(2, true); // (rows, K, D)
    return below.add(hidden.matMul(C).add(c).expandDims(2)).tanh().mul(M.transpose()).sum(1);
  }

  /** -log Σ_k softmax(w)_k N(x; μ_k, σ_k²) of each row, as in kernel/reference-heads.ts. */
  #mixtureNll(output: Tensor2D, targets: Float32Array, { components: K, block: B }: MixtureShape): Tensor1D {
    const tf = this.#tf;
    const [w, means, scales] = tf.split(output, [K, K * B, K * B], 1);
    const logScales = scales.reshape([-1, K, B]).maximum(LOG_SCALE_FLOOR);
    const z = tf
      .tensor3d(targets, [targets.length / B, 1, B])
      .sub(means.reshape([-1, K, B]))
      .div(logScales.exp());
    const logDensity = z
      .square()
      .mul(0.5)
      .add(logScales)
      .add(0.5 * Math.log(2 * Math.PI))
      .sum(2)
      .neg();
    return w.logSumExp(1).sub<Tensor1D>(w.add(logDensity).logSumExp(1));
  }

  /** One update from the gradient, and the norm that it had. */
  #step(gradient: Tensor1D, settings: UpdateSettings) {
    const tf = this.#tf;
    const { maxNorm, decay, optimizer, emaDecay } = settings;
    const norm = gradient.square().sum().sqrt();
    const g = gradient.mul<Tensor1D>(tf.scalar(maxNorm).div(tf.maximum(norm, maxNorm)));
    const meanSquare = this.#kept.meanSquare.mul(decay).add<Tensor1D>(g.square().mul(1 - decay));
    const { weights, velocity } = (optimizer === "adam" ? this.#adam : this.#rmsProp).call(
      this,
      g,
      meanSquare,
      settings,
    );
    return {
      ...{ norm, weights, meanSquare, velocity },
      ...(emaDecay > 0 && { average: this.#kept.average.mul(emaDecay).add<Tensor1D>(weights.mul(1 - emaDecay)) }),
    };
  }

  #rmsProp(g: Tensor1D, meanSquare: Tensor1D, { learningRate, momentum, floor }: UpdateSettings) {
    const { weights, velocity } = this.#kept;
    const step = g.mul(learningRate).div(meanSquare.sqrt().maximum(floor));
    const next = velocity.mul(momentum).sub<Tensor1D>(step);
    return { weights: weights.add<Tensor1D>(next), velocity: next };
  }

  #adam(g: Tensor1D, meanSquare: Tensor1D, { learningRate, decay, momentum, floor }: UpdateSettings) {
    const { weights, velocity } = this.#kept;
    const scales = adamScales({ decay, momentum }, this.#updates + 1);
    const next = velocity.mul(momentum).add<Tensor1D>(g.mul(1 - momentum));
    const root = meanSquare.mul(scales.square).sqrt().add(floor);
    return { weights: weights.sub<Tensor1D>(next.mul(learningRate * scales.mean).div(root)), velocity: next };
  }

  /** 0 with the given probability, else what keeps the mean at 1. */
  #mask(dropout: number): number {
    return this.#uniform() < dropout ? 0 : 1 / (1 - dropout);
  }

  #draw(shape: number[], number: () => number): TensorFlow.Tensor {
    const values = new Float32Array(sizeOf(shape));
    for (let k = 0; k < values.length; k++) values[k] = number();
    return this.#tf.tensor(values, shape);
  }

  #keep(next: Partial<Kept>): void {
    for (const [name, tensor] of Object.entries(next) as [keyof Kept, Tensor1D][]) {
      this.#kept[name].dispose();
      this.#kept[name] = tensor;
    }
  }

  #keepState(state: readonly Tensor2D[]): void {
    this.#tf.dispose(this.#state);
    this.#state = state.map((s) => this.#tf.keep(s));
  }

  #matrices(vector: Tensor1D): Weights {
    const parts = this.#tf.split(
      vector,
      this.#shapes.map(([, shape]) => sizeOf(shape)),
    );
    const entries = this.#shapes.map(([name, shape], k) => [name, parts[k].reshape([-1, shape[shape.length - 1]])]);
    return Object.fromEntries(entries);
  }

  #vectorOf(tensors: Tensors): Tensor1D {
    return this.#tf.tensor1d(Float32Array.from(this.#shapes.flatMap(([name]) => Array.from(tensors[name] ?? []))));
  }

  async #tensorsOf(vector: Tensor1D): Promise<Tensors> {
    const values = (await vector.data()) as Float32Array;
    let start = 0;
    const entries = this.#shapes.map(([name, shape]) => {
      const end = start + sizeOf(shape);
      const tensor = values.slice(start, end);
      start = end;
      return [name, tensor];
    });
    return Object.fromEntries(entries);
  }
}

/** (rows, width); of sparse rows, 1 where a column is active. */
function dense(rows: SparseRows | DenseRows, width: number): Float32Array {
  if (rows instanceof Float32Array) return rows;
  const { offsets, columns } = rows;
  const values = new Float32Array((offsets.length - 1) * width);
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let n = offsets[row]; n < offsets[row + 1]; n++) values[row * width + columns[n]] = 1;
  }
  return values;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((all, length) => all * length, 1);
