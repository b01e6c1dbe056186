/** Events and results of API Gateway: what the runtime would refuse with an error of its own. */

import type { APIGatewayProxyResult, LambdaEvent } from "hono/aws-lambda";
import { expected, SurprisalError } from "../../errors.ts";
import { problemDocument } from "../../http/problem.ts";
import { MAX_RESULT_BYTES } from "../../limits.ts";

/** The event without a body where a Request may have none; HTTP gives such a body no meaning (RFC 9110, section 9.3.1). */
export function readable(event: LambdaEvent): LambdaEvent {
  const { method } = "rawPath" in event ? event.requestContext.http : { method: "" };
  return /^(GET|HEAD)$/.test(method) ? { ...event, body: null } : event;
}

/** The result, or a problem document in its place when it is larger than Lambda lets through, which would be a bare 502. */
export function passable(result: APIGatewayProxyResult, event: LambdaEvent): APIGatewayProxyResult {
  const bytes = Buffer.byteLength(JSON.stringify(result));
  if (bytes <= MAX_RESULT_BYTES) return result;
  const error = new SurprisalError(
    "too-large",
    `${expected(`an answer of at most ${MAX_RESULT_BYTES} bytes, the most that Lambda lets through`, bytes)} Ask for less detail, fewer steps or fewer models.`,
  );
  const { headers = {} } = result;
  const path = "rawPath" in event ? event.rawPath : "/";
  const { "content-disposition": _, ...kept } = headers;
  return {
    statusCode: error.status,
    headers: { ...kept, "content-type": "application/problem+json", "cache-control": "no-store" },
    body: JSON.stringify(problemDocument(error, path, String(headers["x-request-id"]))),
    isBase64Encoded: false,
  };
}
