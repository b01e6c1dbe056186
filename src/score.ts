/**
 * Music + models -> negative log-likelihoods. NLL of a frame = Σ_d softplus(l_d) - x_d l_d in nats; the first frame is
 * never scored (Boulanger-Lewandowski et al., 2012).
 */
import { compareWithBest, type ScoredReading } from "./comparison.ts";
import type { Model, Scored } from "./model.ts";
import { type Music, onsets, type Reading, readFor, readingWarnings } from "./music.ts";
import type { Score, ScoreOptions, ScoreResponse } from "./schema.ts";
import { frameCount } from "./sequence.ts";

/** Shifts that `auto` tries: every key once, by the shortest way. */
const AUTO_SHIFTS = Array.from({ length: 12 }, (_, k) => k - 6);

/**
 * Scores a piece by each model.
 * @throws SurprisalError `nothing-to-score` when a model finds fewer than two frames, or none of its pitches.
 */
export function scoreMusic(
  music: Music,
  models: readonly Model[],
  options: Omit<ScoreOptions, "models" | "channels">,
): ScoreResponse {
  const scored = models.map((model) => scoreOne(music, model, options));
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

function scoreOne(
  music: Music,
  model: Model,
  { framesPerQuarter, transpose = 0, detail = "none" }: Parameters<typeof scoreMusic>[2],
): ScoredReading & { readonly score: Score } {
  const shift = transpose === "auto" ? bestShift(music, model, framesPerQuarter) : transpose;
  const reading = readFor(model, music, { framesPerQuarter, shift });
  const scored = model.score(reading.roll);
  const total = sum(scored.nll);
  const scoredFrames = scored.nll.length;
  const score = {
    model: model.id,
    version: `sha256:${model.version}`,
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
 */
export function bestShift(music: Music, model: Model, framesPerQuarter: number | undefined): number {
  const tried = AUTO_SHIFTS.map((shift) => {
    const { roll, leftOut } = readFor(model, music, { framesPerQuarter, shift });
    return { shift, leftOut, nll: sum(model.score(roll).nll) };
  });
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
