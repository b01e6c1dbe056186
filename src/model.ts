/**
 * Checkpoint + kernel -> Model: what a set of weights says of a piano roll.
 */
import type { Checkpoint } from "./checkpoint.ts";
import type { PianoRoll } from "./sequence.ts";

export interface Scored {
  readonly nll: Float64Array; // (frames - 1), nats; entry t belongs to frame t + 1
  readonly logits: Float32Array; // (frames - 1, D); logit of MIDI pitch p stands in column p - 1
}

export declare class Model {
  readonly id: string; // <set>/<cell>
  readonly version: string; // sha256 of the checkpoint file, hex
  readonly checkpoint: Checkpoint;
  constructor(identity: { id: string; version: string }, checkpoint: Checkpoint, kernel: WebAssembly.Module);
  /** D: MIDI pitches 1…D are known to the model. */
  get pitches(): number;
  /** NLL of frames 2…T given all before. Throws SurprisalError `nothing-to-score` when there are fewer than two frames. */
  score(roll: PianoRoll): Scored;
  /** State before any frame. */
  initialState(): Float32Array;
  /** Feeds frames from a state: the state after them and the logits (D) of the frame that follows. At least one frame. */
  advance(state: Float32Array, roll: PianoRoll): { state: Float32Array; logits: Float32Array };
}
