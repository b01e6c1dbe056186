/**
 * The models that the requests of an isolate share. The first request loads them, and a later one polls the store again when
 * the last poll is old enough: nothing runs in an isolate between requests, so each poll has to run within one.
 */
import type { Model } from "../../model/model.ts";
import type { Follower, Problem } from "../../store/follow.ts";

/** Time from one poll to the next while there is nothing to serve. */
const RETRY_MS = 1000;
/** After this a poll counts as lost: the runtime may have ended the request that it ran in, without notice. */
const MAX_POLL_MS = 10_000;

export interface Isolate {
  /** The models to serve now. Starts a poll when one is due, and waits for it only when there is nothing to serve. */
  models(): Promise<readonly Model[]>;
  /** Of the last poll that ended. */
  problems(): readonly Problem[];
}

interface Options {
  /** Makes a follower; called again to replace one whose poll was lost. */
  open(): Follower;
  /** Time from one poll to the next. */
  readonly pollMs: number;
  /** Keeps work running after the request is answered, as Workers do. */
  waitUntil(work: Promise<unknown>): void;
  /** Called with each problem when the problems have changed. */
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
    const known = problems.map(sentenceOf).join();
    problems = follower.problems();
    if (problems.map(sentenceOf).join() !== known) problems.forEach(log);
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

const sentenceOf = ({ id, error }: Problem) => `${id}: ${error}`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
