/**
 * createApp: the HTTP API on whatever runtime calls its `fetch`. Here requests meet the scoring code and every error
 * becomes an RFC 9457 problem document.
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { accepts } from "hono/accepts";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { methodNotAllowed } from "hono/method-not-allowed";
import { type RequestIdVariables, requestId } from "hono/request-id";
import { routePath } from "hono/route";
import { TrieRouter } from "hono/router/trie-router";
import { secureHeaders } from "hono/secure-headers";
import { expected, SurprisalError } from "../errors.ts";
import type { Decoder } from "../formats/audio.ts";
import { predict, score } from "../inference/answer.ts";
import { checkAnswerSize } from "../inference/answer-size.ts";
import { readToken } from "../inference/state-token.ts";
import { type Limits, workLimit } from "../limits.ts";
import { modelInfos } from "../model/info.ts";
import type { Model } from "../model/model.ts";
import { modelsOfKind, unknownModel } from "../model/select.ts";
import { PredictOptions, ScoreOptions } from "../schema/options.ts";
import { once } from "../util/once.ts";
import { Work, type WorkOptions } from "../util/work.ts";
import { admission, type Share } from "./admission.ts";
import { decodeAffordable, kindOf } from "./content.ts";
import { continuationFile } from "./continuation.ts";
import { faultOf } from "./fault.ts";
import { problemResponse } from "./problem.ts";
import { type AccessRecord, type Facts, readingsOf } from "./record.ts";
import { type Envelope, readEnvelope } from "./request.ts";
import { liveRoute, modelRoute, modelsRoute, predictRoute, readyRoute, scoreRoute } from "./routes.ts";
import { checkTarget, type Origins, onlyFrom, SECURITY, WORKER_SECURITY } from "./security.ts";

export interface Deps {
  /**
   * The models at this moment; they may be swapped between two requests.
   * @param patterns of the models of interest (see select.ts): others may be left out
   */
  models(patterns?: readonly string[]): readonly Model[] | Promise<readonly Model[]>;
  /** Why the store could not be read when last tried, if so, in a sentence for clients: without paths. */
  lastError?(): string | undefined;
  readonly limits: Limits;
  /** Origins whose pages may send requests, beside the server's own. */
  readonly origins?: Origins;
  /** Of audio that is not WAV; without it such audio is refused. */
  readonly decode?: Decoder;
  /** Where to send /score and /predict instead of answering here, such as to a pool of threads (entry/node/pool.ts). */
  offload?(): ((request: Request, call: Call) => Promise<Response>) | undefined;
  /** Options of the work of /score and /predict, such as another signal than that of the request. */
  workOptions?(request: Request): WorkOptions;
  /** What surrounds every request, such as tracing. */
  readonly middleware?: readonly MiddlewareHandler<Env>[];
  /** What a request to /score or /predict passes first, such as a check of keys. */
  readonly guards?: readonly MiddlewareHandler<Env>[];
  /** Called with each request when it is answered. */
  answered?(record: AccessRecord, request: Request): void;
  /** Whether the queue is full: a load balancer then sends the next request elsewhere. */
  isFull?(): boolean;
  readonly version: string;
  log(error: unknown, request: { readonly id: string; readonly method: string; readonly path: string }): void;
}

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

/** What middleware finds in a request's context. */
export type Env = { Variables: RequestIdVariables & { readonly share: Share; readonly facts: Facts } };

/** A request that is answered elsewhere. */
export interface Call {
  readonly id: string; // by which the log knows it
  readonly share: Share; // of the bytes of all bodies
  readonly facts: Facts; // to be filled in
}

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
    const [id, route, ms] = [c.get("requestId"), routeOf(c), performance.now() - began];
    deps.answered?.({ ...facts, id, method, route, status: c.res.status, ms }, c.req.raw);
  });
  for (const each of deps.middleware ?? []) app.use(each);
  app.use("/local/*", secureHeaders(WORKER_SECURITY)); // the outer one wins
  app.use(secureHeaders(SECURITY));
  app.use((c, next) => {
    checkTarget(c.req.raw);
    return next();
  });
  app.use(...onlyFrom(deps.origins ?? []));
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
  const workOf = (request: Request, sentBytes: number) =>
    new Work({
      signal: request.signal,
      limit: workLimit(deps.limits, sentBytes),
      ...deps.workOptions?.(request),
    });
  const openShare = admission(deps.limits.bodiesBytes);
  for (const { path } of [scoreRoute, predictRoute]) {
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
    const envelope = await readEnvelope(c.req.raw, c.req.valid("query"), ScoreOptions, deps.limits, c.get("share"));
    const { content, options } = envelope;
    const models = await deps.models(options.models);
    const chosen = modelsOfKind(models, kindOf(content), options.models); // checked before a file is decoded in vain
    const work = workOf(c.req.raw, envelope.sentBytes);
    const facts = Object.assign(c.get("facts"), { kind: kindOf(content), models: chosen.map(({ id }) => id), work });
    const input = await decodeAffordable(content, options, deps, chosen, work);
    checkAnswerSize(input, chosen, options, deps.limits);
    const answer = await score(input, models, options, work);
    facts.readings = readingsOf(answer, models);
    return c.json(joinable(answer, envelope), 200, NOT_STORED);
  });

  api.openapi(predictRoute, async (c) => {
    const envelope = await readEnvelope(c.req.raw, c.req.valid("query"), PredictOptions, deps.limits, c.get("share"));
    const { content, options } = envelope;
    const accepted = (supports: string[], otherwise: string) =>
      accepts(c, { header: "Accept", supports, default: otherwise });
    const file = kindOf(content) === "music" ? "audio/midi" : "audio/wav";
    const asked = accepted(["application/json", "audio/midi", "audio/wav"], "application/json");
    const type = accepted(["application/json", file], asked); // a client may accept both kinds of files
    c.header("Vary", "Accept", { append: true });
    const patterns = options.state ? undefined : options.models; // state tokens may belong to any model
    const models = await deps.models(patterns);
    const chosen = modelsOfKind(models, kindOf(content), patterns);
    const work = workOf(c.req.raw, envelope.sentBytes);
    const facts = Object.assign(c.get("facts"), { kind: kindOf(content), models: chosen.map(({ id }) => id), work });
    const input = await decodeAffordable(content, options, deps, chosen, work);
    const continued = options.state?.map((token) => readToken(token, models).model);
    checkAnswerSize(input, continued ?? chosen, options, deps.limits);
    const answer = await predict(input, models, options, work);
    facts.readings = readingsOf(answer, models);
    if (type === "application/json") return c.json(joinable(answer, envelope), 200, NOT_STORED);
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
    const models = await deps.models();
    const model = models.find(({ id }) => id === `${set}/${cell}`);
    if (!model) throw unknownModel(`${set}/${cell}`, models);
    const [info] = modelInfos(models).filter(({ id }) => id === model.id);
    return c.json(info, 200, { ...REVALIDATED, ETag: `"${info.version}"` });
  });

  api.openapi(liveRoute, (c) => c.json({ status: "live" as const }, 200, NOT_STORED));
  api.openapi(readyRoute, async (c) => {
    const { length } = await deps.models();
    const reason = deps.lastError?.();
    if (length === 0) {
      throw new SurprisalError("no-models", `No model is loaded${reason ? `: ${reason}` : "."}`);
    }
    if (deps.isFull?.())
      throw new SurprisalError("saturated", "The queue is full: as many requests wait as are allowed.");
    return c.json({ status: "ready" as const, models: length, lastError: reason ?? null }, 200, NOT_STORED);
  });

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

/** Adds the request's id and the name of the file to an answer, so that it can be joined with what was asked. */
function joinable<Answer extends { readonly input: object }>(
  answer: Answer,
  { content, options: { id } }: Envelope<{ readonly id?: string | undefined }>,
) {
  const name = content.form === "file" ? content.name : undefined;
  return {
    ...(id !== undefined && { id }),
    ...answer,
    input: { ...answer.input, ...(name !== undefined && { name }) },
  };
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
