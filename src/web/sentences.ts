/** What the scores say, in words. */
import type { MusicScoreResponse, ScoreResponse } from "../schema/score.ts";
import { isMusic } from "./api.ts";
import { measure, percentileOf, type Row, rowsOf } from "./ranking.ts";
import { counted, listed, setPieces, share } from "./words.ts";

/** The verdict in a sentence or two. */
function verdictOf(all: ScoreResponse, [{ set, best }]: readonly Row[]): string {
  if (!isMusic(all)) {
    return `${best.model} codes this recording in ${measure(best).toFixed(2)} bits a sample; without a model it takes 16.`;
  }
  const percentile = percentileOf(best);
  const pieces = setPieces(set);
  if (percentile === undefined) return `${best.model} needs ${measure(best).toFixed(2)} nats a frame for this piece.`;
  const place = `To a network that learned ${pieces}, this is more surprising than ${share(percentile)} of the ${pieces} kept for testing.`;
  if (percentile >= 100) return `${place} It is unlike all that the networks know.`;
  return percentile > 0
    ? place
    : `${place} A piece that holds or repeats its notes is easily foreseen; it need not be like ${pieces}.`;
}

const MAX_NAMED = 3;

/** Which model knows it best of those that were compared, and which others may know it as well. */
export function knowsBest({ scores, bestByFrameRate, comparisons = [] }: MusicScoreResponse): string {
  const sentences = bestByFrameRate.map(({ model, framesPerQuarter }) => {
    const open = comparisons.filter(({ comparedWith, better }) => comparedWith === model && better === null);
    const named = open.slice(0, MAX_NAMED).map((each) => each.model);
    const more = open.length - named.length;
    const others = listed(more > 0 ? [...named, counted(more, "other")] : named);
    const compared = scores.filter((each) => each.framesPerQuarter === framesPerQuarter).length;
    if (compared === 1) return `${model} is the only network compared that reads ${rateOf(framesPerQuarter)}.`;
    const own = `Of the ${compared} networks compared that read ${rateOf(framesPerQuarter)}, ${model} predicts it best`;
    return open.length > 0 ? `${own}, but this piece cannot tell it from ${others}.` : `${own}.`;
  });
  return sentences.join(" ");
}

function rateOf(framesPerQuarter: number): string {
  if (framesPerQuarter === 1) return "quarter notes";
  return framesPerQuarter === 2 ? "eighth notes" : `${framesPerQuarter} frames a quarter note`;
}

/** The first sentence of the verdict, until then who has answered. */
export const sentenceOf = (all: ScoreResponse | null, shown: ScoreResponse): string =>
  all ? verdictOf(all, rowsOf(all)) : `What ${shown.scores[0].model} heard; the other networks are still listening.`;
