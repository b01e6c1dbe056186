/** What goes wrong between a client and a server: an answer that is a problem, or no answer. */
import type { Problem } from "../schema/service.ts";

/** The server refused: `problem` is the RFC 9457 document that says why, `message` its sentence. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;
  /** Seconds after which the server may be asked again, where it said so. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  get status(): number {
    return this.problem.status;
  }

  /** Stable name of the error, such as `malformed-midi`. */
  get code(): string {
    return this.problem.code;
  }
}

/** The server could not be reached, or its answer broke off; `cause` is the fault below. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** Too many requests (429), and a server or gateway that may soon answer again. */
const TRANSIENT: readonly number[] = [429, 502, 503, 504];

export const isTransient = (error: unknown): boolean =>
  error instanceof ConnectionError || (error instanceof ProblemError && TRANSIENT.includes(error.status));

/** The error that an answer other than 2xx is. A proxy between may have sent something else than a problem document. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const { status, statusText: title, headers } = response;
  const isProblem = headers.get("Content-Type")?.startsWith("application/problem+json");
  const text = await response.text();
  const problem: Problem = isProblem
    ? JSON.parse(text)
    : {
        type: "about:blank",
        title,
        status,
        detail: `Expected an answer of surprisal, got ${`${status} ${title}`.trim()} and no problem document.`,
        code: "not-a-problem-document",
        instance: new URL(response.url || "http://unknown/").pathname,
      };
  return new ProblemError(problem, secondsOf(headers.get("Retry-After")));
}

/** Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3). */
function secondsOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
