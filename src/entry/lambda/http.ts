/** The HTTP API as a function of AWS Lambda: events of an HTTP API of API Gateway (payload version 2.0) in, results out. */
import { type APIGatewayProxyResult, handle, type LambdaContext, type LambdaEvent } from "hono/aws-lambda";
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import { DEFAULT_LIMITS } from "../../inference/piece.ts";
import { passable, readable } from "./gateway.ts";
import { openOffer } from "./packaged.ts";

/** Of audio, seconds: API Gateway waits for 30 s, and six models of speech take up to 0.13 s for each second. */
const LONGEST_SECONDS = 150;

const { models, lastError, refresh } = await openOffer(process.env.SURPRISAL_MODELS);
const answer = handle(
  createApp({
    models,
    lastError,
    limits: { ...DEFAULT_LIMITS, seconds: LONGEST_SECONDS },
    decode,
    version: process.env.npm_package_version ?? "unknown", // npm and serverless.yml set it
    log: (error, { id, method, path }) => console.error(`${method} ${path} (request ${id}) failed:`, error),
  }),
);

export async function handler(event: LambdaEvent, context?: LambdaContext): Promise<APIGatewayProxyResult> {
  await refresh();
  return passable(await answer(readable(event), context), event);
}
