/** What the API warns of, in the words of the page: it names no options, which the page does not have. */
import type { ScoreResponse } from "../schema/score.ts";
import { percentileOf } from "./ranking.ts";
import { counted, setOf, setPieces, share } from "./words.ts";

type Score = ScoreResponse["scores"][number];
type Warning = Score["warnings"][number];

/** @param score of the network that is shown */
export function warningsOf({ input }: ScoreResponse, score: Score): string[] {
  return [...new Set([...input.warnings, ...score.warnings].map((warning) => inWords(warning, score)))];
}

function inWords({ code, count, detail }: Warning, score: Score): string {
  const notes = counted(count, "note");
  const [were, begin] = count === 1 ? ["was", "begins"] : ["were", "begin"];
  switch (code) {
    case "notes-between-frames":
      return `${notes} ${count === 1 ? "sounds" : "sound"} only between the moments at which ${score.model} listens, so ${count === 1 ? "it has" : "they have"} no score.`;
    case "onsets-off-grid":
      return `${notes} ${begin} a little before or after the moments at which ${score.model} listens.`;
    case "no-beat":
      return `The ${notes} follow no beat, as in a recorded performance: the networks know note values, and hear something else here.`;
    case "shift-from-excerpt":
      return `In which key the networks get the piece was decided by its beginning, the first ${count} moments.`;
    case "notes-left-out":
      return detail.includes("drums")
        ? `${notes} of drums ${were} left out: they have no pitch that a network could expect.`
        : `${notes} ${were} left out: too low or too high for ${score.model}.`;
    case "unlike-training-music": {
      const pieces = setPieces(setOf(score.model));
      return `To ${score.model} this is more surprising than ${share(percentileOf(score) ?? 0)} of the ${pieces} kept for testing, so its numbers say little about music of that kind.`;
    }
    default:
      return detail;
  }
}

/** A problem of the API without the sentences about its options. */
export const withoutOptions = (detail: string): string =>
  detail
    .split(/(?<=\.) /)
    .filter((sentence) => !/\b\w+=|\bset \w+ to\b/i.test(sentence))
    .join(" ") || detail;
