/**
 * createApp: the HTTP API on whatever runtime calls its `fetch`. Here requests meet the scoring code and every error
 * becomes an RFC 9457 problem document.
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { routePath } from "hono/route";
import { TrieRouter } from "hono/router/trie-router";
import { secureHeaders } from "hono/secure-headers";
import { expected, SurprisalError } from "../errors.ts";
import { predict } from "../inference/answer.ts";
import { checkAnswerSize } from "../inference/answer-size.ts";
import { workLimit } from "../limits.ts";
import { infoOf, modelInfos } from "../model/info.ts";
import { recommendedModels, unknownModel } from "../model/select.ts";
import { PredictOptions, ScoreOptions } from "../schema/options.ts";
import { once } from "../util/once.ts";
import { Work } from "../util/work.ts";
import { admission } from "./admission.ts";
import { answerBatch, BATCH_HEADERS } from "./batch.ts";
import { continuationFile } from "./continuation.ts";
import { type Deps, type Env, offersOf } from "./deps.ts";
import { faultOf } from "./fault.ts";
import { problemResponse } from "./problem.ts";
import { addProtocol } from "./protocol/handlers.ts";
import { inferRoute, inferVersionRoute } from "./protocol/routes.ts";
import { type Facts, readingsOf } from "./record.ts";
import { readEnvelope, type Schema } from "./request.ts";
import { batchRoute, liveRoute, modelRoute, modelsRoute, predictRoute, readyRoute, scoreRoute } from "./routes.ts";
import { type AnyOptions, decodeEnvelope, joinable, scoreDecoded } from "./score.ts";
import { checkTarget, onlyFrom, SECURITY } from "./security.ts";

/** Status by which nginx logs a client that closed its connection before the answer. */
const CLIENT_LEFT = 499;

const NOT_STORED = { "Cache-Control": "no-store" };
const REVALIDATED = { "Cache-Control": "no-cache" };

/** Answers If-None-Match. A 304 keeps what other origins need to read it. */
const conditional = etag({
  retainedHeaders: [
    ...RETAINED_304_HEADERS,
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "X-Request-Id",
  ],
  generateDigest: (body) => crypto.subtle.digest("SHA-256", body), // the default has Node load all of its cryptography
});

/** The whole API, under / and under /v1. Hono's usual router would build its tables while the first request waits. */
export function createApp(deps: Deps): OpenAPIHono<Env> {
  const api = createApi(deps);
  const app = new OpenAPIHono<Env>({ router: new TrieRouter() });
  app.use(requestId());
  app.use(async (c, next) => {
    const began = performance.now();
    const facts: Facts = {};
    c.set("facts", facts);
    await next();
    const { method } = c.req;
    const [id, route, status] = [c.get("requestId"), routeOf(c), c.res.status];
    const record = () =>
      deps.answered?.({ ...facts, id, method, route, status, ms: performance.now() - began }, c.req.raw);
    if (facts.ended) void facts.ended.then(record);
    else record();
  });
  for (const each of deps.middleware ?? []) app.use(each);
  app.use(secureHeaders(SECURITY));
  app.use((c, next) => {
    checkTarget(c.req.raw);
    return next();
  });
  if (deps.origins !== "checked") app.use(...onlyFrom(deps.origins ?? []));
  app.use(
    methodNotAllowed<Env>({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(", ");
        const detail = expected(`${allow} of ${c.req.path.slice(0, 200)}`, c.req.method);
        return problem(c, new SurprisalError("method-not-allowed", detail), { Allow: allow });
      },
    }),
  );
  app.route("/v1", api);
  app.route("/", api);
  app.notFound((c) => problem(c, new SurprisalError("not-found", `There is nothing at ${c.req.path.slice(0, 200)}.`)));
  app.onError((error, c) => {
    // Nobody reads this answer; the status is for the log.
    if (c.req.raw.signal.aborted) return new Response(null, { status: CLIENT_LEFT });
    const known = error instanceof SurprisalError ? error : undefined;
    if (!known || known.status === 500) {
      deps.log(error, { id: c.get("requestId"), method: c.req.method, path: c.req.path });
    }
    return problem(c, known);
  });
  return app;
}

/** The routes without a prefix. */
export function createApi(deps: Deps): OpenAPIHono<Env> {
  const api = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (!result.success) throw faultOf(result.error, "data" in result ? result.data : undefined);
    },
  });
  const workOf = (request: Request, sentBytes: number, facts: Facts) => {
    const limit = workLimit(deps.limits, sentBytes);
    const work = new Work({ signal: request.signal, limit, ...deps.workOptions?.(request) });
    facts.work = work; // what is refused later has cost what was done until then
    return work;
  };
  /** Reads a request, and decodes what it holds for the models that it asks. */
  async function open<Options extends AnyOptions>(c: Context<Env>, query: Options, schema: Schema<Options>) {
    const facts = c.get("facts");
    const envelope = await readEnvelope(c.req.raw, query, schema, {
      limits: deps.limits,
      share: c.get("share"),
      openWork: (sentBytes) => workOf(c.req.raw, sentBytes, facts),
    });
    return decodeEnvelope(envelope, deps, facts);
  }
  const openShare = admission(deps.limits.bodiesBytes);
  for (const route of [scoreRoute, predictRoute, inferRoute, inferVersionRoute]) {
    const path = route.getRoutingPath();
    for (const guard of deps.guards ?? []) api.post(path, guard);
    api.post(path, async (c, next) => {
      const share = openShare();
      c.set("share", share);
      try {
        const answer = deps.offload?.();
        return answer
          ? await answer(c.req.raw, { id: c.get("requestId"), share, facts: c.get("facts") })
          : await next();
      } finally {
        c.get("facts").bytes = share.held;
        share.release();
      }
    });
  }
  api.openapi(scoreRoute, async (c) => {
    const facts = c.get("facts");
    const answer = await scoreDecoded(await open(c, c.req.valid("query"), ScoreOptions), deps.limits, facts);
    return c.json(answer, 200, NOT_STORED);
  });

  for (const guard of deps.guards ?? []) api.post(batchRoute.path, guard);
  api.openapi(batchRoute, async (c) => {
    const call = { id: c.get("requestId"), facts: c.get("facts") };
    const lines = await answerBatch(c.req.raw, c.req.valid("query"), deps, openShare, call);
    return c.body(lines, 200, BATCH_HEADERS) as never; // whose type takes NDJSON for JSON
  });

  api.openapi(predictRoute, async (c) => {
    const opened = await open(c, c.req.valid("query"), PredictOptions);
    const { input, options, models, chosen, work } = opened;
    const facts = c.get("facts");
    const accepted = (supports: string[], otherwise: string) =>
      accepts(c, { header: "Accept", supports, default: otherwise });
    const file = input.input.kind === "music" ? "audio/midi" : "audio/wav";
    const asked = accepted(["application/json", "audio/midi", "audio/wav"], "application/json");
    const type = accepted(["application/json", file], asked); // a client may accept both kinds of files
    c.header("Vary", "Accept", { append: true });
    checkAnswerSize(input, chosen, options, deps.limits);
    const answer = await predict(input, models, options, work);
    facts.readings = readingsOf(answer, models);
    if (type === "application/json") return c.json(joinable(answer, opened), 200, NOT_STORED);
    const { bytes, mediaType, extension } = continuationFile(answer);
    if (type !== mediaType) {
      throw new SurprisalError(
        "not-acceptable",
        expected(`an Accept of ${mediaType}, which the continuation is`, type),
      );
    }
    const headers = { ...NOT_STORED, "Content-Disposition": `attachment; filename="continuation.${extension}"` };
    return c.body(bytes, 200, { ...headers, "Content-Type": mediaType });
  });

  api.use("/models/*", conditional);
  api.openapi(modelsRoute, async (c) => c.json({ models: modelInfos(await deps.models()) }, 200, REVALIDATED));
  api.openapi(modelRoute, async (c) => {
    const { set, cell } = c.req.valid("param");
    const id = `${set}/${cell}`;
    const offers = await offersOf(deps);
    if (offers.every((offer) => offer.id !== id)) throw unknownModel(id, offers);
    const model = (await deps.models({ patterns: [id] })).find((each) => each.id === id);
    if (!model) throw unknownModel(id, offers); // it was taken away meanwhile
    const info = infoOf(
      model,
      recommendedModels(offers).some((offer) => offer.id === id),
    );
    return c.json(info, 200, { ...REVALIDATED, ETag: `"${info.version}"` });
  });

  /** @throws SurprisalError `no-models` or `saturated` when a load balancer should send requests elsewhere. */
  const checkReady = async () => {
    const { length } = await offersOf(deps);
    const reason = deps.lastError?.();
    if (length === 0) {
      throw new SurprisalError("no-models", `No model is loaded${reason ? `: ${reason}` : "."}`);
    }
    if (deps.isFull?.())
      throw new SurprisalError("saturated", "The queue is full: as many requests wait as are allowed.");
    return { models: length, lastError: reason ?? null };
  };
  api.openapi(liveRoute, (c) => c.json({ status: "live" as const }, 200, NOT_STORED));
  api.openapi(readyRoute, async (c) => c.json({ status: "ready" as const, ...(await checkReady()) }, 200, NOT_STORED));
  addProtocol(api, deps, workOf, checkReady);

  const documents = once(async () => {
    const { openApiDocument, openApiYaml } = await import("./openapi.ts");
    const document = openApiDocument(api, deps.version);
    return { document, yaml: openApiYaml(document) };
  });
  api.use("/openapi.*", conditional);
  api.get("/openapi.json", async (c) => c.json((await documents()).document, 200, REVALIDATED));
  api.get("/openapi.yaml", async (c) =>
    c.body((await documents()).yaml, 200, { ...REVALIDATED, "Content-Type": "application/yaml" }),
  );
  return api;
}

/** The route that answered, as routes.ts has it. */
function routeOf(c: Context<Env>): string {
  const path = routePath(c, -1);
  return path.includes("*") ? "none" : path.replace(/^\/v1(?=\/)/, "");
}

function problem(c: Context<Env>, error: SurprisalError | undefined, headers?: Record<string, string>): Response {
  c.get("facts").code = error?.code ?? "internal-error";
  return problemResponse(error, URL.parse(c.req.url)?.pathname ?? c.req.path, c.get("requestId"), headers);
}
