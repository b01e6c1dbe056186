/** Waiting for room in memory, and for time to pass, until a signal is aborted. */
import type { Share } from "./admission.ts";

/** Between two tries to have work done that the server has no room for. */
export const RETRY_MS = 500;

/** Waits for room. @throws SurprisalError `busy` when there is none for so long, the signal's reason when it is aborted */
export async function takeSoon(share: Share, bytes: number, seconds: number, signal: AbortSignal): Promise<void> {
  const latest = performance.now() + 1000 * seconds;
  while (true) {
    signal.throwIfAborted(); // nobody would give back what is taken now
    try {
      return share.take(bytes);
    } catch (error) {
      if (performance.now() > latest) throw error;
      await pause(RETRY_MS, signal);
    }
  }
}

/** @throws the signal's reason when it is aborted meanwhile */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", leave);
      resolve();
    }, ms);
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  });
}
