/**
 * Checkpoint + kernel -> Model: what a set of weights says of a piano roll.
 */
import type { Checkpoint } from "./checkpoint.ts";
import { SurprisalError } from "./errors.ts";
import { type Batch, Kernel, type SparseRows, stateSize } from "./kernel/kernel.ts";
import { frameCount, type PianoRoll, sliceRoll } from "./sequence.ts";

export interface Scored {
  readonly nll: Float64Array; // (frames - 1), nats; entry t belongs to frame t + 1
  readonly logits: Float32Array; // (frames - 1, D); logit of MIDI pitch p stands in column p - 1
}

// Frames that pass through the kernel at once: enough for the output layer's matrix product to run at full speed, few
// enough for the workspace of a 100-unit model to stay below half a megabyte.
const CHUNK = 128;

export class Model {
  readonly id: string; // <set>/<cell>
  readonly version: string; // sha256 of the checkpoint file, hex
  readonly checkpoint: Checkpoint;
  readonly #kernel: Kernel;

  constructor(identity: { id: string; version: string }, checkpoint: Checkpoint, kernel: WebAssembly.Module) {
    this.id = identity.id;
    this.version = identity.version;
    this.checkpoint = checkpoint;
    this.#kernel = new Kernel(kernel, checkpoint.config, { rows: CHUNK, sequences: 1 });
    this.#kernel.load(checkpoint.tensors);
  }

  /** D: MIDI pitches 1…D are known to the model. */
  get pitches(): number {
    return this.checkpoint.config.inputs;
  }

  /**
   * NLL of frames 2…T, each given all before it.
   * @throws SurprisalError `nothing-to-score` when there are fewer than two frames.
   * @throws RangeError when a pitch is above D.
   */
  score(roll: PianoRoll): Scored {
    const frames = frameCount(roll);
    if (frames < 2) {
      throw new SurprisalError(
        "nothing-to-score",
        `Found ${frames} frame${frames === 1 ? "" : "s"}; the first is never scored, so at least 2 are wanted.`,
      );
    }
    const nll = new Float64Array(frames - 1);
    const logits = new Float32Array((frames - 1) * this.pitches);
    this.#run(this.initialState(), sliceRoll(roll, 0, frames - 1), sliceRoll(roll, 1, frames), (start, chunk) => {
      nll.set(chunk, start);
      logits.set(this.#kernel.logits(), start * this.pitches);
    });
    return { nll, logits };
  }

  /** State before any frame, see stateSize. */
  initialState(): Float32Array {
    return new Float32Array(stateSize(this.checkpoint.config));
  }

  /**
   * Feeds at least one frame from a state: the state after it and the logits, (D), of the frame that follows. Feeding a
   * roll in parts gives the same bits as feeding it whole.
   * @throws RangeError when the roll is empty or a pitch is above D.
   */
  advance(state: Float32Array, roll: PianoRoll): { state: Float32Array; logits: Float32Array } {
    const frames = frameCount(roll);
    if (frames < 1) throw new RangeError("advance wants at least one frame.");
    let logits = new Float32Array();
    const nothing = { offsets: new Uint32Array(frames + 1), pitches: new Uint8Array() };
    const after = this.#run(state, roll, nothing, () => {
      logits = this.#kernel.logits();
    });
    return { state: after, logits: logits.slice(-this.pitches) };
  }

  /** Runs inputs in chunks; visit sees the start and the NLL of each, while the kernel still holds its logits. */
  #run(
    state: Float32Array,
    inputs: PianoRoll,
    targets: PianoRoll,
    visit: (start: number, nll: Float32Array) => void,
  ): Float32Array {
    const frames = frameCount(inputs);
    for (let start = 0; start < frames; start += CHUNK) {
      const end = Math.min(frames, start + CHUNK);
      const batch: Batch = {
        batchSizes: new Uint32Array(end - start).fill(1),
        inputs: this.#columns(sliceRoll(inputs, start, end)),
        targets: this.#columns(sliceRoll(targets, start, end)),
      };
      this.#kernel.setState(state);
      visit(start, this.#kernel.forward(batch));
      state = this.#kernel.state();
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
