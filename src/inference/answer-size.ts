/** Input + models + options -> how many numbers the answer will hold, before any of them is computed. */
import { expected, SurprisalError } from "../errors.ts";
import { frameCount } from "../formats/piano-roll.ts";
import type { Limits } from "../limits.ts";
import type { Model } from "../model/model.ts";
import type { PredictOptions, ScoreOptions } from "../schema/options.ts";
import { sum } from "../util/statistics.ts";
import { type Input, isMusic } from "./answer.ts";
import { onsets } from "./piece.ts";

type Options = Pick<ScoreOptions, "detail" | "framesPerQuarter" | "expected"> & Pick<PredictOptions, "steps">;

/** Numbers of a NoteTime: when a note sounds, its place in the bar, its channel and track. */
const NUMBERS_OF_TIME = 8;

/** Three chords of about four notes each for a frame; three pitches for each note. */
const NUMBERS_EXPECTED = { ofFrame: 15, ofNote: 7 } as const;

/**
 * The numbers that grow with the input or the steps; the rest is about a hundred for each model. Sampled frames of music do
 * not count: there are at most 512, each a few small integers.
 */
function numbersOf(input: Input, model: Model, { detail, expected, framesPerQuarter, steps = 0 }: Options): number {
  if (!isMusic(input)) {
    if (model.kind !== "audio") return 0;
    const { block } = model.shape;
    const blocks = (input.input.durationSeconds * model.sampleRate) / block;
    return Math.ceil(detail === "frames" ? blocks : 0) + steps * block;
  }
  const hasDetail = detail === "frames" || detail === "notes";
  if (model.kind !== "music" || !(hasDetail || expected)) return 0;
  const { roll } = input.quantize(framesPerQuarter ?? model.framesPerQuarter, 0, model.pitches);
  const frames = frameCount(roll); // perFrame, and held and silence beside the notes
  const notes = input.file?.notes.pitches.length ?? onsets(roll).length;
  const ofFrames = (hasDetail ? 1 : 0) + (detail === "notes" ? 2 : 0) + (expected ? NUMBERS_EXPECTED.ofFrame : 0);
  const ofNotes = 3 + (input.file ? NUMBERS_OF_TIME : 0) + (expected ? NUMBERS_EXPECTED.ofNote : 0);
  return ofFrames * frames + (detail === "notes" ? ofNotes * notes : 0);
}

/**
 * Checks the size of an answer.
 * @param chosen models that are to answer
 * @throws SurprisalError `too-large`, with what would fit, when it is above the limit.
 */
export function checkAnswerSize(
  input: Input,
  chosen: readonly Model[],
  options: Options,
  { numbers: limit }: Pick<Limits, "numbers">,
): void {
  const counts = (changes: Options) => chosen.map((model) => numbersOf(input, model, { ...options, ...changes }));
  const own = counts({});
  const total = sum(own);
  if (total <= limit) return;
  const models = chosen.length === 1 ? "one model" : `${chosen.length} models`;
  const fewer = Math.floor(limit / Math.max(...own));
  const fitting = [
    ...(fewer > 0 ? [fewer === 1 ? "one model" : `${fewer} models`] : []),
    ...(options.detail === "notes" && sum(counts({ detail: "frames" })) <= limit ? ["detail=frames"] : []),
    ...(options.detail && sum(counts({ detail: "none" })) <= limit ? ["no detail"] : []),
    ...(options.expected && sum(counts({ expected: false })) <= limit ? ["no expected"] : []),
    ...(!isMusic(input) || !input.file ? [] : ["some of its channels or tracks"]),
    ...(options.steps ? ["fewer steps"] : []),
  ];
  throw new SurprisalError(
    "too-large",
    `${expected(`an answer of at most ${limit} numbers`, `one of ${total} from ${models}`)} What fits: ${fitting.join(", or ")}.`,
  );
}
