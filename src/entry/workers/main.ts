/** Cloudflare Workers: the API with the models of an R2 bucket. Of audio, WAV and AIFF are read; what needs a decoder is refused, see formats/decoders.ts. */

import { env, waitUntil } from "cloudflare:workers";
import kernel from "../../../dist/kernel.wasm";
import { createApp } from "../../http/app.ts";
import { logFailure, logRequest } from "../../http/log.ts";
import { originsOf } from "../../http/security.ts";
import { DEFAULT_LIMITS, WORKERS_BODIES_BYTES, WORKERS_BODY_BYTES, WORKERS_SECONDS } from "../../limits.ts";
import { bucketStore } from "../../store/bucket.ts";
import { follow } from "../../store/follow.ts";
import { clientMessage } from "../../store/problem.ts";
import { r2Bucket } from "../../store/r2.ts";
import { reporter } from "../../store/report.ts";
import { limitsOf } from "../../util/limits-of.ts";
import { version } from "../../version.ts";
import { isolate } from "./isolate.ts";
import { rehearse } from "./rehearse.ts";

await rehearse(kernel);
const follower = follow(bucketStore(r2Bucket(env.MODELS, env.SURPRISAL_PREFIX)), kernel);
const { models, offers } = isolate({
  follower,
  pollMs: 1000 * Number(env.SURPRISAL_POLL_SECONDS),
  waitUntil,
  report: reporter(follower, "the bucket"),
});
const app = createApp({
  models,
  offers,
  lastError: () => follower.problems().map(clientMessage).at(0),
  limits: limitsOf(env, {
    ...DEFAULT_LIMITS,
    bodyBytes: WORKERS_BODY_BYTES,
    bodiesBytes: WORKERS_BODIES_BYTES,
    seconds: WORKERS_SECONDS,
  }),
  origins: originsOf(env.SURPRISAL_ORIGINS),
  version,
  log: logFailure,
  answered: logRequest,
});

export default {
  async fetch(request: Request): Promise<Response> {
    const response = await app.fetch(request);
    // A sender of what was refused unread would see its connection break, not the answer.
    if (request.body && !request.bodyUsed) await request.body.pipeTo(new WritableStream());
    return response;
  },
};
