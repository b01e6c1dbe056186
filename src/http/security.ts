/** What every answer tells browsers, which origins' pages may send requests, and which URLs are refused. */

import type { Context } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { expected, SurprisalError } from "../errors.ts";
import { describe } from "./fault.ts";

/**
 * Options of hono's secureHeaders, for answers that a browser opens, such as the page: its meta tag says the same, but cannot
 * forbid frames. Headers about transport, such as HSTS, are left to the proxy that ends TLS.
 */
export const SECURITY = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["data:"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  crossOriginResourcePolicy: false, // CORS decides which origins may ask
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  strictTransportSecurity: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
};

/** Origins whose pages may ask, beside that of the server itself; "*" for all. */
export type Origins = "*" | readonly string[];

/**
 * The origins that a setting lists, separated by commas.
 * @throws SurprisalError `malformed-request` for something that is not an origin.
 */
export function originsOf(setting = ""): Origins {
  if (setting.trim() === "*") return "*";
  const listed = setting.split(",").map((origin) => origin.trim());
  return listed.filter(Boolean).map((origin) => {
    if (URL.parse(origin)?.origin === origin) return origin;
    const wanted = 'origins such as https://example.org, separated by commas, or "*" in SURPRISAL_ORIGINS';
    throw new SurprisalError("malformed-request", expected(wanted, describe(origin)));
  });
}

/**
 * CORS for the pages of some origins. Pages of others are refused here too, since a browser sends many of their requests, such
 * as forms, and only keeps the answers from them: they would have used this machine all the same.
 */
export function onlyFrom(origins: Origins) {
  const isKnown = (origin: string, url: string) =>
    origins === "*" || origins.includes(origin) || URL.parse(origin)?.host === URL.parse(url)?.host;
  const options = {
    origin: origins === "*" ? "*" : (origin: string, c: Context) => (isKnown(origin, c.req.url) ? origin : null),
    allowMethods: ["GET", "HEAD", "POST"],
    exposeHeaders: [
      "ETag",
      "Inference-Header-Content-Length",
      "RateLimit",
      "RateLimit-Policy",
      "Retry-After",
      "X-Request-Id",
    ],
    maxAge: 86_400,
  };
  const checkOrigin = createMiddleware((c, next) => {
    const origin = c.req.header("Origin");
    if (origin === undefined || isKnown(origin, c.req.url)) return next();
    const own = URL.parse(c.req.url)?.host ?? "its own host";
    const wanted = `a page of ${describe(own)}, or of an origin that SURPRISAL_ORIGINS names`;
    throw new SurprisalError("foreign-origin", expected(wanted, `one of ${describe(origin)}`));
  });
  return [cors(options), checkOrigin] as const;
}

/**
 * Refuses requests that the Node server lets pass although they are invalid: with two hosts, or with URLs such as
 * http://user@host/ or that of Host: 1.2.3.4.5.
 * @throws SurprisalError `malformed-request` for such a request.
 */
export function checkTarget({ url: text, headers }: Pick<Request, "url" | "headers">): void {
  const host = headers.get("host");
  if (host?.includes(",")) throw new SurprisalError("malformed-request", expected("one Host header", describe(host)));
  const url = URL.parse(text);
  if (url && url.username === "" && url.password === "") return;
  throw new SurprisalError(
    "malformed-request",
    expected("a URL with a valid host and without credentials", describe(text)),
  );
}
