/** The page as static files, for what runs on Node: the server and the function on Lambda; and the models that it scores with. */
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { secureHeaders } from "hono/secure-headers";
import type { Env } from "../../http/deps.ts";
import { SECURITY } from "../../http/security.ts";
import { PACKAGE_ROOT } from "./kernel.ts";

/** The page's files, which `npm run build` makes from src/web. */
const PAGE_FOLDER = fileURLToPath(new URL("dist/web", PACKAGE_ROOT));

/** For the page's worker, which compiles the kernel; the page itself may not. */
const setWorkerPolicy = secureHeaders({
  ...SECURITY,
  contentSecurityPolicy: { ...SECURITY.contentSecurityPolicy, scriptSrc: ["'self'", "'wasm-unsafe-eval'"] },
});

/** The hash of no text: of the style elements that Redoc leaves empty, to add its rules one by one. */
const EMPTY = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";

/** For the reference page. */
const setReferencePolicy = secureHeaders({
  ...SECURITY,
  contentSecurityPolicy: { ...SECURITY.contentSecurityPolicy, styleSrc: ["'self'", EMPTY] },
});

/** Middleware around an app with the page, whose own policy is stricter: of two the outer one wins. */
export const pagePolicies = createMiddleware<Env>((c, next) => {
  if (c.req.path.startsWith("/local/")) return setWorkerPolicy(c, next);
  return /^\/docs(\/|$)/.test(c.req.path) ? setReferencePolicy(c, next) : next();
});

/** Adds the routes of the page's files to an app; what is not among them is asked of the API. */
export function servePage(app: OpenAPIHono<Env>): OpenAPIHono<Env> {
  for (const path of [
    "/",
    "/page.css",
    "/page.js",
    "/samples/*",
    "/local/*",
    "/cards",
    "/cards/",
    "/docs",
    "/docs/*",
  ]) {
    app.get(path, serveStatic({ root: PAGE_FOLDER }));
  }
  return app;
}

/** Adds the catalogue and checkpoints of a folder, and nothing else in it: the page scores with them in the browser. */
export function serveModels(app: OpenAPIHono<Env>, folder: string): void {
  const serve = serveStatic({ root: folder, rewriteRequestPath: (path) => path.replace("/local/models", "") });
  const isServed = (path: string) => /\/(catalogue\.json|[\w-]+\.safetensors)$/.test(path);
  app.get("/local/models/*", (c, next) => (isServed(c.req.path) ? serve(c, next) : next()));
}
