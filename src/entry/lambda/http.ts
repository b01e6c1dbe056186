/** The HTTP API as a function of AWS Lambda: events of an HTTP API of API Gateway (payload version 2.0) in, results out. */

import { type APIGatewayProxyResult, handle, type LambdaContext, type LambdaEvent } from "hono/aws-lambda";
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import { logFailure } from "../../http/log.ts";
import { originsOf } from "../../http/security.ts";
import { DEFAULT_LIMITS, LAMBDA_SECONDS } from "../../limits.ts";
import { passable, readable } from "./gateway.ts";
import { openModelSource } from "./packaged.ts";

const { models, lastError, refresh } = await openModelSource(process.env.SURPRISAL_MODELS);
const answer = handle(
  createApp({
    models,
    lastError,
    limits: { ...DEFAULT_LIMITS, seconds: LAMBDA_SECONDS },
    origins: originsOf(process.env.SURPRISAL_ORIGINS),
    decode,
    version: process.env.npm_package_version ?? "unknown", // npm and serverless.yml set it
    log: logFailure,
  }),
);

export async function handler(event: LambdaEvent, context?: LambdaContext): Promise<APIGatewayProxyResult> {
  await refresh();
  return passable(await answer(readable(event), context), event);
}
