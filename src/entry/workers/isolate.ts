/**
 * The models that the requests of an isolate share: read for the first of them, and looked for again by a later one when
 * they have come of age. Nothing runs in an isolate between requests, so a request carries each poll of the store.
 */
import type { Model } from "../../model/model.ts";
import type { Follower, Problem } from "../../store/follow.ts";

/** With nothing to serve, the store is asked again so much sooner. */
const RETRY_MS = 1000;
/** A poll is given up then: the runtime may have ended the request that carried it, and told nobody. */
const MAX_POLL_MS = 10_000;

export interface Isolate {
  /** What to serve now. Begins a poll when it is time, and waits for it only when there is nothing to serve. */
  models(): Promise<readonly Model[]>;
  /** Of the last poll that ended. */
  problems(): readonly Problem[];
}

interface Options {
  /** Makes a follower, and another one in place of one whose poll was given up. */
  open(): Follower;
  /** From one poll to the next. */
  readonly pollMs: number;
  /** Carries work beyond the answer to a request, as Workers do. */
  waitUntil(work: Promise<unknown>): void;
  /** Is told of problems when they are others than before. */
  log(problem: Problem): void;
}

interface Poll {
  readonly follower: Follower;
  readonly began: number; // ms
  ended: boolean;
}

export function isolate({ open, pollMs, waitUntil, log }: Options): Isolate {
  let serving: Follower | undefined;
  let problems: readonly Problem[] = [];
  let last: Poll | undefined;
  let underWay: Promise<void> | undefined;

  const loaded = () => serving?.loaded() ?? { models: [], failures: [] };
  const isEmpty = () => loaded().models.length === 0;

  async function run(poll: Poll): Promise<void> {
    const { follower } = poll;
    await follower.refresh();
    poll.ended = true;
    if (poll !== last && !isEmpty()) return; // it was given up, and another one counts
    const { models, failures } = follower.loaded();
    const isWhole = models.length > 0 && failures.length === 0;
    if (isEmpty() || isWhole) serving = follower;
    const known = problems.map(told).join();
    problems = follower.problems();
    if (problems.map(told).join() !== known) problems.forEach(log);
  }

  return {
    problems: () => problems,
    async models() {
      const age = last ? Date.now() - last.began : Number.POSITIVE_INFINITY;
      const longest = last?.ended === false ? MAX_POLL_MS : isEmpty() ? RETRY_MS : pollMs;
      if (age >= longest) {
        last = { follower: last?.ended ? last.follower : open(), began: Date.now(), ended: false };
        underWay = run(last);
        waitUntil(underWay);
      }
      if (isEmpty() && last?.ended === false) await Promise.race([underWay, pause(MAX_POLL_MS)]);
      return loaded().models;
    },
  };
}

const told = ({ id, error }: Problem) => `${id}: ${error}`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
