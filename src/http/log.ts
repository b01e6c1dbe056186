/** Requests and failures -> the log: one line of JSON for each answered request, with the same fields on every runtime. */
import type { Deps } from "./deps.ts";
import type { AccessRecord } from "./record.ts";

/** Logs what a client only learns as "internal-error", under the id that the client was given. */
export const logFailure: Deps["log"] = (error, { id, method, path }) =>
  console.error(`${method} ${path} (request ${id}) failed:`, error);

const tenths = (value: number) => Math.round(10 * value) / 10;

/** The fields of a line; what is not known of the request is left out. */
export function logFields(record: AccessRecord) {
  const { lines, refused } = record;
  const { id, method, route, status, ms, code, client, kind, models, bytes, work, readings, queueMs, workMs } = record;
  return {
    id,
    method,
    route,
    status,
    ms: tenths(ms),
    ...(code !== undefined && { code }),
    ...(client !== undefined && { client }),
    ...(kind && { kind }),
    ...(models && { models }),
    ...(readings && { frames: readings.reduce((sum, { frames }) => sum + frames, 0) }),
    ...(lines !== undefined && { lines, refused }),
    ...(bytes !== undefined && { bytes }),
    ...(work && { work: Math.round(work.done) }),
    ...(queueMs !== undefined && { queueMs: tenths(queueMs) }),
    ...(workMs !== undefined && { workMs: tenths(workMs) }),
  };
}

/** Where the platform collects what is printed: Lambda and Workers. */
export const logRequest = (record: AccessRecord): void =>
  console.log(JSON.stringify({ level: "info", time: new Date().toISOString(), ...logFields(record), msg: "request" }));
