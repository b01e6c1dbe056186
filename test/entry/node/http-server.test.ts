import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpServer } from "../../../src/entry/node/http-server.ts";
import { createApp } from "../../../src/http/app.ts";
import { DEFAULT_LIMITS, MAX_HEAD_BYTES } from "../../../src/limits.ts";
import { Problem } from "../../../src/schema/service.ts";
import { testModels } from "../../support/models.ts";

const models = testModels();
const limits = { ...DEFAULT_LIMITS, headersSeconds: 1, bodySeconds: 1, requestSeconds: 60, readerSeconds: 1 };
const app = createApp({ models: () => models, limits, version: "1", log: console.error });
app.get("/slow", async (c) => {
  await setTimeout(3000);
  return c.text("after all");
});
app.get("/large", (c) => c.text("x".repeat(2 ** 26)));

let server: Server;
let port = 0;
beforeAll(async () => {
  server = httpServer(app.fetch, limits).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const open = (request: string): Socket => {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.write(request);
  return socket;
};
const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
const connections = () =>
  new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });

/** Status and problem document of an answer as it came over the wire. */
function parsed(answer: string) {
  const [head, body] = answer.split("\r\n\r\n");
  expect(head).toMatch(/^content-type: application\/problem\+json/im);
  return { status: Number(head.split(" ")[1]), ...Problem.pick({ code: true, detail: true }).parse(JSON.parse(body)) };
}

const HEAD = "POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

test("without limits on seconds no request is late", async () => {
  const unlimited = { ...DEFAULT_LIMITS };
  for (const name of ["headersSeconds", "bodySeconds", "requestSeconds", "readerSeconds"] as const) {
    unlimited[name] = Number.POSITIVE_INFINITY;
  }
  const patient = createApp({ models: () => models, limits: unlimited, version: "1", log: console.error });
  const own = httpServer(patient.fetch, unlimited).listen(0, "127.0.0.1");
  await once(own, "listening");
  const socket = connect((own.address() as AddressInfo).port, "127.0.0.1");
  socket.write(`${HEAD}Connection: close\r\nContent-Length: 27\r\n\r\n{`);
  await setTimeout(100);
  socket.write('"pianoRoll": [[60], [62]]');
  socket.write("}");
  const answer = await text(socket);
  await new Promise((closed) => own.close(closed));
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
});

describe("slow clients", () => {
  test("500 of them are closed, while a request that takes longer is answered, and so are others", async () => {
    const slow = ask("/slow");
    const beginnings = ["", "GET /health/live HT", HEAD, `${HEAD}Content-Length: 100\r\n\r\n{`];
    const sockets = Array.from({ length: 500 }, (_, k) => open(beginnings[k % beginnings.length]));
    const answers = Promise.all(sockets.map((socket) => text(socket).catch(() => "")));
    expect((await ask("/health/live")).status).toBe(200);
    const statuses = (await answers).map((answer) => Number(answer.split(" ")[1]));
    expect(new Set(statuses)).toEqual(new Set([408]));
    expect([(await slow).status, await (await slow).text()]).toEqual([200, "after all"]);
    await expect.poll(connections).toBeLessThan(10);
  });

  test.each(["GET /health/live HT", `${HEAD}Content-Length: 100\r\n\r\n{`])(
    "after %j a problem document says why",
    async (beginning) => {
      expect(parsed(await text(open(beginning)))).toMatchObject({ status: 408, code: "request-timeout" });
    },
  );

  test("a client that does not read its answer loses its connection", async () => {
    const socket = open("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").pause();
    await once(socket, "connect");
    await expect.poll(connections, { timeout: 10_000 }).toBe(0);
    socket.destroy();
  });
});

describe("what Node would refuse with a bare status gets a problem document", () => {
  test.each([
    ["no HTTP at all", "\0\0\0\0\r\n\r\n", 400, "malformed-request"],
    ["another version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400, "malformed-request"],
    ["two lengths", `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{`, 400, "malformed-request"],
    ["a length and chunks", `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400, "malformed-request"],
    [
      "headers that are too large",
      `GET / HTTP/1.1\r\nX: ${"x".repeat(MAX_HEAD_BYTES)}\r\n\r\n`,
      431,
      "headers-too-large",
    ],
    ["an impossible host", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400, "malformed-request"],
  ])("%s", async (_, request, status, code) => {
    expect(parsed(await text(open(request)))).toMatchObject({ status, code });
  });
});
