/**
 * The one error family, thrown anywhere with a stable code and one sentence ("Expected X, got Y."): http/app.ts alone turns it
 * into an RFC 9457 problem document, the command line alone into an exit code. And the warnings that stand beside a number.
 */

/** Stable codes and the HTTP status of each. */
export const STATUS_BY_CODE = {
  "malformed-request": 400,
  "malformed-midi": 400,
  "malformed-audio": 400,
  "malformed-piano-roll": 400,
  "malformed-state": 400,
  "malformed-checkpoint": 500,
  "malformed-catalogue": 500,
  "malformed-data": 500,
  "missing-data": 500,
  "missing-engine": 500,
  unauthorized: 401,
  "foreign-origin": 403,
  "unknown-model": 404,
  "not-found": 404,
  "method-not-allowed": 405,
  "not-acceptable": 406,
  "request-timeout": 408,
  "stale-state": 409,
  "release-conflict": 409,
  "too-large": 413,
  "too-much-work": 413,
  "unsupported-media-type": 415,
  "nothing-to-score": 422,
  "rate-limited": 429,
  "headers-too-large": 431,
  "no-models": 503,
  interrupted: 503,
  saturated: 503,
  busy: 503,
} as const;

/** Reason phrases of RFC 9110. */
export const TITLE_BY_STATUS = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

export type ErrorCode = keyof typeof STATUS_BY_CODE;

export class SurprisalError extends Error {
  override readonly name = "SurprisalError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }

  get status(): (typeof STATUS_BY_CODE)[ErrorCode] {
    return STATUS_BY_CODE[this.code];
  }
}

/** The sentence of an error, such as "Expected at most 64 parts, got 70." Both are lower case and without a full stop. */
export const expected = (wanted: string, got: string | number): string => `Expected ${wanted}, got ${got}.`;

/** Stable codes of what the numbers of an answer do not show. */
export const WARNING_CODES = [
  "notes-left-out",
  "unclosed-notes",
  "constant",
  "silence",
  "clipping",
  "dc-offset",
  "low-sample-rate",
  "unlike-speech",
  "unlike-training-music",
  "other-frame-rate",
  "shift-from-excerpt",
  "cut-off",
  "damaged-audio",
  "downmix",
  "repaired-midi",
  "restruck-notes",
  "notes-between-frames",
  "onsets-off-grid",
  "no-beat",
] as const;

export interface Warning {
  readonly code: (typeof WARNING_CODES)[number];
  readonly count: number; // of notes, samples or whatever the sentence speaks of
  readonly detail: string; // one sentence
}
