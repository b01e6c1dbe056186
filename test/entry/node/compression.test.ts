import { once } from "node:events";
import { type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compressing } from "../../../src/entry/node/compression.ts";
import { httpServer } from "../../../src/entry/node/http-server.ts";
import { createApp } from "../../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { randomPiece, testModels } from "../../support/models.ts";

const models = testModels();
const app = createApp({ models: () => models, limits: DEFAULT_LIMITS, version: "1", log: console.error });
let server: Server;
beforeAll(async () => {
  server = httpServer(compressing(app.fetch), DEFAULT_LIMITS).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server.close());

/** Asks without a client that decodes by itself. */
async function ask(path: string, headers: Record<string, string> = {}, body?: object, method?: string) {
  const { port } = server.address() as AddressInfo;
  const type = body && { "Content-Type": "application/json" };
  const options = { host: "127.0.0.1", port, path, method: method ?? (body ? "POST" : "GET") };
  const sent = request({ ...options, headers: { ...type, ...headers } }).end(body && JSON.stringify(body));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, bytes: await buffer(response) };
}

const gzip = { "Accept-Encoding": "gzip, deflate, br" };
const large = { pianoRoll: randomPiece(1, 200), detail: "frames" };

test("a large answer is gzip for a client that takes it, and plain for others", async () => {
  const plain = await ask("/score", {}, large);
  const zipped = await ask("/score", gzip, large);
  expect([plain.headers["content-encoding"], zipped.headers["content-encoding"]]).toEqual([undefined, "gzip"]);
  expect(JSON.parse(gunzipSync(zipped.bytes).toString())).toEqual(JSON.parse(plain.bytes.toString()));
  expect(zipped.bytes.length).toBeLessThan(0.6 * plain.bytes.length);
  for (const { headers } of [plain, zipped]) expect(headers.vary).toMatch(/accept-encoding/i);
  const refused = await ask("/score", { "Accept-Encoding": "gzip;q=0" }, large);
  expect(refused.headers["content-encoding"]).toBeUndefined();
});

test("a small answer is left as it is", async () => {
  for (const path of ["/health/live", "/nowhere"]) {
    const { headers, bytes } = await ask(path, gzip);
    expect([headers["content-encoding"], headers["content-length"]]).toEqual([undefined, String(bytes.length)]);
  }
});

test("a file is not compressed", async () => {
  const body = { pianoRoll: [[60]], models: "jsb/gru", steps: 512 };
  const { headers, bytes } = await ask("/predict", { ...gzip, Accept: "audio/midi" }, body);
  expect([headers["content-type"], headers["content-encoding"]]).toEqual(["audio/midi", undefined]);
  expect(bytes.subarray(0, 4).toString()).toBe("MThd");
});

test("what a client knows already it need not read again, compressed or not", async () => {
  const { headers } = await ask("/models", gzip);
  expect([headers["content-encoding"], headers.etag]).toEqual(["gzip", expect.stringMatching(/^W\//)]);
  const again = await ask("/models", { ...gzip, "If-None-Match": headers.etag ?? "" });
  expect([again.status, again.bytes.length]).toEqual([304, 0]);
});

test("HEAD is answered without a body", async () => {
  const { status, bytes } = await ask("/models", gzip, undefined, "HEAD");
  expect([status, bytes.length]).toEqual([200, 0]);
});
