/**
 * The requests that a thread has under way -> which of them computes next. Those that have computed least go first, and those
 * known to be long after all others, so a small request never waits for a long one; among equals the one that came first.
 * Every eighth turn is for the one that has waited longest, so long work goes on, if slowly, however many small requests come.
 */
import { setImmediate } from "node:timers";
import type { Progress } from "../../util/work.ts";

/** A turn ends after the first step that passes this time, so a new request waits little longer than that. */
const TURN_MS = 3;
/** Multiply-adds (about 25 ms) up to which requests count as equal; each further level is twice as long. */
const LEVEL = 2.5e8;
const TURNS_FOR_THE_OLDEST = 8;

interface Waiting {
  readonly order: number;
  readonly level: number;
  readonly since: number; // number of the turn
  resume(): void;
}

/** One request among others. */
export interface Turn {
  /** Waits for the first turn. */
  begin(): Promise<void>;
  /** Between two steps: lets others go first when the turn is over. See Work. */
  pause(work: Progress): Promise<void>;
}

/** @param now ms */
export function turns(now: () => number = () => performance.now()): { next(onLong: () => void): Turn } {
  const waiting = new Set<Waiting>();
  let began = now();
  let orders = 0;
  let count = 0; // of turns
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || waiting.size === 0) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      count += 1;
      const next = [...waiting].reduce(count % TURNS_FOR_THE_OLDEST === 0 ? longestWaiting : leastDone);
      waiting.delete(next);
      began = now();
      next.resume();
      schedule(); // the loop reads messages between two turns
    });
  }

  const wait = (order: number, level: number) =>
    new Promise<void>((resume) => {
      waiting.add({ order, level, since: count, resume });
      schedule();
    });

  return {
    /** @param onLong called once, when the request turns out to be long */
    next(onLong) {
      const order = orders++;
      let level = 0;
      return {
        begin: () => wait(order, 0),
        async pause({ done, expected }) {
          const isNewlyLong = level === 0 && expected > LEVEL;
          if (!isNewlyLong && now() - began < TURN_MS) return;
          level = Math.max(Math.floor(Math.log2(1 + done / LEVEL)), expected > LEVEL ? 1 : 0);
          if (isNewlyLong) onLong();
          await wait(order, level);
        },
      };
    },
  };
}

const leastDone = (a: Waiting, b: Waiting) => ((b.level - a.level || b.order - a.order) < 0 ? b : a);
const longestWaiting = (a: Waiting, b: Waiting) => ((b.since - a.since || b.order - a.order) < 0 ? b : a);
