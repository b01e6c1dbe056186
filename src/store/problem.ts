/** What is wrong with a store or one of its models, and how it is told. */
import { SurprisalError } from "../errors.ts";

/** A model that cannot be served, and why. */
export interface Failure {
  readonly id: string;
  readonly error: unknown;
}

/** Without an id the problem is the store's own. */
export type Problem = Pick<Failure, "error"> & { readonly id?: string };

/** A problem as a sentence for clients. Only SurprisalErrors are quoted: others may name paths or buckets of the server. */
export function clientMessage({ id, error }: Problem): string {
  return `${id ?? "The store"}: ${error instanceof SurprisalError ? error.message : "it cannot be read; the server's log has more."}`;
}
