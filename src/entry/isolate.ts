/**
 * The models that the requests of an isolate share: read for the first of them, and looked for again by a later one when
 * they have come of age. Nothing runs in an isolate between requests, so a request carries each poll of the store.
 */
import type { Follower, Problem } from "../store/follow.ts";
import type { Loaded } from "../store/load.ts";

/** With nothing to serve, the store is asked again so much sooner. */
const RETRY_MS = 1000;
/** A poll is given up then: the runtime may have ended the request that carried it, and told nobody. */
const LONGEST_POLL_MS = 10_000;

/** What carries work beyond an answer, as Workers give it. */
export interface Carrier {
  waitUntil(work: Promise<unknown>): void;
}

export interface Isolate {
  /** What to serve now. */
  loaded(): Loaded;
  /** Of the last poll that ended. */
  problems(): readonly Problem[];
  /** Begins a poll when it is time, and waits for it only when there is nothing to serve. */
  ready(carrier: Carrier): Promise<void>;
}

interface Poll {
  readonly follower: Follower;
  readonly began: number; // ms
  ended: boolean;
}

/**
 * @param open makes a follower, and another one in place of one whose poll was given up
 * @param pollMs from one poll to the next
 * @param log is told of problems when they are others than before
 */
export function isolate(open: () => Follower, pollMs: number, log: (problem: Problem) => void): Isolate {
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
    loaded,
    problems: () => problems,
    async ready(carrier) {
      const age = last ? Date.now() - last.began : Number.POSITIVE_INFINITY;
      const longest = last?.ended === false ? LONGEST_POLL_MS : isEmpty() ? RETRY_MS : pollMs;
      if (age >= longest) {
        last = { follower: last?.ended ? last.follower : open(), began: Date.now(), ended: false };
        underWay = run(last);
        carrier.waitUntil(underWay);
      }
      if (isEmpty() && last?.ended === false) await Promise.race([underWay, pause(LONGEST_POLL_MS)]);
    },
  };
}

const told = ({ id, error }: Problem) => `${id}: ${error}`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
