/** Answers -> the same, compressed for clients that accept it. On Workers, and on Lambda behind CloudFront, the platform does this. */
import type { HttpBindings } from "@hono/node-server";
import { Hono, type MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import { NDJSON } from "../../http/batch.ts";

type Env = { Bindings: HttpBindings };
type Fetch = (request: Request, env: HttpBindings) => Response | Promise<Response>;

/** An answer that fits a packet gains nothing. */
const MIN_BYTES = 1024;

/** Sets Content-Length, by which hono knows an answer that is too small to compress; answers in memory have none yet. */
const measured: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  if (
    c.req.method === "HEAD" ||
    c.res.headers.get("Content-Type") === NDJSON ||
    !c.res.body ||
    c.res.headers.has("Content-Length")
  )
    return;
  const body = await c.res.arrayBuffer();
  c.res = new Response(body, c.res);
  c.res.headers.set("Content-Length", String(body.byteLength));
};

/** @param fetch of the app whose answers are compressed */
export const compressing = (fetch: Fetch) =>
  new Hono<Env>()
    .use(compress({ threshold: MIN_BYTES }))
    .use(measured)
    .all("*", (c) => fetch(c.req.raw, c.env)).fetch;
