/** Bytes of request bodies -> whether there is room for them in memory beside those of all other requests under way. */

import { expected, SurprisalError } from "../errors.ts";

/** The part of the common limit on bytes that one request holds. */
export interface Share {
  readonly held: number;
  /**
   * Holds this many bytes more.
   * @throws SurprisalError `busy` when they are too many beside what the others hold; then none of them is held.
   */
  take(bytes: number): void;
  /** Gives back everything, once the request is answered. */
  release(): void;
}

/** @returns a function that opens the share of a request. @param limit bytes that all shares may hold together */
export function admission(limit: number): () => Share {
  let held = 0;
  return () => {
    let own = 0;
    return {
      get held() {
        return own;
      },
      take(bytes) {
        if (held + bytes > limit) {
          const wanted = `bodies of at most ${limit} bytes in all requests under way together`;
          throw new SurprisalError("busy", expected(wanted, held + bytes));
        }
        held += bytes;
        own += bytes;
      },
      release() {
        held -= own;
        own = 0;
      },
    };
  };
}
