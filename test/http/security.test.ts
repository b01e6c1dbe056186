import { readFileSync } from "node:fs";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { expect, test } from "vitest";
import { checkUrl, SECURITY } from "../../src/http/security.ts";

const web = (name: string) => readFileSync(new URL(`../../src/web/${name}`, import.meta.url), "utf8");

test("the policy is the page's own, and forbids frames; Workers send the same with the page's files", async () => {
  const app = new Hono().use(secureHeaders(SECURITY)).get("/", (c) => c.text(""));
  const { headers } = await app.request("/");
  const [, meta] = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(web("index.html")) ?? [];
  expect(headers.get("content-security-policy")).toBe(`${meta}; frame-ancestors 'none'`);
  const lines = web("_headers").matchAll(/^ {2}([\w-]+): (.*)$/gm);
  const onWorkers = Object.fromEntries(Array.from(lines, ([, name, value]) => [name.toLowerCase(), value]));
  const { "content-type": _, ...sent } = Object.fromEntries(headers);
  expect(onWorkers).toEqual(sent);
});

test.each(["http://x/score", "https://x:1/", "http://[::1]/?a#b"])("%s may be asked for", (url) => {
  expect(() => checkUrl(url)).not.toThrow();
});

test.each(["http://user@x/", "http://user:secret@x/", "http://1.2.3.4.5/", "http://xn--a/", "*"])(
  "%s may not",
  (url) => {
    expect(() => checkUrl(url)).toThrow(expect.objectContaining({ code: "malformed-request" }));
  },
);
