/** An error -> its RFC 9457 problem document, or what the Open Inference Protocol says in its place, and the headers beside it. */

import { type SurprisalError, TITLE_BY_STATUS } from "../errors.ts";
import { RETRY_AFTER_SECONDS } from "../limits.ts";
import type { ProtocolError } from "../schema/protocol.ts";
import type { Problem } from "../schema/service.ts";

/** Too many requests, and a service that may soon be there. */
const RETRYABLE: readonly number[] = [429, 503];

/** Unknown errors are answered bare: what they say is for the log. */
export function problemDocument(error: SurprisalError | undefined, path: string, requestId: string) {
  const status = error?.status ?? 500;
  return {
    type: "about:blank",
    title: TITLE_BY_STATUS[status],
    status,
    detail:
      error && status !== 500 ? error.message : "The server failed; its log has more under the id of this request.",
    code: error?.code ?? "internal-error",
    instance: `${path}#${requestId}`,
  } satisfies Problem;
}

function problemHeaders({ status }: Pick<Problem, "status">): Record<string, string> {
  return {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    ...(status === 408 && { Connection: "close" }), // the rest of the body may still come (RFC 9110, section 15.5.9)
    ...(RETRYABLE.includes(status) && { "Retry-After": String(RETRY_AFTER_SECONDS) }),
  };
}

/** Paths of the Open Inference Protocol, whose errors have a form of their own. */
const PROTOCOL_PATH = /^(\/v1)?\/v2(\/|$)/;

/** What an error is answered with: a problem document or, below /v2, the form of the Open Inference Protocol. */
export function errorAnswer(error: SurprisalError | undefined, path: string, requestId: string) {
  const document = problemDocument(error, path, requestId);
  const { status, title } = document;
  const headers = problemHeaders(document);
  if (!PROTOCOL_PATH.test(path)) return { status, title, headers, body: JSON.stringify(document) };
  const body: ProtocolError = { error: document.detail };
  return { status, title, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** The same as a whole answer, also to what reaches no route. @param path of the request */
export function problemResponse(
  error: SurprisalError | undefined,
  path: string,
  requestId: string,
  headers: Record<string, string> = {},
): Response {
  const { body, ...answer } = errorAnswer(error, path, requestId);
  return new Response(body, { status: answer.status, headers: { ...answer.headers, ...headers } });
}
