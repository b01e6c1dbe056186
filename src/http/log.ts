/** Failures of requests -> standard error. */
import type { Deps } from "./app.ts";

/** Logs what a client only learns as "internal-error", under the id that the client was given. */
export const logFailure: Deps["log"] = (error, { id, method, path }) =>
  console.error(`${method} ${path} (request ${id}) failed:`, error);
