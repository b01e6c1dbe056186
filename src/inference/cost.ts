/** Input + models + options -> the work that the answer will take, before any of it is computed. */
import { SAMPLE_COST } from "../formats/waveform.ts";
import { CHUNK } from "../model/chunks.ts";
import { ADAPTIVE_STEPS, ANSWER_COST, CALL_COST, heated, NOTE_COST, OUTCOME_COST, stepCost } from "../model/cost.ts";
import { MARGINAL_DRAWS } from "../model/frame-distribution.ts";
import type { Model } from "../model/model.ts";
import type { MusicModel, Trained } from "../model/music-model.ts";
import { shiftsOf } from "../model/sets.ts";
import type { SpeechNetwork } from "../model/speech-network.ts";
import type { PredictOptions, ScoreOptions } from "../schema/options.ts";
import { sum } from "../util/statistics.ts";
import type { Piece } from "./piece.ts";
import type { Recording } from "./recording.ts";
import { ROUNDS, smallestOfSet } from "./shift.ts";

/** The work of finding the shift of each set, see shift.ts. */
function shiftCost(
  piece: Piece,
  chosen: readonly MusicModel[],
  models: readonly MusicModel[],
  { transpose = piece.transpose, framesPerQuarter }: Pick<ScoreOptions, "transpose" | "framesPerQuarter">,
): number {
  if (transpose !== "auto") return 0;
  const sets = [...new Set(chosen.map(({ set }) => set))];
  return sum(
    sets.map((set) => {
      const model = smallestOfSet(set, models);
      const rate = framesPerQuarter ?? model.framesPerQuarter;
      const frames = piece.frames(rate);
      let candidates = shiftsOf(set).length;
      let cost = candidates * piece.notesInFrames(rate) * NOTE_COST;
      for (const { frames: length, kept } of ROUNDS) {
        cost += candidates * readingCost(Math.min(frames, length), piece.notesInFrames(rate, length), model.stepCost);
        candidates = kept;
        if (frames <= length) break;
      }
      return cost;
    }),
  );
}

/** The work of reading a roll. @param costOfStep of each of its frames */
const readingCost = (frames: number, notes: number, costOfStep: number): number =>
  Math.ceil(frames / CHUNK) * CALL_COST + frames * costOfStep + notes * NOTE_COST;

/** Passes over a frame that is read. */
const passes = ({ adaptive }: Pick<ScoreOptions, "adaptive">): number => (adaptive ? ADAPTIVE_STEPS : 1);

/** The work of reading a piece by a network. @param perFrame what else each frame takes */
const networkCost = (
  piece: Piece,
  { checkpoint }: Trained,
  rate: number,
  options: Pick<ScoreOptions, "adaptive">,
  perFrame = 0,
): number =>
  readingCost(piece.frames(rate), piece.notesInFrames(rate), passes(options) * stepCost(checkpoint.config) + perFrame);

/** @param models all at hand, see shiftsBySet */
export function scoreMusicCost(
  piece: Piece,
  chosen: readonly MusicModel[],
  models: readonly MusicModel[],
  options: ScoreOptions,
): number {
  const rateOf = (model: MusicModel) => options.framesPerQuarter ?? model.framesPerQuarter;
  const framesOf = (model: MusicModel) => piece.frames(rateOf(model));
  // An ensemble uses the runs of its members, except for the scores of its notes.
  const networks = new Map(chosen.flatMap((model) => model.networks.map((network) => [network, rateOf(model)])));
  const scores = [...networks].map(([network, rate]) => networkCost(piece, network, rate, options));
  const ofNotes = (model: MusicModel) =>
    sum(
      model.networks.map((network) =>
        networkCost(piece, network, rateOf(model), options, OUTCOME_COST * model.pitches),
      ),
    );
  const notes = options.detail === "notes" ? chosen.map(ofNotes) : [];
  // The likeliest frames take at least a pass each, and the places of notes as many as there are and one.
  const ofExpected = (model: MusicModel) =>
    framesOf(model) * (model.stepCost + 2 * model.passCost) + piece.notesInFrames(rateOf(model)) * model.passCost;
  const expected = options.expected ? chosen.map(ofExpected) : [];
  const answers = chosen.length * ANSWER_COST;
  return shiftCost(piece, chosen, models, options) + sum(scores) + sum(notes) + sum(expected) + answers;
}

/** Without the search for the likeliest frames, whose work is only known once it is done. */
export function predictMusicCost(
  piece: Piece,
  chosen: readonly MusicModel[],
  models: readonly MusicModel[],
  options: PredictOptions,
): number {
  const { steps = 0, framesPerQuarter, temperature } = options;
  const costs = chosen.map((model) => {
    const isDrawn = model.networks.some(({ checkpoint }) => checkpoint.config.nade);
    return (
      sum(
        model.networks.map((network) =>
          networkCost(piece, network, framesPerQuarter ?? model.framesPerQuarter, options),
        ),
      ) +
      (isDrawn ? MARGINAL_DRAWS * model.drawCost : 0) +
      steps * ((model.networks.length + 1) * CALL_COST + model.stepCost + heated(model.drawCost, temperature))
    );
  });
  return (options.state ? 0 : shiftCost(piece, chosen, models, options)) + sum(costs);
}

export const speechCost = (
  { input }: Recording,
  models: readonly SpeechNetwork[],
  { steps = 0 }: Pick<PredictOptions, "steps"> = {},
): number =>
  (input.samples / input.sampleRate) * costOfSecond(models) +
  steps * sum(models.map((model) => model.stepCost + model.drawCost));

/** The work of one second of sound under those of the models that read sound. */
export const costOfSecond = (models: readonly Model[]): number =>
  sum(
    models.map((model) =>
      model.kind === "audio" ? model.sampleRate * (SAMPLE_COST + model.stepCost / model.shape.block) : 0,
    ),
  );
