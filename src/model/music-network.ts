/**
 * Checkpoint + kernel -> MusicNetwork: what a set of weights says of a piano roll. MusicModel is what a network has in common
 * with an ensemble of them (ensemble.ts).
 */

import { expected, SurprisalError } from "../errors.ts";
import { frameCount, type PianoRoll, sliceRoll } from "../formats/piano-roll.ts";
import type { Tensors } from "../kernel/config.ts";
import { type Batch, type Kernel, type SparseRows, stateLimits } from "../kernel/kernel.ts";
import { once } from "../util/once.ts";
import { type Checkpoint, type Metrics, metricsOf, modelId } from "./checkpoint.ts";
import { CHUNK, chunkKernel, lazyKernel } from "./chunks.ts";
import { FrameDistribution } from "./frame-distribution.ts";
import { type FramePrefix, independentPrefix, nadePrefix } from "./frame-prefix.ts";
import { type Adapted, type Advanced, keepLast, type MusicModel, type Scored, silenceOf } from "./music-model.ts";

/** A recurrent network of music. The pitches of a frame are independent given the frames before, or not, as its head has it. */
export class MusicNetwork implements MusicModel {
  readonly kind = "music";
  readonly id: string;
  readonly version: string; // sha256 of the checkpoint file, hex
  readonly checkpoint: Checkpoint;
  readonly framesPerQuarter: number;
  readonly metrics: Metrics;
  readonly stateLimits: Float64Array;
  /** Of the steps of adaptive scoring; undefined when the checkpoint names none. */
  readonly adaptiveRate: number | undefined;
  readonly #module: WebAssembly.Module;
  readonly #lazyKernel: () => Kernel;
  readonly #adaptingKernels: Kernel[] = []; // that no run has at present
  // NLL by roll; logits would take 50 times the memory
  readonly #remembered = new WeakMap<PianoRoll, Float64Array>();
  readonly #rememberedAdaptive = new WeakMap<PianoRoll, Float64Array>();

  /**
   * @param metrics what a catalogue says beyond the metadata
   * @throws SurprisalError `malformed-checkpoint` when the metadata have no framesPerQuarter, or an adaptiveRate that is none.
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
    this.adaptiveRate = adaptiveRateOf(metadata);
    this.stateLimits = stateLimits(config);
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

  score(roll: PianoRoll): Scored {
    const nll = this.#remembered.get(roll) ?? this.#nll(roll, this.#forward(this.#kernel));
    this.#remembered.set(roll, nll);
    return this.#scored(roll, nll, () => this.#logits(roll, this.#forward(this.#kernel)));
  }

  adaptiveScore(roll: PianoRoll): Scored {
    const nll = this.#rememberedAdaptive.get(roll) ?? this.#adapting((run) => this.#nll(roll, run));
    this.#rememberedAdaptive.set(roll, nll);
    return this.#scored(roll, nll, () => this.#adapting((run) => this.#logits(roll, run)));
  }

  adapt(roll: PianoRoll): Adapted & { readonly model: MusicNetwork } {
    return this.#adapting((run) => {
      const nll = new Float64Array(frameCount(roll) - 1);
      const state = this.#runScored(roll, run, (start, chunk) => nll.set(chunk, start));
      return { nll, state, model: this.#withTensors(run.kernel.tensors()) };
    });
  }

  #withTensors(tensors: Tensors): MusicNetwork {
    return new MusicNetwork({ ...this.checkpoint, tensors }, this.version, this.#module, this.metrics);
  }

  #forward = (kernel: Kernel): Run => ({ kernel, step: (batch) => kernel.forward(batch) });

  /** Lends a kernel with the weights of the checkpoint, which they leave as the run goes on. */
  #adapting<T>(work: (run: Run) => T): T {
    const rate = this.adaptiveRate;
    if (rate === undefined) {
      const wanted = "models whose checkpoint names an adaptive rate";
      throw new SurprisalError("malformed-request", expected(wanted, `${this.id}, which is scored statically only`));
    }
    const kernel = this.#adaptingKernels.pop() ?? chunkKernel(this.#module, this.checkpoint);
    try {
      kernel.load(this.checkpoint.tensors);
      return work({ kernel, step: (batch) => kernel.adapt(batch, rate) });
    } finally {
      this.#adaptingKernels.push(kernel);
    }
  }

  /** @param logits (frames - 1, D), by a second pass: few ask for them */
  #scored(roll: PianoRoll, nll: Float64Array, secondPass: () => Float32Array): Scored {
    const logits = once(secondPass);
    const logit = (t: number, d: number) => logits()[t * this.pitches + d];
    const outcomeNll = keepLast((t) => {
      const sounding = new Set(roll.pitches.subarray(roll.offsets[t + 1], roll.offsets[t + 2]));
      return Float64Array.from({ length: this.pitches }, (_, d) =>
        softplus(sounding.has(d + 1) ? -logit(t, d) : logit(t, d)),
      );
    });
    return {
      nll,
      outcomeNll,
      // -log σ(l) = softplus(l) - l = softplus(-l)
      pitchNll: (t, pitch) => softplus(-logit(t, pitch - 1)),
      silenceNll: (t) => silenceOf(roll, t, outcomeNll(t)),
    };
  }

  #nll(roll: PianoRoll, run: Run): Float64Array {
    const frames = frameCount(roll);
    if (frames < 2) {
      throw new SurprisalError(
        "nothing-to-score",
        expected("at least 2 frames, since the first is never scored", `${frames} frame${frames === 1 ? "" : "s"}`),
      );
    }
    const nll = new Float64Array(frames - 1);
    this.#runScored(roll, run, (start, chunk) => nll.set(chunk, start));
    return nll;
  }

  /** (frames - 1, D): with a NADE head, of each pitch given the lower ones of its frame. */
  #logits(roll: PianoRoll, run: Run): Float32Array {
    const logits = new Float32Array((frameCount(roll) - 1) * this.pitches);
    this.#runScored(roll, run, (start) => logits.set(run.kernel.logits(), start * this.pitches));
    return logits;
  }

  /** Returns the state before the last frame. */
  #runScored(roll: PianoRoll, run: Run, visit: Visit): Float32Array {
    const frames = frameCount(roll);
    return this.#run(run, this.initialState(), sliceRoll(roll, 0, frames - 1), sliceRoll(roll, 1, frames), visit);
  }

  initialState(): Float32Array {
    return new Float32Array(this.stateLimits.length);
  }

  advance(state: Float32Array, roll: PianoRoll): Advanced {
    const frames = frameCount(roll);
    if (frames < 1) throw new RangeError(expected("at least one frame", "none"));
    let logits: Float32Array = new Float32Array();
    const nothing = { offsets: new Uint32Array(frames + 1), pitches: new Uint8Array() };
    const after = this.#run(this.#forward(this.#kernel), state, roll, nothing, () => {
      logits = this.#kernel.logits();
    });
    return { state: after, next: new FrameDistribution([this.#prefix(after, logits)], this.pitches) };
  }

  /** The frame that follows a state. @param logits (chunk, D), the last of which are those of independent pitches */
  #prefix(state: Float32Array, logits: Float32Array): FramePrefix {
    const { config, tensors } = this.checkpoint;
    const { C, c, N, M } = tensors;
    if (C && c && N && M) return nadePrefix({ ...tensors, C, c, N, M }, state.subarray(0, config.units));
    return independentPrefix(logits.slice(-this.pitches));
  }

  /** Runs inputs in chunks; visit sees the start and the NLL of each, while the kernel still holds its logits. */
  #run({ kernel, step }: Run, state: Float32Array, inputs: PianoRoll, targets: PianoRoll, visit: Visit): Float32Array {
    const frames = frameCount(inputs);
    for (let start = 0; start < frames; start += CHUNK) {
      const end = Math.min(frames, start + CHUNK);
      const batch: Batch<SparseRows> = {
        batchSizes: new Uint32Array(end - start).fill(1),
        inputs: this.#columns(sliceRoll(inputs, start, end)),
        targets: this.#columns(sliceRoll(targets, start, end)),
      };
      kernel.setState(state);
      visit(start, step(batch));
      state = kernel.state();
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
  readonly step: (batch: Batch<SparseRows>) => Float32Array;
}

type Visit = (start: number, nll: Float32Array) => void;

/** Above, no model learns anything; see training/adaptive-rate.ts. */
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
