/** The page's files, and the models with which it scores in the browser, as static files. */
import { serveStatic } from "@hono/node-server/serve-static";
import type { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { secureHeaders } from "hono/secure-headers";
import type { Env } from "../../http/app.ts";
import { SECURITY } from "../../http/security.ts";
import { PAGE_FOLDER } from "./local.ts";

const PATHS = ["/", "/page.css", "/page.js", "/samples/*", "/local/*"];

/** For the page's worker, which compiles the kernel; the page itself may not. */
const setWorkerPolicy = secureHeaders({
  ...SECURITY,
  contentSecurityPolicy: { ...SECURITY.contentSecurityPolicy, scriptSrc: ["'self'", "'wasm-unsafe-eval'"] },
});

/** Middleware around an app, whose own policy is stricter: of two the outer one wins. */
export const workerPolicy = createMiddleware<Env>((c, next) =>
  c.req.path.startsWith("/local/") ? setWorkerPolicy(c, next) : next(),
);

export function servePage(app: Hono<Env>): void {
  for (const path of PATHS) app.get(path, serveStatic({ root: PAGE_FOLDER }));
}

/** The catalogue and checkpoints of a folder, and nothing else in it. */
export function serveModels(app: Hono<Env>, folder: string): void {
  const serve = serveStatic({ root: folder, rewriteRequestPath: (path) => path.replace("/local/models", "") });
  const isServed = (path: string) => /\/(catalogue\.json|[\w-]+\.safetensors)$/.test(path);
  app.get("/local/models/*", (c, next) => (isServed(c.req.path) ? serve(c, next) : next()));
}
