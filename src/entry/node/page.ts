/** The page as static files, for what runs on Node: the server and the function on Lambda. */
import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "../../http/app.ts";
import { PACKAGE_ROOT } from "./kernel.ts";

/** The page's files, which `npm run build` makes from src/web. */
const PAGE_FOLDER = fileURLToPath(new URL("dist/web", PACKAGE_ROOT));

/** Adds the routes of the page's files to an app; what is not among them is asked of the API. */
export function servePage(app: OpenAPIHono<Env>): OpenAPIHono<Env> {
  for (const path of ["/", "/page.css", "/page.js", "/samples/*", "/local/*"]) {
    app.get(path, serveStatic({ root: PAGE_FOLDER }));
  }
  return app;
}
