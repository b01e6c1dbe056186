/**
 * The models that the requests of an isolate share. Nothing runs in an isolate between requests, so the store is polled within
 * one: the first begins with the catalogue, and a later one polls again when the last poll is old enough.
 */
import type { Follower } from "../../store/follow.ts";

interface Options {
  readonly follower: Follower;
  /** Time from one poll to the next. */
  readonly pollMs: number;
  /** Keeps work running after the request is answered, as Workers do. */
  waitUntil(work: Promise<unknown>): void;
  /** Called when problems may have changed. */
  report(): void;
}

/** What can be asked for and the models, as createApp takes them. No request waits for a poll while there is something to serve. */
export function isolate({ follower, pollMs, waitUntil, report }: Options): Pick<Follower, "offers" | "models"> {
  let polledAt: number | undefined;

  /** Work on behalf of a request, which others may wait for. */
  function carried<T>(work: Promise<T>): Promise<T> {
    waitUntil(work.then(report, report));
    return work;
  }

  function pollIfDue(): void {
    const now = Date.now();
    if (polledAt !== undefined && now - polledAt >= pollMs) void carried(follower.poll());
    else if (polledAt !== undefined) return;
    polledAt = now;
  }

  return {
    offers() {
      pollIfDue();
      return carried(follower.offers());
    },
    models(wanted) {
      pollIfDue();
      return carried(follower.models(wanted));
    },
  };
}
