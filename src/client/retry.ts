/** Asks again after what may pass: 429, 502, 503, 504 and faults of the network. Every request of ours may be repeated. */
import { isTransient, ProblemError } from "./errors.ts";

/** Seconds: the longest first pause, doubled with every attempt, and the longest of all, also by Retry-After. */
const FIRST_PAUSE = 0.5;
const MAX_PAUSE = 60;

/**
 * @param retries how many attempts may follow the first
 * @throws what the last attempt threw; at once, what no further attempt could mend, and the signal's reason
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  retries: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let made = 0; ; made++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const seconds = pauseAfter(error, made);
      if (made >= retries || !isTransient(error) || seconds > MAX_PAUSE) throw error;
      await unlessAborted(pause(1000 * seconds), signal);
    }
  }
}

/** Clients that were refused together shall not come back together: each waits its own random time. */
function pauseAfter(error: unknown, made: number): number {
  const asked = error instanceof ProblemError ? error.retryAfter : undefined;
  const random = Math.random() * Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** made);
  return asked === undefined ? random : asked + Math.min(random, asked / 4);
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** @throws the signal's reason as soon as it is aborted */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
