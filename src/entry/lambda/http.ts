/** The page and the HTTP API as a function of AWS Lambda: events of an HTTP API of API Gateway (payload version 2.0) in, results out. */

import { type APIGatewayProxyResult, handle, type LambdaContext, type LambdaEvent } from "hono/aws-lambda";
import { SurprisalError } from "../../errors.ts";
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import { logFailure, logRequest } from "../../http/log.ts";
import { originsOf } from "../../http/security.ts";
import { DEFAULT_LIMITS, LAMBDA_SECONDS } from "../../limits.ts";
import { limitsOf } from "../../util/limits-of.ts";
import { pagePolicies, servePage } from "../node/page.ts";
import { passable, readable } from "./gateway.ts";
import { openModelSource } from "./packaged.ts";

const { models, offers, lastError, refresh } = await openModelSource(process.env.SURPRISAL_MODELS);
/** The platform ends a call that takes too long without an answer; the work on it stops this much earlier. */
const MARGIN_MS = 1000;
/** Aborts the call under way: a function works on one call at a time. */
let deadline = new AbortController();

const app = createApp({
  models,
  offers,
  lastError,
  limits: limitsOf(process.env, { ...DEFAULT_LIMITS, seconds: LAMBDA_SECONDS }),
  origins: originsOf(process.env.SURPRISAL_ORIGINS),
  decode,
  workOptions: () => ({ signal: deadline.signal }),
  middleware: [pagePolicies],
  version: process.env.npm_package_version ?? "unknown", // npm and serverless.yml set it
  log: logFailure,
  answered: logRequest,
});
const answer = handle(servePage(app));

export async function handler(event: LambdaEvent, context?: LambdaContext): Promise<APIGatewayProxyResult> {
  deadline = new AbortController();
  const timer = context && setTimeout(stop, context.getRemainingTimeInMillis() - MARGIN_MS, deadline);
  try {
    await refresh();
    return passable(await answer(readable(event), context), event);
  } finally {
    clearTimeout(timer);
  }
}

function stop(call: AbortController): void {
  const detail = "The time limit of a Lambda call was reached. Ask for fewer models or steps, or send a shorter piece.";
  call.abort(new SurprisalError("interrupted", detail));
}
