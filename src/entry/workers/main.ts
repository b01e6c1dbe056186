/** Cloudflare Workers: the API with the models of an R2 bucket. Files of FLAC, MP3 and Ogg are refused, see decoders.ts. */
import { env, waitUntil } from "cloudflare:workers";
import kernel from "../../../dist/kernel.wasm";
import manifest from "../../../package.json" with { type: "json" };
import { createApp } from "../../http/app.ts";
import { DEFAULT_LIMITS } from "../../inference/piece.ts";
import { bucketStore } from "../../store/bucket.ts";
import { follow, toldToClients } from "../../store/follow.ts";
import { r2Bucket } from "../../store/r2.ts";
import { isolate } from "./isolate.ts";

/** Bytes: an isolate has 128 MB for all of its requests, and one of 8 MB was measured to take up to 95. */
const LARGEST_BODY = 6 * 2 ** 20;
/** Of audio: a request has 30 s of CPU time, and six models of speech take 0.09 to 0.12 s for each second. */
const LONGEST_SECONDS = 200;

const store = bucketStore(r2Bucket(env.MODELS, env.SURPRISAL_PREFIX));
const { models, problems } = isolate({
  open: () => follow(store, kernel),
  pollMs: 1000 * Number(env.SURPRISAL_POLL_SECONDS),
  waitUntil,
  log: ({ id, error }) => console.error(`Not loaded: ${id ?? "the models of the bucket"}:`, error),
});
const app = createApp({
  models,
  lastError: () => problems().map(toldToClients).at(0),
  limits: { ...DEFAULT_LIMITS, bodyBytes: LARGEST_BODY, seconds: LONGEST_SECONDS },
  version: manifest.version,
  log: (error, { id, method, path }) => console.error(`${method} ${path} (request ${id}) failed:`, error),
});

export default {
  async fetch(request: Request): Promise<Response> {
    const response = await app.fetch(request);
    // A sender of what was refused unread would see its connection break, not the answer.
    if (request.body && !request.bodyUsed) await request.body.pipeTo(new WritableStream());
    return response;
  },
};
