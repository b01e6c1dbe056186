/**
 * What scoring and predicting know of a model of music: a network (music-network.ts) or an ensemble of them (ensemble.ts).
 */
import type { PianoRoll } from "../formats/piano-roll.ts";
import type { Work } from "../util/work.ts";
import type { Checkpoint, Metrics } from "./checkpoint.ts";
import type { FramePart } from "./frame-prefix.ts";

/** A distribution of each frame of a piano roll, given all frames before it. */
export interface MusicModel {
  readonly kind: "music";
  readonly id: string; // see modelId
  readonly version: string; // 64 hex digits that change with the answers
  readonly set: string; // of pieces, on which it was trained
  readonly preset: string; // by which it was trained
  readonly pitches: number; // D: MIDI pitches 1…D are known to the model
  readonly framesPerQuarter: number; // of the pieces
  readonly networks: readonly Trained[]; // the model itself, or those that a mixture averages
  readonly metrics: Metrics; // on the pieces of its set
  readonly stateLimits: Float64Array; // (S), the largest size of each number of a state
  readonly stepCost: number; // of a frame that is read, see cost.ts
  readonly drawCost: number; // of a frame that is drawn
  readonly passCost: number; // of a pass over the pitches of a frame that is searched for
  readonly canAdapt: boolean; // whether its checkpoints name the rate of adaptive scoring

  /**
   * NLL of frames 2…T, each given all before it. It is remembered as long as the roll is kept, which nobody may change.
   * @throws SurprisalError `nothing-to-score` when there are fewer than two frames, `malformed-checkpoint` when the weights
   * give no finite number.
   * @throws RangeError when a pitch is above D.
   */
  score(roll: PianoRoll, work?: Work): Promise<Scored>;

  /**
   * The same by weights that learn: after each frame they take a step of gradient descent on what it cost (dynamic evaluation:
   * Mikolov et al. 2010; Krause et al. 2018, arXiv 1709.07432). Every roll begins with the weights of the checkpoint.
   * @throws SurprisalError also `malformed-request` when a checkpoint names no adaptive rate.
   */
  adaptiveScore(roll: PianoRoll, work?: Work): Promise<Scored>;

  /**
   * Learns from a roll of at least one frame as adaptiveScore does. The model that results predicts what follows.
   * @throws as adaptiveScore, but for too few frames
   */
  adapt(roll: PianoRoll, work?: Work): Promise<Adapted>;

  /** State before any frame. */
  initialState(): Float32Array; // (S)

  /**
   * Feeds at least one frame from a state. Feeding a roll in parts gives the same bits as feeding it whole.
   * @throws RangeError when the roll is empty or a pitch is above D.
   */
  advance(state: Float32Array, roll: PianoRoll, work?: Work): Promise<Advanced>;
}

/** A version as answers show it. */
export const taggedVersion = (version: string): string => `sha256:${version}`;

export interface Scored {
  readonly nll: Float64Array; // (frames - 1), nats; entry t belongs to frame t + 1
  /** The terms of the NLL, by a second pass, since few callers ask for them. */
  outcomes(work?: Work): Promise<Outcomes>;
}

export interface Outcomes {
  /**
   * The terms of nll[t], (D): for each pitch, -log p(it sounds, or is silent, as it does in frame t + 1), given the frames
   * before and the lower pitches of its own frame. They add up to nll[t], but for rounding.
   */
  outcomeNll(t: number): Float64Array;
  /** -log p(the pitch sounds in frame t + 1), nats, given the frames before and the lower pitches of its own frame. */
  pitchNll(t: number, pitch: number): number;
  /** What the silent pitches of frame t + 1 add to nll[t]: nll[t] less pitchNll of each pitch that sounds. */
  silenceNll(t: number): number;
}

export interface Adapted {
  readonly model: MusicModel;
  readonly state: Float32Array; // (S), before the last frame, which is to be fed to `model`
  readonly nll: Float64Array; // as that of adaptiveScore
}

export interface Advanced {
  readonly state: Float32Array; // (S), after the last frame
  readonly next: NextFrame;
}

/** Distribution of the frame that follows. */
export interface NextFrame {
  readonly probabilities: Float64Array; // (D), that MIDI pitch d + 1 sounds, whatever else does
  readonly draws: number; // seeded draws from which the probabilities are estimated; 0: they are exact
  readonly standardErrors: Float64Array; // (D), of the probabilities; zeros where they are exact
  readonly parts: readonly FramePart[]; // of each network, see frame-prefix.ts
  readonly shares: readonly number[]; // by part: M times its weight in the average of all M
  /**
   * Computes probabilities and standardErrors, which else are computed at once when they are first asked for.
   * @param onPart awaited after each of the parts that draw
   */
  estimate(onPart: () => Promise<void>): Promise<void>;
  /**
   * A frame of it, as MIDI pitches.
   * @param draw uniform in [0, 1)
   * @param temperature divides the logits of each network
   */
  sample(draw: () => number, temperature: number): number[];
  /**
   * The likeliest whole frames, likeliest first: exact, and fewer than `count` only when there are fewer or it is too hard.
   * @param onExpansion awaited after each step of the search, a pass over the pitches of a frame
   */
  chords(count: number, onExpansion?: () => Promise<void>): Promise<Chord[]>;
}

/** A whole frame: all that sounds in it. */
export interface Chord {
  readonly pitches: readonly number[]; // MIDI, ascending
  readonly probability: number; // that this sounds and nothing else
}

/** A function of frames that keeps its last value, since notes of one frame are asked for one after the other. */
export function keepLast<T>(of: (t: number) => T): (t: number) => T {
  let last: { readonly t: number; readonly value: T } | undefined;
  return (t) => {
    if (last?.t !== t) last = { t, value: of(t) };
    return last.value;
  };
}

/** The part of a frame's NLL that is left for its silent pitches. @param outcomeNll see Scored */
export function silenceOf({ offsets, pitches }: PianoRoll, t: number, outcomeNll: Float64Array): number {
  const silent = outcomeNll.slice();
  for (const pitch of pitches.subarray(offsets[t + 1], offsets[t + 2])) silent[pitch - 1] = 0;
  return silent.reduce((sum, nll) => sum + nll, 0);
}

/** One network of a model, as the catalogue shows it. */
export interface Trained {
  readonly id: string;
  readonly version: string; // sha256 of the checkpoint file, hex
  readonly checkpoint: Checkpoint;
}
