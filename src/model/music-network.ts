/**
 * Checkpoint + kernel -> MusicNetwork: what a set of weights says of a piano roll. MusicModel is what a network has in common
 * with an ensemble of them (ensemble.ts).
 */

import { expected, SurprisalError } from "../errors.ts";
import { frameCount, type PianoRoll, sliceRoll } from "../formats/piano-roll.ts";
import type { Tensors } from "../kernel/config.ts";
import { type Batch, type SparseRows, stateLimits } from "../kernel/engine.ts";
import { type Kernel, SEED_WORDS } from "../kernel/kernel.ts";
import { once } from "../util/once.ts";
import { Work } from "../util/work.ts";
import { type Checkpoint, type Metrics, metricsOf, modelId } from "./checkpoint.ts";
import { CHUNK, chunkKernel, lazyKernel } from "./chunks.ts";
import { ADAPTIVE_STEPS, CALL_COST, drawCost, NOTE_COST, passCost, stepCost } from "./cost.ts";
import { checkFinite } from "./finite.ts";
import { FrameDistribution } from "./frame-distribution.ts";
import { type FramePart, independentPrefix, nadePrefix } from "./frame-prefix.ts";
import {
  type Adapted,
  type Advanced,
  keepLast,
  type MusicModel,
  type Outcomes,
  type Scored,
  silenceOf,
} from "./music-model.ts";

/** A recurrent network of music. The pitches of a frame are independent given the frames before, or not, as its head has it. */
export class MusicNetwork implements MusicModel {
  readonly kind = "music";
  readonly id: string;
  readonly version: string; // sha256 of the checkpoint file, hex
  readonly checkpoint: Checkpoint;
  readonly framesPerQuarter: number;
  readonly metrics: Metrics;
  readonly stateLimits: Float64Array;
  readonly stepCost: number;
  readonly drawCost: number;
  readonly passCost: number;
  readonly #adaptiveRate: number | undefined; // of the steps of adaptive scoring, where the checkpoint names one
  readonly #module: WebAssembly.Module;
  readonly #lazyKernel: () => Kernel;
  readonly #adaptingKernels: Kernel[] = []; // those that no run uses at present
  // NLL by roll; logits would take 50 times the memory
  readonly #remembered = new WeakMap<PianoRoll, Float64Array>();
  readonly #rememberedAdaptive = new WeakMap<PianoRoll, Float64Array>();

  /**
   * @param metrics what a catalogue says beyond the metadata
   * @throws SurprisalError `malformed-checkpoint` when the metadata have no framesPerQuarter, or an adaptiveRate that is not a rate.
   */
  constructor(checkpoint: Checkpoint, version: string, kernel: WebAssembly.Module, metrics: Metrics = {}) {
    const { config, metadata } = checkpoint;
    this.id = modelId({ set: metadata.set, cell: config.cell, preset: metadata.preset });
    this.version = version;
    this.checkpoint = checkpoint;
    this.metrics = { ...metricsOf(metadata), ...metrics };
    this.framesPerQuarter = Number(metadata.framesPerQuarter);
    if (!(this.framesPerQuarter > 0 && Number.isFinite(this.framesPerQuarter))) {
      const found = metadata.framesPerQuarter;
      throw new SurprisalError("malformed-checkpoint", expected(`a framesPerQuarter above 0 in ${this.id}`, found));
    }
    this.#adaptiveRate = adaptiveRateOf(metadata);
    this.stateLimits = stateLimits(config);
    this.stepCost = stepCost(config);
    this.drawCost = drawCost(config);
    this.passCost = passCost(config);
    this.#module = kernel;
    this.#lazyKernel = lazyKernel(kernel, checkpoint);
  }

  get #kernel(): Kernel {
    return this.#lazyKernel();
  }

  get set(): string {
    return this.checkpoint.metadata.set;
  }

  get preset(): string {
    return this.checkpoint.metadata.preset;
  }

  get pitches(): number {
    return this.checkpoint.config.inputs;
  }

  get networks(): readonly MusicNetwork[] {
    return [this];
  }

  get canAdapt(): boolean {
    return this.#adaptiveRate !== undefined;
  }

  async score(roll: PianoRoll, work = new Work()): Promise<Scored> {
    const run = this.#plainRun();
    const nll = this.#remembered.get(roll) ?? (await this.#nll(roll, run, work));
    this.#remembered.set(roll, nll);
    return { nll, outcomes: async (work = new Work()) => this.#outcomes(roll, await this.#logits(roll, run, work)) };
  }

  async adaptiveScore(roll: PianoRoll, work = new Work()): Promise<Scored> {
    const nll = this.#rememberedAdaptive.get(roll) ?? (await this.#adaptiveRun((run) => this.#nll(roll, run, work)));
    this.#rememberedAdaptive.set(roll, nll);
    return {
      nll,
      outcomes: async (work = new Work()) =>
        this.#outcomes(roll, await this.#adaptiveRun((run) => this.#logits(roll, run, work))),
    };
  }

  adapt(roll: PianoRoll, work = new Work()): Promise<Adapted & { readonly model: MusicNetwork }> {
    return this.#adaptiveRun(async (run) => {
      const nll = new Float64Array(frameCount(roll) - 1);
      const state = await this.#runScored(roll, run, (start, chunk) => nll.set(chunk, start), work);
      return { nll, state, model: this.#withTensors(run.kernel.tensors()) };
    });
  }

  #withTensors(tensors: Tensors): MusicNetwork {
    return new MusicNetwork({ ...this.checkpoint, tensors }, this.version, this.#module, this.metrics);
  }

  #plainRun(): Run {
    const kernel = this.#kernel;
    return { kernel, forward: (batch) => kernel.forward(batch), steps: 1 };
  }

  /** Gives a run a kernel of its own, loaded with the checkpoint's weights, since other runs may go on while it waits. */
  async #adaptiveRun<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const rate = this.#adaptiveRate;
    if (rate === undefined) {
      const wanted = "models whose checkpoint names an adaptive rate";
      throw new SurprisalError("malformed-request", expected(wanted, `${this.id}, which is scored statically only`));
    }
    const kernel = this.#adaptingKernels.pop() ?? chunkKernel(this.#module, this.checkpoint);
    try {
      kernel.load(this.checkpoint.tensors);
      return await work({ kernel, forward: (batch) => kernel.adapt(batch, rate), steps: ADAPTIVE_STEPS });
    } finally {
      this.#adaptingKernels.push(kernel);
    }
  }

  #outcomes(roll: PianoRoll, logits: Float32Array): Outcomes {
    const logit = (t: number, d: number) => logits[t * this.pitches + d];
    const outcomeNll = keepLast((t) => {
      const sounding = new Set(roll.pitches.subarray(roll.offsets[t + 1], roll.offsets[t + 2]));
      const outcomes = new Float64Array(this.pitches);
      for (let d = 0; d < outcomes.length; d++) {
        outcomes[d] = softplus(sounding.has(d + 1) ? -logit(t, d) : logit(t, d));
      }
      return outcomes;
    });
    return {
      outcomeNll,
      // -log σ(l) = softplus(l) - l = softplus(-l)
      pitchNll: (t, pitch) => softplus(-logit(t, pitch - 1)),
      silenceNll: (t) => silenceOf(roll, t, outcomeNll(t)),
    };
  }

  async #nll(roll: PianoRoll, run: Run, work: Work): Promise<Float64Array> {
    const frames = frameCount(roll);
    if (frames < 2) {
      throw new SurprisalError(
        "nothing-to-score",
        expected("at least 2 frames, since the first is never scored", `${frames} frame${frames === 1 ? "" : "s"}`),
      );
    }
    const nll = new Float64Array(frames - 1);
    await this.#runScored(roll, run, (start, chunk) => nll.set(chunk, start), work);
    return nll;
  }

  /** (frames - 1, D): with a NADE head, of each pitch given the lower ones of its frame. */
  async #logits(roll: PianoRoll, run: Run, work: Work): Promise<Float32Array> {
    const logits = new Float32Array((frameCount(roll) - 1) * this.pitches);
    await this.#runScored(roll, run, (start) => logits.set(run.kernel.logits(), start * this.pitches), work);
    return logits;
  }

  /** Returns the state before the last frame. */
  #runScored(roll: PianoRoll, run: Run, visit: Visit, work: Work): Promise<Float32Array> {
    const frames = frameCount(roll);
    const rolls = { inputs: sliceRoll(roll, 0, frames - 1), targets: sliceRoll(roll, 1, frames) };
    return this.#run(this.initialState(), rolls, run, visit, work);
  }

  initialState(): Float32Array {
    return new Float32Array(this.stateLimits.length);
  }

  async advance(state: Float32Array, roll: PianoRoll, work = new Work()): Promise<Advanced> {
    const frames = frameCount(roll);
    if (frames < 1) throw new RangeError(expected("at least one frame", "none"));
    let logits: Float32Array = new Float32Array();
    const nothing = { offsets: new Uint32Array(frames + 1), pitches: new Uint8Array() };
    const run = this.#plainRun();
    const keep = () => {
      logits = run.kernel.logits();
    };
    const after = await this.#run(state, { inputs: roll, targets: nothing }, run, keep, work);
    return { state: after, next: new FrameDistribution([this.#part(after, logits)], this.pitches) };
  }

  /** The frame that follows a state. @param logits (chunk, D), the last of which are those of independent pitches */
  #part(state: Float32Array, logits: Float32Array): FramePart {
    const { config, tensors } = this.checkpoint;
    const { C, c, N, M } = tensors;
    if (!(C && c && N && M)) return independentPrefix(logits.slice(-this.pitches));
    const h = state.subarray(0, config.units);
    const prefix = once(() => nadePrefix({ ...tensors, C, c, N, M }, h)); // a continuation draws and needs none
    const seeded = (draw: () => number) => {
      this.#kernel.seed(Uint32Array.from({ length: SEED_WORDS }, () => draw() * 2 ** 32));
      return this.#kernel;
    };
    return {
      isIndependent: false,
      logit: (d) => prefix().logit(d),
      after: (d) => prefix().after(d),
      drawn: {
        frame: (draw, temperature) => seeded(draw).drawFrame(h, temperature),
        marginals: (draw, frames) => seeded(draw).drawMarginals(h, frames),
      },
    };
  }

  /** Runs inputs in chunks; visit sees the start and the NLL of each, while the kernel still holds its logits. */
  async #run(
    state: Float32Array,
    { inputs, targets }: { inputs: PianoRoll; targets: PianoRoll },
    { kernel, forward, steps }: Run,
    visit: Visit,
    work: Work,
  ): Promise<Float32Array> {
    const frames = frameCount(inputs);
    for (let start = 0; start < frames; start += CHUNK) {
      const end = Math.min(frames, start + CHUNK);
      const batch: Batch<SparseRows> = {
        batchSizes: new Uint32Array(end - start).fill(1),
        inputs: this.#columns(sliceRoll(inputs, start, end)),
        targets: this.#columns(sliceRoll(targets, start, end)),
      };
      kernel.setState(state);
      const nll = forward(batch);
      checkFinite(this.id, nll); // then so are the logits, from which it is computed
      visit(start, nll);
      state = kernel.state();
      await work.step(
        CALL_COST + (end - start) * steps * this.stepCost + (inputs.offsets[end] - inputs.offsets[start]) * NOTE_COST,
      );
    }
    return state;
  }

  #columns({ offsets, pitches }: PianoRoll): SparseRows {
    const columns = pitches.map((pitch) => pitch - 1);
    const above = columns.find((column) => column >= this.pitches);
    if (above !== undefined)
      throw new RangeError(`Pitch ${above + 1} is above ${this.pitches}, the highest of ${this.id}.`);
    return { offsets, columns };
  }
}

/** How chunks pass through a kernel: under its weights as they are, or changing them. */
interface Run {
  readonly kernel: Kernel;
  readonly forward: (batch: Batch<SparseRows>) => Float32Array;
  readonly steps: number; // the time that a frame takes, in plain steps
}

type Visit = (start: number, nll: Float32Array) => void;

/** Above this no model learns anything; see training/adaptive-rate.ts. */
const MAX_ADAPTIVE_RATE = 1;

function adaptiveRateOf({ adaptiveRate }: Checkpoint["metadata"]): number | undefined {
  if (adaptiveRate === undefined) return undefined;
  const rate = Number(adaptiveRate);
  if (rate > 0 && rate <= MAX_ADAPTIVE_RATE) return rate;
  const wanted = `an adaptiveRate above 0 and at most ${MAX_ADAPTIVE_RATE}`;
  throw new SurprisalError("malformed-checkpoint", expected(wanted, JSON.stringify(adaptiveRate)));
}

/** log(1 + e^x), without overflow. */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
