/** Problems of a store -> sentences in the log. */
import type { Follower } from "./follow.ts";
import type { Problem } from "./problem.ts";

/** A problem as a sentence for the operator. @param place where the store is */
const operatorMessage = ({ id, error }: Problem, place: string): string =>
  `${id ?? place}: ${error instanceof Error ? error.message : error}`;

/** @returns a function that logs what cannot be loaded to standard error, if that has changed since its last call. */
export function reporter(follower: Pick<Follower, "problems">, place: string): () => void {
  let reported = "";
  return () => {
    const sentences = follower.problems().map((problem) => `Not loaded: ${operatorMessage(problem, place)}`);
    const all = sentences.join("\n");
    if (all !== reported) console.error(all || "All models are loaded again.");
    reported = all;
  };
}
