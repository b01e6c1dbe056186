/**
 * The loop: epochs of updates on the training pieces, each followed by the validation NLL, until that stops falling. All
 * chance of an epoch is drawn from the seed and the epoch's number, so a trainer that resumes between two epochs ends
 * where one that never stopped does, bit for bit.
 */
import type { Cell, Config, Tensors } from "../checkpoint.ts";
import { Kernel } from "../kernel/kernel.ts";
import { uniform } from "../random.ts";
import { frameCount, type PianoRoll } from "../sequence.ts";
import { groups, type Part, parts, shuffle } from "./batches.ts";
import type { MusicSet } from "./datasets.ts";
import { initialTensors } from "./initialise.ts";
import type { Protocol } from "./protocol.ts";

/** What an epoch came to. NLL in nats per frame, micro; the training figure is of the noisy weights, as they were. */
export interface Epoch {
  readonly epoch: number; // from 1
  readonly train: number;
  readonly valid: number;
}

/** Everything that the epochs still to come depend on. */
export interface Snapshot {
  readonly tensors: Tensors;
  readonly optimiser: { readonly meanSquare: Tensors; readonly velocity: Tensors };
  readonly best: { readonly epoch: Epoch; readonly tensors: Tensors } | undefined;
  readonly epochs: number; // done
}

// Pieces whose NLL is taken side by side; the result does not depend on it.
const VALIDATION_SEQUENCES = 32;

export class Trainer {
  readonly config: Config;
  readonly framesPerEpoch: number;
  readonly #set: MusicSet;
  readonly #protocol: Protocol;
  readonly #kernel: Kernel;
  #epochs = 0;
  #best: Snapshot["best"];

  constructor(kernel: WebAssembly.Module, set: MusicSet, cell: Cell, protocol: Protocol) {
    const { units, seed, sequences, steps } = protocol;
    this.config = { cell, inputs: set.inputs, units, outputs: set.inputs };
    this.framesPerEpoch = set.train.reduce((sum, piece) => sum + Math.max(0, frameCount(piece) - 1), 0);
    this.#set = set;
    this.#protocol = protocol;
    const capacity = Math.max(sequences, VALIDATION_SEQUENCES);
    this.#kernel = new Kernel(kernel, this.config, { rows: capacity * steps, sequences: capacity, training: true });
    this.#kernel.load(initialTensors(this.config, uniform(seed), frequencies(set.train, set.inputs)));
  }

  get best(): Snapshot["best"] {
    return this.#best;
  }

  /** Whether the last epoch is done or validation has not improved for `patience` epochs. */
  get finished(): boolean {
    const { epochs, patience } = this.#protocol;
    return this.#epochs >= epochs || (this.#best !== undefined && this.#epochs - this.#best.epoch.epoch >= patience);
  }

  snapshot(): Snapshot {
    return {
      tensors: this.#kernel.tensors(),
      optimiser: this.#kernel.optimiser(),
      best: this.#best,
      epochs: this.#epochs,
    };
  }

  resume({ tensors, optimiser, best, epochs }: Snapshot): void {
    this.#kernel.load(tensors);
    this.#kernel.loadOptimiser(optimiser);
    this.#best = best;
    this.#epochs = epochs;
  }

  /** One pass over the training pieces and one over the validation pieces. */
  epoch(): Epoch {
    const { seed, sequences, steps, rate, finalRate, decay, momentum, floor, maxNorm, noise, epochs } = this.#protocol;
    const random = uniform(seed ^ Math.imul(this.#epochs + 1, 0x9e3779b1));
    this.#kernel.seedNoise(Uint32Array.from({ length: 16 }, () => random() * 2 ** 32));
    const rule = { maxNorm, decay, momentum, floor, rate: rate * (1 - ((1 - finalRate) * this.#epochs) / epochs) };
    let sum = 0;
    for (const pieces of groups(shuffle(this.#set.train, random), sequences)) {
      sum += this.#run(parts(pieces, steps), ({ batch, rows }) => {
        if (noise > 0) this.#kernel.perturb(noise);
        const nll = this.#kernel.backward(batch, 1 / rows);
        if (noise > 0) this.#kernel.restore();
        const norm = this.#kernel.update(rule);
        if (!Number.isFinite(norm)) throw new Error(`The gradient's norm became ${norm}; a lower rate may help.`);
        return nll;
      });
    }
    this.#epochs += 1;
    const done = { epoch: this.#epochs, train: sum / this.framesPerEpoch, valid: this.nll(this.#set.valid) };
    if (!this.#best || done.valid < this.#best.epoch.valid)
      this.#best = { epoch: done, tensors: this.#kernel.tensors() };
    return done;
  }

  /** NLL of pieces under the present weights, in nats per scored frame (micro). */
  nll(pieces: readonly PianoRoll[]): number {
    const frames = pieces.reduce((sum, piece) => sum + Math.max(0, frameCount(piece) - 1), 0);
    const sums = groups(pieces, VALIDATION_SEQUENCES).map((group) =>
      this.#run(parts(group, this.#protocol.steps), ({ batch }) => this.#kernel.forward(batch)),
    );
    return sums.reduce((sum, part) => sum + part, 0) / frames;
  }

  /** Runs consecutive parts, carrying the state from each to the next; the sum of all NLL. */
  #run(consecutive: Iterable<Part>, step: (part: Part) => Float32Array): number {
    let sum = 0;
    for (const part of consecutive) {
      if (part.continued) this.#kernel.setState(this.#kernel.state(part.continued));
      for (const nll of step(part)) sum += nll;
    }
    return sum;
  }
}

/** How often each pitch sounds, with half a count added to both outcomes so that no frequency is 0 or 1. */
function frequencies(pieces: readonly PianoRoll[], columns: number): Float64Array {
  const counts = new Float64Array(columns).fill(0.5);
  for (const { pitches } of pieces) for (const pitch of pitches) counts[pitch - 1] += 1;
  const frames = pieces.reduce((sum, piece) => sum + frameCount(piece), 0);
  return counts.map((count) => count / (frames + 1));
}
