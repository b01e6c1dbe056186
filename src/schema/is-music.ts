/** Which of the two kinds an answer is. Without zod, for clients. */
import type { PredictResponse } from "./predict.ts";
import type { ScoreResponse } from "./score.ts";

/** Whether an answer is of music (a MIDI file or a piano roll), and else of audio: TypeScript then knows its fields. */
export const isMusic = <Answer extends ScoreResponse | PredictResponse>(
  response: Answer,
): response is Extract<Answer, { readonly input: { readonly kind: "music" } }> => response.input.kind === "music";
