/**
 * Piece + models -> negative log-likelihoods. NLL of a frame = Σ_d softplus(l_d) - x_d l_d in nats; the first frame is
 * never scored (Boulanger-Lewandowski et al., 2012).
 */
import { expected, SurprisalError } from "../errors.ts";
import { frameCount, type PianoRoll } from "../formats/piano-roll.ts";
import { ANSWER_COST, OUTCOME_COST } from "../model/cost.ts";
import { type MusicModel, type Outcomes, taggedVersion } from "../model/music-model.ts";
import type { ScoreOptions } from "../schema/options.ts";
import type { MusicScoreResponse, Score } from "../schema/score.ts";
import { sum } from "../util/statistics.ts";
import { Work } from "../util/work.ts";
import { compareWithBest, type ScoredInput } from "./comparison.ts";
import { expectations } from "./expectations.ts";
import { barsOf, type FileNotes, fileNotes } from "./file-notes.ts";
import { fitOf } from "./fit.ts";
import { checkAdaptiveFrames, type ModelInput, onsets, type Piece, prepareFor } from "./piece.ts";
import { type Shift, shiftsBySet } from "./shift.ts";

type Options = Pick<ScoreOptions, "transpose" | "framesPerQuarter" | "adaptive" | "detail" | "expected">;

type ScoredModel = ScoredInput & { readonly score: Score };

/**
 * Scores a piece by each chosen model.
 * @param models all at hand, see shiftsBySet
 * @throws SurprisalError `nothing-to-score` when a model finds fewer than two frames, or none of its pitches, `too-large`
 * when there are too many frames, `malformed-request` for `adaptive` with `expected`.
 */
export async function scoreMusic(
  piece: Piece,
  chosen: readonly MusicModel[],
  options: Options,
  models: readonly MusicModel[] = chosen,
  work = new Work(),
): Promise<MusicScoreResponse> {
  if (options.adaptive && options.expected) {
    const wanted = "`expected` without `adaptive`, since it says what the weights from training expect";
    throw new SurprisalError("malformed-request", expected(wanted, "both"));
  }
  const shifts = await shiftsBySet(piece, chosen, models, options, work);
  const scored: ScoredModel[] = [];
  for (const model of chosen) {
    scored.push(await scoreOne(piece, model, shifts.get(model.set), options, work));
    await work.step(ANSWER_COST);
  }
  const groups = [...Map.groupBy(scored, ({ input }) => input.framesPerQuarter)].map(([framesPerQuarter, group]) => ({
    framesPerQuarter,
    ...ranked(group),
  }));
  return {
    input: piece.input,
    scores: scored.map(({ score }) => score),
    best: groups.length === 1 ? groups[0].best.model : null,
    bestByFrameRate: groups.map(({ framesPerQuarter, best }) => ({ framesPerQuarter, model: best.model })),
    ...(options.detail === "comparison" && comparisonsOf(groups)),
    ...(options.detail === "notes" && piece.file && { bars: barsOf(piece.file.notes) }),
  };
}

/** The best of the models of one frame rate: of those that left out the fewest notes the one of lowest NLL. */
function ranked(group: readonly ScoredModel[]) {
  const [best, ...others] = group.toSorted((a, b) => a.input.leftOut - b.input.leftOut || a.score.nll - b.score.nll);
  return { best, others };
}

function comparisonsOf(groups: readonly ReturnType<typeof ranked>[]) {
  const compared = groups.map(({ best, others }) => compareWithBest(best, others));
  return {
    comparisons: compared.flatMap(({ comparisons }) => comparisons),
    notCompared: compared.flatMap(({ notCompared }) => notCompared),
  };
}

async function scoreOne(
  piece: Piece,
  model: MusicModel,
  { semitones: shift, warnings }: Shift = { semitones: 0, warnings: [] },
  { framesPerQuarter, adaptive = false, detail = "none", expected }: Options,
  work: Work,
): Promise<ScoredModel> {
  const input = prepareFor(model, piece, { framesPerQuarter, shift });
  if (adaptive) checkAdaptiveFrames(frameCount(input.roll));
  const scored = await (adaptive ? model.adaptiveScore(input.roll, work) : model.score(input.roll, work));
  const scoredFrames = scored.nll.length;
  const total = sum(scored.nll);
  const nll = total / scoredFrames;
  const fit = fitOf(model, nll, { framesPerQuarter: input.framesPerQuarter, adaptive });
  const ofFile = detail === "notes" && piece.file ? fileNotes(piece.file, model, input) : undefined;
  const ofModel = expected ? await expectations(model, input, work) : undefined;
  const score = {
    model: model.id,
    version: taggedVersion(model.version),
    framesPerQuarter: input.framesPerQuarter,
    frames: frameCount(input.roll),
    scoredFrames,
    logLikelihood: -total,
    nll,
    nllPerQuarter: nll * input.framesPerQuarter,
    ...(fit?.percentile !== undefined && { percentile: fit.percentile }),
    ...(adaptive && { adaptive }),
    transposedBy: shift,
    ...(piece.samplePoint !== undefined && { samplePoint: piece.samplePoint }),
    warnings: [...input.warnings, ...warnings, ...(fit?.warnings ?? [])],
    ...((detail === "frames" || detail === "notes") && { perFrame: [null, ...scored.nll] }),
    ...(detail === "notes" &&
      withNotes(
        await noteScores(input, scored.nll, await scored.outcomes(work), () =>
          work.step(OUTCOME_COST * model.networks.length * model.pitches),
        ),
        ofFile,
        ofModel,
      )),
    ...ofModel?.ofFrames,
  };
  return { model: model.id, input, nll: scored.nll, score };
}

/** The NLL of each note at its onset; and of each frame, that of the notes that sound on and that of the silent pitches. */
async function noteScores(
  { roll, shift }: ModelInput,
  nll: Float64Array,
  { outcomeNll, silenceNll }: Outcomes,
  onFrame: () => Promise<void>,
) {
  const terms: Float64Array[] = []; // (frames - 1, D)
  const silence: number[] = [];
  for (const t of nll.keys()) {
    terms.push(outcomeNll(t));
    silence.push(silenceNll(t));
    await onFrame();
  }
  const notes = onsets(roll).map(({ frame, pitch }) => ({
    frame,
    pitch: pitch - shift,
    nll: frame === 0 ? null : terms[frame - 1][pitch - 1],
  }));
  const held = terms.map((own, t) => {
    const before = new Set(pitchesOf(roll, t));
    return sum(Array.from(pitchesOf(roll, t + 1)).map((pitch) => (before.has(pitch) ? own[pitch - 1] : 0)));
  });
  return { notes, held: [null, ...held], silence: [null, ...silence] };
}

/** The scores of notes beside what the file says of each, and what the model expected in its place. */
function withNotes(
  { notes, ...frames }: Awaited<ReturnType<typeof noteScores>>,
  ofFile: FileNotes | undefined,
  ofModel: Awaited<ReturnType<typeof expectations>> | undefined,
) {
  return {
    notes: notes.map((note, k) => ({ ...note, ...ofFile?.times[k], ...ofModel?.at(note.frame, note.pitch) })),
    ...frames,
    ...(ofFile && {
      unscored: ofFile.unscored.map((note) => ({
        ...note,
        ...(note.frame !== null && ofModel?.at(note.frame, note.pitch)),
      })),
      startQuarters: ofFile.startQuarters,
    }),
  };
}

const pitchesOf = ({ offsets, pitches }: PianoRoll, frame: number) =>
  pitches.subarray(offsets[frame], offsets[frame + 1]);
