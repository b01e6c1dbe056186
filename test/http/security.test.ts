import { readFileSync } from "node:fs";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { describe, expect, test } from "vitest";
import { pagePolicies } from "../../src/entry/node/page.ts";
import { SurprisalError } from "../../src/errors.ts";
import { createApp } from "../../src/http/app.ts";
import { checkTarget, type Origins, onlyFrom, originsOf, SECURITY } from "../../src/http/security.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";

const web = (name: string) => readFileSync(new URL(`../../src/web/${name}`, import.meta.url), "utf8");

/** What Workers send with the files of a path. */
function onWorkers(path: string): Record<string, string> {
  const [, block = ""] = web("_headers").split(`\n${path}\n`);
  const lines = block.split(/\n(?=\S)/)[0].matchAll(/^ {2}([\w-]+): (.*)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name.toLowerCase(), value]));
}

test("the policy is the page's own, and forbids frames; Workers send the same with the page's files", async () => {
  const app = new Hono().use(secureHeaders(SECURITY)).get("/", (c) => c.text(""));
  const { headers } = await app.request("/");
  const [, meta] = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(web("index.html")) ?? [];
  expect(headers.get("content-security-policy")).toBe(`${meta}; frame-ancestors 'none'`);
  const { "content-type": _, ...sent } = Object.fromEntries(headers);
  expect(onWorkers("/*")).toEqual(sent);
});

test("only the worker that scores in the browser may compile the kernel, and only the reference page has styles of its own", async () => {
  const middleware = [pagePolicies];
  const app = createApp({ models: () => [], limits: DEFAULT_LIMITS, middleware, version: "0", log: () => {} });
  const policyOf = async (path: string) => (await app.request(path)).headers.get("content-security-policy");
  expect(await policyOf("/local/worker.js")).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(await policyOf("/local/worker.js")).toBe(onWorkers("/local/*")["content-security-policy"]);
  expect(await policyOf("/docs/")).toBe(onWorkers("/docs/*")["content-security-policy"]);
  expect(await policyOf("/docs/")).toContain("style-src 'self' 'sha256-");
  for (const path of ["/page.js", "/docs", "/docs/"]) expect(await policyOf(path)).not.toContain("unsafe");
});

const target = (url: string, headers: Record<string, string> = {}) => ({ url, headers: new Headers(headers) });

test.each(["http://x/score", "https://x:1/", "http://[::1]/?a#b"])("%s may be asked for", (url) => {
  expect(() => checkTarget(target(url, { Host: "x" }))).not.toThrow();
});

test.each(["http://user@x/", "http://user:secret@x/", "http://1.2.3.4.5/", "http://xn--a/", "*"])(
  "%s may not",
  (url) => {
    expect(() => checkTarget(target(url))).toThrow(expect.objectContaining({ code: "malformed-request" }));
  },
);

test("two hosts are one too many", () => {
  expect(() => checkTarget(target("http://a/", { Host: "a, b" }))).toThrow('Expected one Host header, got "a, b".');
});

describe("pages of other origins", () => {
  const HOME = "http://127.0.0.1:8787";
  /** Status and CORS header of an answer, of a route that counts how often it was reached. */
  async function asked(origins: Origins, origin: string | undefined, url = `${HOME}/score`) {
    let reached = 0;
    const app = new Hono().use(...onlyFrom(origins)).post("/score", (c) => {
      reached += 1;
      return c.text("");
    });
    app.onError((error, c) => c.text(error.message, error instanceof SurprisalError ? 403 : 500));
    const init = { method: "POST", headers: origin === undefined ? {} : { Origin: origin } };
    const { status, headers } = await app.request(url, init);
    return [status, reached, headers.get("access-control-allow-origin")];
  }

  test("may not ask, and are refused before any work, unless they are named", async () => {
    const named = "https://example.org";
    expect(await asked([], named)).toEqual([403, 0, null]);
    expect(await asked(["https://example.com"], named)).toEqual([403, 0, null]);
    expect(await asked([named], named)).toEqual([200, 1, named]);
    expect(await asked("*", named)).toEqual([200, 1, "*"]);
  });

  test.each(["null", "http://127.0.0.1", "http://127.0.0.1:8788", "http://localhost:8787", "garbage", ""])(
    "%j is another origin",
    async (origin) => {
      expect(await asked([], origin)).toEqual([403, 0, null]);
    },
  );

  test("the server's own page may, also behind a proxy that ends TLS, and so may what is no page", async () => {
    expect(await asked([], HOME)).toEqual([200, 1, HOME]);
    expect(await asked([], "https://example.org", "http://example.org/score")).toEqual([200, 1, "https://example.org"]);
    expect(await asked([], undefined)).toEqual([200, 1, null]);
  });

  test("the setting is a list, or a star", () => {
    expect(originsOf(undefined)).toEqual([]);
    expect(originsOf(" * ")).toBe("*");
    expect(originsOf("https://a.org, http://localhost:3000")).toEqual(["https://a.org", "http://localhost:3000"]);
    for (const setting of ["a.org", "https://a.org/", "https://a.org/path", "*, https://a.org"]) {
      expect(() => originsOf(setting)).toThrow(/^Expected origins such as https:\/\/example\.org/);
    }
  });
});
