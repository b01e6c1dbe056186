/**
 * The loop: epochs of updates on the training pieces, each followed by the validation NLL, until that stops falling. All
 * randomness of an epoch is drawn from the seed and the epoch's number, so a trainer that resumes between two epochs ends
 * with the same bits as one that never stopped.
 */

import { type Cell, type Config, mixtureOutputs, type Tensors } from "../kernel/config.ts";
import type { OptimizerState } from "../kernel/optimizer.ts";
import { uniform } from "../util/random.ts";
import { isRoll, minibatches, type Sequence, shuffle, stepCount, tbpttChunks } from "./batches.ts";
import type { TrainingSet } from "./datasets.ts";
import type { CreateEngine, TrainingEngine } from "./engine.ts";
import { initialTensors } from "./initialise.ts";
import type { Protocol } from "./protocol.ts";
import { transposeSome } from "./transposition.ts";

/** Results of an epoch. NLL in nats per frame, micro; the training figure is of the noisy weights, as they were. */
export interface Epoch {
  readonly epoch: number; // from 1; 0: the weights of a model that training goes on from
  readonly train: number;
  readonly valid: number;
}

/** Everything that the epochs still to come depend on. */
export interface Snapshot {
  readonly tensors: Tensors;
  readonly optimizer: OptimizerState;
  readonly best: { readonly epoch: Epoch; readonly tensors: Tensors } | undefined;
  readonly epochs: number; // done
}

// Pieces whose NLL is taken side by side; the result does not depend on it.
const VALIDATION_SEQUENCES = 32;

export class Trainer {
  readonly config: Config;
  readonly framesPerEpoch: number;
  readonly #set: TrainingSet;
  readonly #protocol: Protocol;
  readonly #engine: TrainingEngine;
  readonly #isFineTuning: boolean;
  #epochs = 0;
  #best: Snapshot["best"];

  /** @param start weights to go on from; else they are drawn. They then count as the result of epoch 0. */
  constructor(create: CreateEngine, set: TrainingSet, cell: Cell, protocol: Protocol, start?: Tensors) {
    const { units, hidden, seed, batchSize, bpttSteps } = protocol;
    const { inputs, mixture } = set;
    const head = mixture ? { outputs: mixtureOutputs(mixture), mixture } : { outputs: inputs };
    const nade = hidden > 0 && !mixture && { nade: { hidden } };
    this.config = { cell, inputs, units, ...head, ...nade };
    this.framesPerEpoch = scoredFrames(set.train);
    this.#set = set;
    this.#protocol = protocol;
    const capacity = Math.max(batchSize, VALIDATION_SEQUENCES);
    this.#engine = create(this.config, { rows: capacity * bpttSteps, sequences: capacity });
    this.#isFineTuning = start !== undefined;
    this.#engine.load(start ?? initialTensors(this.config, uniform(seed), frequencies(set.train, inputs)));
  }

  get engine(): string {
    return this.#engine.name;
  }

  get best(): Snapshot["best"] {
    return this.#best;
  }

  /** Whether the last epoch is done or validation has not improved for `patience` epochs. */
  get finished(): boolean {
    const { epochs, patience } = this.#protocol;
    return this.#epochs >= epochs || (this.#best !== undefined && this.#epochs - this.#best.epoch.epoch >= patience);
  }

  async snapshot(): Promise<Snapshot> {
    return {
      tensors: await this.#engine.tensors(),
      optimizer: await this.#engine.optimizer(),
      best: this.#best,
      epochs: this.#epochs,
    };
  }

  resume({ tensors, optimizer, best, epochs }: Snapshot): void {
    this.#engine.load(tensors);
    this.#engine.loadOptimizer(optimizer);
    this.#best = best;
    this.#epochs = epochs;
  }

  /** One pass over the training pieces and one over the validation pieces. */
  async epoch(): Promise<Epoch> {
    const { seed, batchSize, bpttSteps, learningRate, finalRate, emaDecay, epochs } = this.#protocol;
    if (this.#isFineTuning && this.#epochs === 0) this.#best = await this.#untouched();
    const random = uniform(seed ^ Math.imul(this.#epochs + 1, 0x9e3779b1));
    this.#engine.seed(random);
    const pieces = transposeSome(shuffle(this.#set.train, random), this.#protocol, this.config.inputs, random);
    const pieceGroups = minibatches(pieces, batchSize);
    const settings = {
      ...this.#protocol,
      learningRate: learningRate * (1 - ((1 - finalRate) * this.#epochs) / epochs),
    };
    let sum = 0;
    let update = this.#epochs * pieceGroups.length;
    for (const group of pieceGroups) {
      // A short memory at first, so that the average does not hold on to the initial weights.
      const decay = Math.min(emaDecay, (update + 1) / (update + 11));
      update += 1;
      for (const part of tbpttChunks(group, bpttSteps))
        sum += await this.#engine.update(part, { ...settings, emaDecay: decay });
    }
    this.#epochs += 1;
    if (emaDecay > 0) this.#engine.useAverage(true);
    const done = { epoch: this.#epochs, train: sum / this.framesPerEpoch, valid: await this.nll(this.#set.valid) };
    if (!this.#best || done.valid < this.#best.epoch.valid) {
      this.#best = { epoch: done, tensors: await this.#engine.tensors() };
    }
    if (emaDecay > 0) this.#engine.useAverage(false);
    return done;
  }

  /** The weights before any update. */
  async #untouched(): Promise<Snapshot["best"]> {
    const [train, valid] = [await this.nll(this.#set.train), await this.nll(this.#set.valid)];
    return { epoch: { epoch: 0, train, valid }, tensors: await this.#engine.tensors() };
  }

  /** NLL of pieces under the present weights, in nats per scored frame (micro). */
  async nll(pieces: readonly Sequence[]): Promise<number> {
    let sum = 0;
    for (const group of minibatches(pieces, VALIDATION_SEQUENCES)) {
      for (const part of tbpttChunks(group, this.#protocol.bpttSteps)) sum += await this.#engine.nll(part);
    }
    return sum / scoredFrames(pieces);
  }
}

const scoredFrames = (pieces: readonly Sequence[]): number => pieces.reduce((sum, piece) => sum + stepCount(piece), 0);

/** How often each pitch sounds, with half a count added to both outcomes so that no frequency is 0 or 1. */
function frequencies(pieces: readonly Sequence[], columns: number): Float64Array {
  const counts = new Float64Array(columns).fill(0.5);
  const rolls = pieces.filter(isRoll);
  for (const { pitches } of rolls) for (const pitch of pitches) counts[pitch - 1] += 1;
  const frames = rolls.reduce((sum, { offsets }) => sum + offsets.length - 1, 0);
  return counts.map((count) => count / (frames + 1));
}
