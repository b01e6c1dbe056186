import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { admission } from "../../src/http/admission.ts";
import { createApp } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { testModels } from "../support/models.ts";

const models = testModels();
const appOf = (bodiesBytes: number) =>
  createApp({
    models: () => models,
    limits: { ...DEFAULT_LIMITS, bodiesBytes },
    version: "1",
    log: (error) => {
      throw error;
    },
  });

const roll = new TextEncoder().encode('{"pianoRoll":[[60],[62]]}');

/** A request whose body comes as its sender pushes it; `pulls` counts how often more of it was asked for. */
function upload(headers: Record<string, string> = {}) {
  let sender: ReadableStreamDefaultController<Uint8Array> | undefined;
  const sent = {
    pulls: 0,
    push: (bytes: Uint8Array) => sender?.enqueue(bytes),
    end: () => sender?.close(),
    break: () => sender?.error(new Error("gone")),
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        sender = controller;
      },
      pull() {
        sent.pulls += 1;
      },
    },
    { highWaterMark: 0 },
  );
  const init = { method: "POST", body, duplex: "half", headers: { "Content-Type": "application/json", ...headers } };
  return { sent, init: init as RequestInit };
}

const announced = (bytes: number) => upload({ "Content-Length": String(bytes) });
const small = { method: "POST", body: roll, headers: { "Content-Type": "application/json" } };

test("shares are held together, given back, and not held in part", () => {
  const open = admission(10);
  const [one, other] = [open(), open()];
  one.take(6);
  expect(() => other.take(5)).toThrow(expect.objectContaining({ code: "busy" }));
  other.take(4);
  expect(() => one.take(1)).toThrow("Expected bodies of at most 10 bytes in all requests under way together, got 11.");
  one.release();
  one.release();
  other.take(6);
  expect(() => open().take(1)).toThrow();
});

describe("bodies of all requests together", () => {
  test("a body that is announced counts before it comes; one too many is refused unread, until there is room", async () => {
    const app = appOf(100);
    const first = announced(80);
    const answer = app.request("/score", first.init);
    await expect.poll(() => first.sent.pulls).toBe(1);

    const second = announced(30);
    const refused = await app.request("/v1/predict", second.init);
    expect([refused.status, (await refused.json()).code, second.sent.pulls]).toEqual([503, "busy", 0]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);

    first.sent.push(roll);
    first.sent.end();
    expect((await answer).status).toBe(200);
    expect((await app.request("/score", small)).status).toBe(200);
  });

  test("what is not announced counts as it comes", async () => {
    const app = appOf(100);
    const first = upload();
    const answer = app.request("/score", first.init);
    await expect.poll(() => first.sent.pulls).toBe(1);
    first.sent.push(new Uint8Array(90).fill(0x20));
    await expect.poll(() => first.sent.pulls).toBe(2); // so that the chunk has been taken
    const second = upload();
    const refused = app.request("/score", second.init);
    second.sent.push(roll);
    expect((await refused).status).toBe(503);
    first.sent.end();
    expect((await answer).status).toBe(400);
  });

  test("a body of gzip counts as it was sent and as it is decoded", async () => {
    const padded = `${new TextDecoder().decode(roll)}${" ".repeat(1000)}`;
    const body = gzipSync(padded);
    const init = { method: "POST", body, headers: { ...small.headers, "Content-Encoding": "gzip" } };
    const enough = padded.length + body.length;
    expect((await appOf(enough).request("/score", init)).status).toBe(200);
    expect((await appOf(enough - 1).request("/score", init)).status).toBe(503);
  });

  test("whatever becomes of a request, its share is given back", async () => {
    const app = appOf(100);
    const broken = announced(100);
    const answer = app.request("/score", broken.init);
    broken.sent.break();
    const bodies = ["{", '{"pianoRoll":[]}', '{"pianoRoll":[[60]],"models":"none"}'];
    expect((await answer).status).toBe(400);
    for (const body of bodies) expect((await app.request("/score", { ...small, body })).status).toBeLessThan(500);
    expect((await app.request("/score", announced(101).init)).status).toBe(503);
    const whole = announced(100);
    const last = app.request("/score", whole.init);
    whole.sent.push(roll);
    whole.sent.end();
    expect((await last).status).toBe(200);
  });

  const noise = Uint8Array.from({ length: 20_000 }, (_, k) => (k * k * 31 + (k >> 3) * 17) & 255);
  const archive = zipSync({ "a.mid": Buffer.concat([new Uint8Array(90_000), noise]) });
  test.each([
    ["a line", "application/x-ndjson", new Uint8Array(90_000).fill(0x20)],
    [
      "a file of a form",
      "multipart/form-data; boundary=x",
      Buffer.concat([
        Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="a.mid"\r\n\r\n'),
        new Uint8Array(90_000),
      ]),
    ],
    ["a file of an archive, unpacked", "application/zip", archive.subarray(0, archive.length / 2)],
  ])("%s counts before it has ended, and is given back when its sender breaks off", async (_, type, begun) => {
    const app = appOf(100_000);
    const rest = () => app.request("/score", announced(50_000).init);
    const batch = upload({ "Content-Type": type });
    const answer = app.request("/v1/batch", batch.init);
    await expect.poll(() => batch.sent.pulls).toBe(1);
    batch.sent.push(begun);
    await expect.poll(() => batch.sent.pulls).toBe(2);
    expect((await rest()).status).toBe(503);
    batch.sent.break();
    expect((await answer).status).toBe(400);
    const whole = announced(100_000);
    const last = app.request("/score", whole.init);
    whole.sent.push(roll);
    whole.sent.end();
    expect((await last).status).toBe(200);
  });
});
