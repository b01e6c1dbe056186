/**
 * Music + models -> negative log-likelihoods. NLL of a frame = Σ_d softplus(l_d) - x_d l_d in nats; the first frame is
 * never scored (Boulanger-Lewandowski et al., 2012).
 */

import { SurprisalError } from "../errors.ts";
import { frameCount } from "../formats/piano-roll.ts";
import { type MusicModel, type Scored, taggedVersion } from "../model/music-network.ts";
import type { MusicScoreResponse, Score, ScoreOptions } from "../schema/schema.ts";
import { letOthersIn } from "../util/yield.ts";
import { compareWithBest, type ScoredReading } from "./comparison.ts";
import { type Music, onsets, type Reading, readFor, readingWarnings } from "./piece.ts";

/** Shifts that `auto` tries: every key once, by the shortest way. */
const AUTO_SHIFTS = Array.from({ length: 12 }, (_, k) => k - 6);

/**
 * Scores a piece by each model.
 * @throws SurprisalError `nothing-to-score` when a model finds fewer than two frames, or none of its pitches, `too-large`
 * when there are too many frames.
 */
export async function scoreMusic(
  music: Music,
  models: readonly MusicModel[],
  options: Omit<ScoreOptions, "models" | "channels">,
): Promise<MusicScoreResponse> {
  const scored: Awaited<ReturnType<typeof scoreOne>>[] = [];
  for (const model of models) {
    await letOthersIn();
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
  music: Music,
  model: MusicModel,
  { framesPerQuarter, transpose = 0, detail = "none" }: Parameters<typeof scoreMusic>[2],
): Promise<ScoredReading & { readonly score: Score }> {
  const shift = transpose === "auto" ? await bestShift(music, model, framesPerQuarter) : transpose;
  const reading = readFor(model, music, { framesPerQuarter, shift });
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
    warnings: readingWarnings(model, reading),
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
  music: Music,
  model: MusicModel,
  framesPerQuarter: number | undefined,
): Promise<number> {
  const tried: { shift: number; leftOut: number; nll: number }[] = [];
  for (const shift of AUTO_SHIFTS) {
    await letOthersIn();
    const { roll, leftOut } = readFor(model, music, { framesPerQuarter, shift });
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
function noteScores({ roll, shift }: Reading, { pitchNll }: Scored) {
  return onsets(roll).map(({ frame, pitch }) => ({
    frame,
    pitch: pitch - shift,
    nll: frame === 0 ? null : pitchNll(frame - 1, pitch),
  }));
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
