/**
 * Piece + models -> distribution of the next frame, and frames sampled from it, each of which is fed back.
 */

import { expected, SurprisalError, type Warning } from "../errors.ts";
import { frameCount, type PianoRoll, pianoRoll, sliceRoll } from "../formats/piano-roll.ts";
import { MAX_STEPS } from "../limits.ts";
import { CALL_COST, heated } from "../model/cost.ts";
import { MARGINAL_DRAWS } from "../model/frame-distribution.ts";
import { type Advanced, type Chord, type MusicModel, taggedVersion } from "../model/music-model.ts";
import type { PredictOptions } from "../schema/options.ts";
import type { MusicPredictResponse, Prediction } from "../schema/predict.ts";
import { uniform } from "../util/random.ts";
import { Work } from "../util/work.ts";
import { checkAdaptiveFrames, leftOutWarning, type Piece, prepareFor } from "./piece.ts";
import { shiftsBySet } from "./shift.ts";
import { adaptiveToken, type MusicState, musicToken } from "./state-token.ts";

const LIKELY = 10;
const CHORDS = 5;

/** A model before it reads the input. */
export interface MusicSession {
  readonly model: MusicModel;
  readonly stopped: MusicState;
  readonly warnings?: readonly Warning[]; // of how its input is read
}

/**
 * Predicts what follows a piece.
 * @throws SurprisalError `nothing-to-score` when there is no frame, `malformed-request` for too many steps.
 */
export async function predictMusic(
  piece: Piece,
  runs: readonly MusicSession[],
  options: PredictOptions,
  work = new Work(),
): Promise<MusicPredictResponse> {
  const { steps = 0 } = options;
  if (steps > MAX_STEPS.music) {
    throw new SurprisalError("malformed-request", expected(`steps of at most ${MAX_STEPS.music} for music`, steps));
  }
  const predictions: Prediction[] = [];
  for (const run of runs) predictions.push(await predictOne(piece, run, options, work));
  return { input: piece.input, predictions };
}

/** The chosen models at the start of a piece. @param models see shiftsBySet */
export async function startMusic(
  piece: Piece,
  chosen: readonly MusicModel[],
  options: PredictOptions,
  models: readonly MusicModel[] = chosen,
  work = new Work(),
): Promise<MusicSession[]> {
  const shifts = await shiftsBySet(piece, chosen, models, options, work);
  return chosen.map((model) => {
    const { semitones = 0, warnings = [] } = shifts.get(model.set) ?? {};
    const framesPerQuarter = options.framesPerQuarter ?? model.framesPerQuarter;
    return { model, stopped: { state: model.initialState(), shift: semitones, framesPerQuarter }, warnings };
  });
}

async function predictOne(
  piece: Piece,
  { model, stopped, warnings = [] }: MusicSession,
  options: PredictOptions,
  work: Work,
): Promise<Prediction> {
  const { state, shift, framesPerQuarter } = stopped;
  const input = prepareFor(model, piece, { framesPerQuarter, shift });
  const frames = frameCount(input.roll);
  if (frames === 0) {
    throw new SurprisalError("nothing-to-score", expected("at least one frame to predict the next from", "none"));
  }
  const { adaptive = false, steps } = options;
  const learned = adaptive ? await learn(model, input.roll, work) : { model, state, unread: input.roll };
  const advanced = await learned.model.advance(learned.state, learned.unread, work);
  const { next } = advanced;
  await next.estimate(() => work.step((MARGINAL_DRAWS * model.drawCost) / model.networks.length));
  const probabilities = Array.from(next.probabilities);
  const sampled =
    steps === undefined ? undefined : inOwnKey(await sample(learned.model, advanced, steps, options, work), shift);
  return {
    model: model.id,
    version: taggedVersion(model.version),
    framesPerQuarter,
    frames,
    ...(adaptive && { adaptive }),
    transposedBy: shift,
    ...(piece.samplePoint !== undefined && { samplePoint: piece.samplePoint }),
    warnings: [...input.warnings, ...warnings, ...(sampled?.warnings ?? [])],
    probabilities,
    likely: likely(probabilities, shift),
    draws: next.draws,
    ...(next.draws > 0 && { standardErrors: Array.from(next.standardErrors) }),
    chords: chords(await next.chords(CHORDS, () => work.step(model.passCost)), shift),
    state: adaptive ? adaptiveToken(model) : musicToken(model, { state: advanced.state, shift, framesPerQuarter }),
    ...(sampled && { continuation: sampled.frames }),
  };
}

/** A model as it is after it has learned from a piece, and the last frame, which it has not read yet: no frame follows from which it could learn. */
async function learn(model: MusicModel, roll: PianoRoll, work: Work) {
  const frames = frameCount(roll);
  checkAdaptiveFrames(frames);
  return { ...(await model.adapt(roll, work)), unread: sliceRoll(roll, frames - 1, frames) };
}

/** The most probable pitches, in the input's own key. */
function likely(probabilities: readonly number[], shift: number): Prediction["likely"] {
  return probabilities
    .map((probability, d) => ({ pitch: d + 1 - shift, probability }))
    .filter(({ pitch }) => isPitch(pitch))
    .toSorted((a, b) => b.probability - a.probability || a.pitch - b.pitch)
    .slice(0, LIKELY);
}

/** Whole frames in the input's own key; one that has no place there is left out. */
const chords = (likeliest: readonly Chord[], shift: number): Prediction["chords"] =>
  likeliest
    .map(({ pitches, probability }) => ({ pitches: pitches.map((pitch) => pitch - shift), probability }))
    .filter(({ pitches }) => pitches.every(isPitch));

/** Frames that follow, in the model's key. */
async function sample(
  model: MusicModel,
  { state, next }: Advanced,
  steps: number,
  { temperature = 1, seed = 0 }: PredictOptions,
  work: Work,
): Promise<number[][]> {
  const draw = uniform(seed);
  const frames: number[][] = [];
  while (frames.length < steps) {
    if (frames.length > 0) ({ state, next } = await model.advance(state, pianoRoll(frames.slice(-1)), work));
    frames.push(next.sample(draw, temperature));
    await work.step(CALL_COST + heated(model.drawCost, temperature));
  }
  return frames;
}

/** Shifts sampled frames back. Pitches that no MIDI note has are left out and counted. */
function inOwnKey(sampled: readonly number[][], shift: number) {
  const shifted = sampled.map((frame) => frame.map((pitch) => pitch - shift));
  const frames = shifted.map((frame) => frame.filter(isPitch));
  const leftOut = shifted.flat().length - frames.flat().length;
  const reason = "transposed back, they lie outside MIDI pitches 1 to 127";
  return { frames, warnings: leftOut === 0 ? [] : [leftOutWarning(leftOut, reason)] };
}

const isPitch = (pitch: number) => pitch >= 1 && pitch <= 127;
