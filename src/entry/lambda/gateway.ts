/** Events and results of API Gateway: what the runtime would refuse with an error of its own. */

import type { APIGatewayProxyResult, LambdaEvent } from "hono/aws-lambda";
import { expected, SurprisalError } from "../../errors.ts";
import { errorAnswer } from "../../http/problem.ts";
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
    `${expected(`an answer of at most ${MAX_RESULT_BYTES} bytes, the most that Lambda lets through`, bytes)} Ask for less detail, fewer steps or fewer models, or send fewer pieces.`,
  );
  const { headers = {} } = result;
  const path = "rawPath" in event ? event.rawPath : "/";
  const { "content-disposition": _, "inference-header-content-length": __, ...kept } = headers;
  const { status, body, ...answer } = errorAnswer(error, path, String(headers["x-request-id"]));
  const own = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    statusCode: status,
    headers: { ...kept, ...Object.fromEntries(own) },
    body,
    isBase64Encoded: false,
  };
}
