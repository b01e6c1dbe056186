/** What of a store is not served -> sentences in the log. */
import type { Follower, Problem } from "./follow.ts";

/** A problem in a sentence for who runs the process. @param place where the store is */
const operatorMessage = ({ id, error }: Problem, place: string): string =>
  `${id ?? place}: ${error instanceof Error ? error.message : error}`;

/** Writes to standard error what cannot be loaded, each time that it is something else. */
export function reporter(follower: Follower, place: string): () => void {
  let reported = "";
  return () => {
    const told = follower.problems().map((problem) => `Not loaded: ${operatorMessage(problem, place)}`);
    const all = told.join("\n");
    if (all !== reported) console.error(all || "All models are loaded again.");
    reported = all;
  };
}
