/** What every answer tells browsers, and which URLs no request may have. */

import { expected, SurprisalError } from "../errors.ts";
import { describe } from "./fault.ts";

/**
 * Options of hono's secureHeaders, for answers that a browser opens, the page among them: its own meta tag says the same, but cannot forbid frames. What has
 * to do with transport, such as HSTS, is for the proxy that ends TLS.
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
  crossOriginResourcePolicy: false, // every origin may ask, see CORS
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  strictTransportSecurity: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
};

/**
 * The Node server lets some URLs pass that no Request can have, such as http://user@host/ and those of Host: 1.2.3.4.5.
 * @throws SurprisalError `malformed-request` for such a one.
 */
export function checkUrl(text: string): void {
  const url = URL.parse(text);
  if (url && url.username === "" && url.password === "") return;
  throw new SurprisalError(
    "malformed-request",
    expected("a URL with a valid host and without credentials", describe(text)),
  );
}
