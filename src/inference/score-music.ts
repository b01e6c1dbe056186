/**
 * Piece + models -> negative log-likelihoods. NLL of a frame = Σ_d softplus(l_d) - x_d l_d in nats; the first frame is
 * never scored (Boulanger-Lewandowski et al., 2012).
 */

import { SurprisalError } from "../errors.ts";
import { frameCount } from "../formats/piano-roll.ts";
import { type MusicModel, type Scored, taggedVersion } from "../model/music-model.ts";
import type { ScoreOptions } from "../schema/options.ts";
import type { MusicScoreResponse, Score } from "../schema/score.ts";
import { sum } from "../util/statistics.ts";
import { yieldToEventLoop } from "../util/yield.ts";
import { compareWithBest, type ScoredInput } from "./comparison.ts";
import { inputWarnings, type ModelInput, onsets, type Piece, prepareFor } from "./piece.ts";

/** Shifts that `auto` tries: every key once, by the shortest way. */
const AUTO_SHIFTS = Array.from({ length: 12 }, (_, k) => k - 6);

/**
 * Scores a piece by each model.
 * @throws SurprisalError `nothing-to-score` when a model finds fewer than two frames, or none of its pitches, `too-large`
 * when there are too many frames.
 */
export async function scoreMusic(
  music: Piece,
  models: readonly MusicModel[],
  options: Omit<ScoreOptions, "models" | "channels">,
): Promise<MusicScoreResponse> {
  const scored: Awaited<ReturnType<typeof scoreOne>>[] = [];
  for (const model of models) {
    await yieldToEventLoop();
    scored.push(await scoreOne(music, model, options));
  }
  const [best] = scored.toSorted(
    (a, b) => a.reading.leftOut - b.reading.leftOut || a.score.nllPerQuarter - b.score.nllPerQuarter,
  );
  const others = scored.filter((each) => each !== best);
  return {
    input: music.input,
    scores: scored.map(({ score }) => score),
    best: best.model,
    ...(options.detail === "comparison" && compareWithBest(best, others)),
  };
}

async function scoreOne(
  music: Piece,
  model: MusicModel,
  { framesPerQuarter, transpose = 0, detail = "none" }: Parameters<typeof scoreMusic>[2],
): Promise<ScoredInput & { readonly score: Score }> {
  const shift = transpose === "auto" ? await bestShift(music, model, framesPerQuarter) : transpose;
  const reading = prepareFor(model, music, { framesPerQuarter, shift });
  const scored = model.score(reading.roll);
  const total = sum(scored.nll);
  const scoredFrames = scored.nll.length;
  const score = {
    model: model.id,
    version: taggedVersion(model.version),
    framesPerQuarter: reading.framesPerQuarter,
    frames: frameCount(reading.roll),
    scoredFrames,
    logLikelihood: -total,
    nll: total / scoredFrames,
    nllPerQuarter: (total / scoredFrames) * reading.framesPerQuarter,
    transposedBy: shift,
    warnings: inputWarnings(model, reading),
    ...((detail === "frames" || detail === "notes") && { perFrame: [null, ...scored.nll] }),
    ...(detail === "notes" && { notes: noteScores(reading, scored) }),
  };
  return { model: model.id, reading, nll: scored.nll, score };
}

/**
 * The shift of `auto`: of those that leave out the fewest notes the one of lowest NLL. Without the first rule a shift
 * could win by moving notes out of the model's range.
 * @throws SurprisalError `too-large` when there are more frames than the limit, and as scoreMusic.
 */
export async function bestShift(
  music: Piece,
  model: MusicModel,
  framesPerQuarter: number | undefined,
): Promise<number> {
  const tried: { shift: number; leftOut: number; nll: number }[] = [];
  for (const shift of AUTO_SHIFTS) {
    await yieldToEventLoop();
    const { roll, leftOut } = prepareFor(model, music, { framesPerQuarter, shift });
    const frames = frameCount(roll);
    if (frames > music.autoFrames) {
      throw new SurprisalError(
        "too-large",
        `The input has ${frames} frames; wanted at most ${music.autoFrames} with transpose=auto, so give a number of semitones.`,
      );
    }
    tried.push({ shift, leftOut, nll: sum(model.score(roll).nll) });
  }
  return tried.toSorted((a, b) => a.leftOut - b.leftOut || a.nll - b.nll)[0].shift;
}

/** The NLL of each note at its onset. */
function noteScores({ roll, shift }: ModelInput, { pitchNll }: Scored) {
  return onsets(roll).map(({ frame, pitch }) => ({
    frame,
    pitch: pitch - shift,
    nll: frame === 0 ? null : pitchNll(frame - 1, pitch),
  }));
}
