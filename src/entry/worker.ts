/** Cloudflare Workers: the API with the models of an R2 bucket. Files of FLAC, MP3 and Ogg are refused, see decoders.ts. */
import { env } from "cloudflare:workers";
import kernel from "../../dist/kernel.wasm";
import manifest from "../../package.json" with { type: "json" };
import { createApp } from "../app.ts";
import { DEFAULT_LIMITS } from "../music.ts";
import { bucketStore } from "../store/bucket.ts";
import { follow, toldToClients } from "../store/follow.ts";
import { r2Bucket } from "../store/r2.ts";
import { type Carrier, isolate } from "./isolate.ts";

const store = bucketStore(r2Bucket(env.MODELS, env.SURPRISAL_PREFIX));
const models = isolate(
  () => follow(store, kernel),
  1000 * Number(env.SURPRISAL_POLL_SECONDS),
  ({ id, error }) => console.error(`Not loaded: ${id ?? "the models of the bucket"}:`, error),
);
const app = createApp({
  models: () => models.loaded().models,
  lastError: () => models.problems().map(toldToClients).at(0),
  limits: { ...DEFAULT_LIMITS, bodyBytes: 2 ** 24 }, // the requests of an isolate share 128 MB
  version: manifest.version,
  log: (error, { id, method, path }) => console.error(`${method} ${path} (request ${id}) failed:`, error),
});

export default {
  async fetch(request: Request, _env: unknown, carrier: Carrier): Promise<Response> {
    await models.ready(carrier);
    const response = await app.fetch(request);
    // A sender of what was refused unread would see its connection break, not the answer.
    if (request.body && !request.bodyUsed) await request.body.pipeTo(new WritableStream());
    return response;
  },
};
