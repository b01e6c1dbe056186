/** Batches of the client against a server that keeps to the contract of /batch, and fails as it is told. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type BatchAnswer, type BatchInput, Client, ConnectionError, ProblemError } from "../../src/client/index.ts";
import { addressOf, httpServer } from "../../src/entry/node/http-server.ts";
import { createApp } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { randomModel } from "../support/models.ts";

const models = [randomModel({ set: "jsb", cell: "gru" }), randomModel({ set: "jsb", cell: "lstm" })];
const scores = createApp({ models: () => models, limits: DEFAULT_LIMITS, version: "0", log: console.error });

/** What the server was asked: the lines of each request. `fault` may answer one of them otherwise. */
let asked: string[][] = [];
let fault: (request: number, line: number) => "break off" | "refuse" | "hang" | undefined = () => undefined;

const app = new Hono().post("/v1/batch", async (c) => {
  const lines = (await c.req.text()).split("\n").slice(0, -1);
  const request = asked.push(lines) - 1;
  const query = new URL(c.req.url).search;
  if (query.includes("unknown")) return scores.request(`/score${query}`, { method: "POST", body: "{}" });
  c.header("Content-Type", "application/x-ndjson");
  return stream(c, async (out) => {
    for (const [index, body] of lines.entries()) {
      const failing = fault(request, index);
      if (failing === "break off") {
        await out.write('{"index": 0, "inp');
        return;
      }
      if (failing === "hang") await new Promise(() => {});
      const headers = { "Content-Type": "application/json" };
      const response = await scores.request(`/score${query}`, { method: "POST", headers, body });
      const answer = await response.json();
      const { id } = JSON.parse(body);
      const problem = failing === "refuse" ? { status: 503, code: "busy", detail: "Busy." } : answer;
      const line = response.ok && !failing ? { index, ...answer } : { index, ...(id && { id }), problem };
      await out.write(`${JSON.stringify(line)}\n`);
    }
  });
});

let server: Server;
let client: Client;
beforeAll(async () => {
  server = httpServer(app.fetch, DEFAULT_LIMITS).listen(0);
  await once(server, "listening");
  client = new Client(`http://localhost:${addressOf(server).port}`, { retries: 1 });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  fault = () => undefined;
});

const roll = (k: number) => [[60 + (k % 12)], [62], [64 + (k % 7)]];
const inputs = (count: number) => Array.from({ length: count }, (_, k): BatchInput => ({ input: roll(k), id: `${k}` }));
async function collect(answers: AsyncIterable<BatchAnswer>): Promise<BatchAnswer[]> {
  const found: BatchAnswer[] = [];
  for await (const answer of answers) found.push(answer);
  return found;
}
const one = { models: ["jsb/gru"] };
const scoreOf = (answer: BatchAnswer) => (answer.problem ? answer.problem.code : answer.scores[0].nll);

async function scoreAlone(k: number): Promise<number> {
  const body = JSON.stringify({ pianoRoll: roll(k), ...one });
  const headers = { "Content-Type": "application/json" };
  return (await (await scores.request("/score", { method: "POST", headers, body })).json()).scores[0].nll;
}

test("answers come in the order of the inputs, each as if it were asked alone", async () => {
  const answers = await collect(client.batch(inputs(3000), one));
  expect(answers.map(({ index, id }) => [index, id])).toEqual(answers.map((_, k) => [k, `${k}`]));
  expect(answers.length).toBe(3000);
  for (const k of [0, 1, 2998, 2999]) expect(scoreOf(answers[k])).toBe(await scoreAlone(k));
  expect(asked.length).toBeLessThan(10);
  expect(Math.max(...asked.map((lines) => lines.join("\n").length))).toBeLessThanOrEqual(2 ** 16);
});

test("files, sound and rolls stand side by side, with options of their own", async () => {
  const midi = new Uint8Array(await readFile("test/fixtures/midi/format-1.mid"));
  const answers = await collect(
    client.batch([
      { input: new Blob([midi]), models: ["jsb/lstm"] },
      { input: roll(0), detail: "frames", models: ["jsb/gru"] },
      { input: new Uint8Array([1, 2, 3]) },
      { input: { samples: [0, 0.5], sampleRate: 8000 } },
    ]),
  );
  expect(answers).toMatchObject([
    { scores: [{ model: "jsb/lstm" }] },
    { scores: [{ model: "jsb/gru", perFrame: expect.any(Array) }] },
    { problem: { code: expect.any(String) } },
    { problem: { status: expect.any(Number) } },
  ]);
});

test("an input that cannot be scored has its problem, and the rest goes on", async () => {
  const answers = await collect(client.batch([...inputs(2), { input: [[60]], id: "short" }, ...inputs(1)], one));
  expect(answers[2]).toMatchObject({ index: 2, id: "short", problem: { code: "nothing-to-score" } });
  expect(scoreOf(answers[3])).toBe(await scoreAlone(0));
});

test("what was answered is not asked again when a connection breaks off", async () => {
  fault = (request, line) => (request === 0 && line === 2 ? "break off" : undefined);
  const answers = await collect(client.batch(inputs(4), one));
  expect(asked.map((lines) => lines.length)).toEqual([4, 2]);
  expect(answers.map(scoreOf)).toEqual(await Promise.all([0, 1, 2, 3].map(scoreAlone)));
});

test("a line that the server has no time for is asked again, and has its problem in the end", async () => {
  fault = (request, line) => (request === 0 && line === 1 ? "refuse" : undefined);
  expect((await collect(client.batch(inputs(3), one))).map(scoreOf)).toEqual(
    await Promise.all([0, 1, 2].map(scoreAlone)),
  );
  expect(asked.map((lines) => lines.length)).toEqual([3, 1]);
  fault = (_, line) => (line === 0 ? "refuse" : undefined);
  expect((await collect(client.batch(inputs(2), one))).map(scoreOf)).toEqual(["busy", await scoreAlone(1)]);
});

test("a request that fails for good is thrown, after the answers before it", async () => {
  fault = (_, line) => (line === 1 ? "break off" : undefined);
  const seen: number[] = [];
  const reading = async () => {
    for await (const { index } of client.batch(inputs(4), one)) seen.push(index);
  };
  // The second request answers line 1 as its first, and breaks off at the next.
  await expect(reading()).rejects.toBeInstanceOf(ConnectionError);
  expect(seen).toEqual([0, 1]);
  await expect(collect(client.batch(inputs(2), { models: ["unknown/*"] }))).rejects.toBeInstanceOf(ProblemError);
});

test("inputs are read no faster than answers", async () => {
  let read = 0;
  const many = (function* () {
    for (const input of inputs(10_000)) {
      read++;
      yield input;
    }
  })();
  const answers = client.batch(many, one, { requests: 2 });
  for (let k = 0; k < 5; k++) await answers.next();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(read).toBeLessThan(3 * 2 ** 11);
  await answers.return();
  expect(many.next().done).toBe(true);
});

test("inputs that come one at a time are answered one at a time", async () => {
  const answered: number[] = [];
  async function* oneByOne() {
    for (let k = 0; k < 3; k++) {
      expect(answered.length).toBe(k);
      yield { input: roll(k) };
      while (answered.length === k) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  for await (const answer of client.batch(oneByOne(), one)) answered.push(answer.index);
  expect(answered).toEqual([0, 1, 2]);
});

test("a fault of the inputs is thrown after the answers to those before it", async () => {
  async function* broken() {
    yield* inputs(2);
    throw new Error("no more");
  }
  const answers = client.batch(broken(), one);
  expect((await answers.next()).value).toMatchObject({ index: 0 });
  expect((await answers.next()).value).toMatchObject({ index: 1 });
  await expect(answers.next()).rejects.toThrow("no more");
});

test("a signal ends it, while an answer or an input is waited for", async () => {
  fault = (_, line) => (line === 1 ? "hang" : undefined);
  const reason = new Error("enough");
  const stop = new AbortController();
  const answers = client.batch(inputs(2), one, { signal: stop.signal });
  expect((await answers.next()).value).toMatchObject({ index: 0 });
  setTimeout(() => stop.abort(reason), 20);
  await expect(answers.next()).rejects.toBe(reason);
  async function* silent() {
    await new Promise(() => {});
    yield* inputs(1);
  }
  const waiting = client.batch(silent(), one, { signal: AbortSignal.timeout(20) });
  await expect(waiting.next()).rejects.toMatchObject({ name: "TimeoutError" });
});

test("no inputs have no answers, and ask nothing", async () => {
  expect(await collect(client.batch([]))).toEqual([]);
  expect(asked).toEqual([]);
});
