/**
 * Checkpoint + kernel -> SpeechNetwork: what a set of weights says of a recording, block by block. Step k reads the samples
 * 10k … 10k + 19 and gives the density of the 10 that follow (Chung et al. 2014, section 4.1), so every sample after the
 * first 20 is scored once and the sum is the log-density of the recording given its first 20 samples.
 */

import { expected, SurprisalError } from "../errors.ts";
import { dithered } from "../formats/dither.ts";
import { SAMPLE_COST } from "../formats/waveform.ts";
import type { MixtureShape } from "../kernel/config.ts";
import { stateLimits } from "../kernel/engine.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Work } from "../util/work.ts";
import { type Checkpoint, modelId } from "./checkpoint.ts";
import { CHUNK, lazyKernel } from "./chunks.ts";
import { CALL_COST, drawCost, stepCost } from "./cost.ts";
import { checkFinite } from "./finite.ts";
import { GaussianMixture } from "./gaussian-mixture.ts";

/** Samples that are standardised between two pauses. */
const PART = 2 ** 15;

/** Where a recording stopped: the state before its last step, and the samples from that step's first on. */
export interface SpeechState {
  readonly state: Float32Array; // (S)
  readonly position: number; // of the first of the samples in the recording; a multiple of the block
  readonly samples: Float32Array; // as they came in, full scale = 1; fewer than inputs + block
}

/** What the end of a recording says. Samples are standardised. */
export interface AdvancedSpeech {
  readonly stopped: SpeechState;
  readonly next: GaussianMixture; // of the samples of the block under way that are still to come, at least one
  readonly rest: Continuation;
}

/** All that the samples still to come depend on. */
interface Continuation {
  readonly state: Float32Array; // after the last step
  readonly window: Float32Array; // samples of the next step that are known: its inputs but for those in `next`
}

export class SpeechNetwork {
  readonly kind = "audio";
  readonly id: string;
  readonly version: string; // sha256 of the checkpoint file, hex
  readonly checkpoint: Checkpoint;
  readonly sampleRate: number; // Hz
  readonly mean: number; // of the training samples, full scale = 1
  readonly std: number;
  readonly inputs: number; // samples that a step reads
  readonly shape: MixtureShape; // shape.block samples that it predicts
  readonly stateLimits: Float64Array; // (S), the largest size of each number of a state
  readonly stepCost: number; // see cost.ts
  readonly drawCost: number;
  readonly #lazyKernel: () => Kernel;

  /** @throws SurprisalError `malformed-checkpoint` when it has no mixture head, or no sampleRate, mean or std. */
  constructor(checkpoint: Checkpoint, version: string, kernel: WebAssembly.Module) {
    const { config, metadata } = checkpoint;
    this.id = modelId({ set: metadata.set, cell: config.cell, preset: metadata.preset });
    const malformed = (detail: string) => new SurprisalError("malformed-checkpoint", detail);
    const number = (name: string, least: number) => {
      const value = Number(metadata[name] || "NaN");
      if (Number.isFinite(value) && value >= least) return value;
      throw malformed(expected(`a ${name} of at least ${least} in ${this.id}`, metadata[name] ?? "none"));
    };
    if (!config.mixture) throw malformed(expected(`a mixture of Gaussians in ${this.id}`, "another head"));
    if (config.inputs < config.mixture.block) {
      throw malformed(
        expected(`at least the ${config.mixture.block} samples of a block as inputs of ${this.id}`, config.inputs),
      );
    }
    this.version = version;
    this.checkpoint = checkpoint;
    this.sampleRate = number("sampleRate", 1000);
    this.mean = number("mean", -1);
    this.std = number("std", 1e-6);
    this.inputs = config.inputs;
    this.shape = config.mixture;
    this.stateLimits = stateLimits(config);
    this.stepCost = stepCost(config);
    this.drawCost = CALL_COST + drawCost(config);
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

  /** Samples of a recording (full scale = 1) as the model reads them: dithered and standardised. */
  standardise(samples: Float32Array, position = 0): Float32Array {
    return dithered(samples, position).map((sample) => (sample - this.mean) / this.std);
  }

  /** The same, part by part: ten minutes of sound take longer than other requests should wait. */
  async standardised(samples: Float32Array, work: Work, position = 0): Promise<Float32Array> {
    const all = new Float32Array(samples.length);
    for (let start = 0; start < all.length; start += PART) {
      const part = samples.subarray(start, start + PART);
      all.set(this.standardise(part, position + start), start);
      await work.step(part.length * SAMPLE_COST);
    }
    return all;
  }

  /**
   * NLL of each block, nats, of standardised samples. A last block that is not whole has the NLL of the samples that it
   * has, which is exact: those of the others are integrated out.
   * @param samples standardised
   * @throws SurprisalError `nothing-to-score` when there is no sample after the first `inputs`, `malformed-checkpoint` when
   * the weights give no finite number.
   */
  async score(samples: Float32Array, work = new Work()): Promise<{ readonly nll: Float64Array }> {
    const { inputs } = this;
    const { block } = this.shape;
    const scored = samples.length - inputs;
    if (scored < 1) {
      throw new SurprisalError(
        "nothing-to-score",
        expected(
          `at least ${inputs + 1} samples at ${this.sampleRate} Hz, since the first ${inputs} are never scored`,
          samples.length,
        ),
      );
    }
    const nll = new Float64Array(Math.ceil(scored / block));
    const whole = Math.floor(scored / block);
    let state = this.#initialState();
    for (let start = 0; start < whole; start += CHUNK) {
      const steps = Math.min(CHUNK, whole - start);
      const first = start * block + inputs;
      nll.set(this.#forward(state, samples.subarray(start * block), steps, samples.subarray(first)), start);
      state = this.#kernel.state();
      await work.step(steps * this.stepCost);
    }
    if (whole < nll.length) {
      this.#forward(state, samples.subarray(whole * block), 1);
      nll[whole] = this.#mixture().nll(samples.subarray(inputs + whole * block));
    }
    checkFinite(this.id, nll);
    return { nll };
  }

  /** Before any sample. */
  initialState(): SpeechState {
    return { state: this.#initialState(), position: 0, samples: new Float32Array() };
  }

  /**
   * Reads samples (full scale = 1) from where a recording stopped: parts of it give the same bits as the whole.
   * @throws SurprisalError `nothing-to-score` when the recording has fewer samples than a step reads, `malformed-checkpoint`
   * as score.
   */
  async advance(stopped: SpeechState, samples: Float32Array, work = new Work()): Promise<AdvancedSpeech> {
    const { inputs } = this;
    const { block } = this.shape;
    const all = new Float32Array(stopped.samples.length + samples.length);
    all.set(stopped.samples);
    all.set(samples, stopped.samples.length);
    if (all.length < inputs) {
      throw new SurprisalError(
        "nothing-to-score",
        expected(`at least ${inputs} samples at ${this.sampleRate} Hz to predict the next from`, all.length),
      );
    }
    const read = await this.standardised(all, work, stopped.position);
    const last = Math.floor((all.length - inputs) / block); // step
    let { state } = stopped;
    for (let start = 0; start < last; start += CHUNK) {
      const steps = Math.min(CHUNK, last - start);
      this.#forward(state, read.subarray(start * block), steps);
      state = this.#kernel.state();
      await work.step(steps * this.stepCost);
    }
    this.#forward(state, read.subarray(last * block), 1);
    return {
      stopped: { state, position: stopped.position + last * block, samples: all.slice(last * block) },
      next: this.#mixture().given(read.subarray(last * block + inputs)),
      rest: { state: this.#kernel.state(), window: read.slice((last + 1) * block) },
    };
  }

  /**
   * Samples so many blocks, the one under way first; standardised.
   * @param draw uniform in [0, 1)
   */
  async continuation(
    { next, rest }: AdvancedSpeech,
    { blocks, draw, temperature }: { blocks: number; draw: () => number; temperature: number },
    work = new Work(),
  ): Promise<Float32Array> {
    const { inputs } = this;
    const { block } = this.shape;
    const first = next.sample(draw, temperature);
    const known = rest.window.length;
    const sampled = new Float32Array(known + first.length + (blocks - 1) * block);
    sampled.set(rest.window);
    sampled.set(first, known);
    let { state } = rest;
    for (let k = 0; k + 1 < blocks; k++) {
      this.#forward(state, sampled.subarray(k * block), 1);
      state = this.#kernel.state();
      sampled.set(this.#mixture().sample(draw, temperature), k * block + inputs);
      await work.step(this.stepCost + this.drawCost);
    }
    return sampled.slice(known);
  }

  #initialState(): Float32Array {
    return new Float32Array(this.stateLimits.length);
  }

  /**
   * Runs steps from a state.
   * @param samples from the first step's first on; a step reads `inputs` of them and the next begins a block later
   * @param targets from the first step's block on; none when the NLL is of no interest
   */
  #forward(state: Float32Array, samples: Float32Array, steps: number, targets?: Float32Array): Float32Array {
    const { inputs } = this;
    const { block } = this.shape;
    const rows = new Float32Array(steps * inputs);
    for (let k = 0; k < steps; k++) rows.set(samples.subarray(k * block, k * block + inputs), k * inputs);
    this.#kernel.setState(state);
    return this.#kernel.forward({
      batchSizes: new Uint32Array(steps).fill(1),
      inputs: rows,
      targets: targets?.subarray(0, steps * block) ?? new Float32Array(steps * block),
    });
  }

  /** That of the last step of #forward. */
  #mixture(): GaussianMixture {
    const outputs = this.#kernel.logits().subarray(-this.checkpoint.config.outputs);
    checkFinite(this.id, outputs);
    const mixture = GaussianMixture.ofOutputs(outputs, this.shape);
    for (const scales of mixture.scales) checkFinite(this.id, scales); // an exponential of an output
    return mixture;
  }
}
