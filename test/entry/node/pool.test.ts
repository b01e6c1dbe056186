import { getEventListeners, once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { compressing } from "../../../src/entry/node/compression.ts";
import { httpServer } from "../../../src/entry/node/http-server.ts";
import { type Pool, startPool } from "../../../src/entry/node/pool.ts";
import { decode } from "../../../src/formats/decoders.ts";
import { writeWav } from "../../../src/formats/wav.ts";
import { admission } from "../../../src/http/admission.ts";
import { createApp } from "../../../src/http/app.ts";
import type { Call, Deps } from "../../../src/http/deps.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { writeCheckpoint } from "../../../src/model/checkpoint.ts";
import type { ReadFiles } from "../../../src/store/release.ts";
import { apiContract } from "../../contracts/api.ts";
import { audioContract } from "../../contracts/audio.ts";
import { protocolContract } from "../../contracts/protocol.ts";
import { entryFor } from "../../contracts/store.ts";
import { randomRecording, testModels, testSpeechModels } from "../../support/models.ts";
import { kernelModule } from "../../support/wasm.ts";

const models = [...testModels(), ...testSpeechModels()];

function releaseOf(): ReadFiles {
  const files = models.map(({ checkpoint }) => writeCheckpoint(checkpoint));
  const entries = models.map(({ id, set, checkpoint: { config } }, k) =>
    entryFor(files[k], { id, set, cell: config.cell, units: config.units }),
  );
  return {
    etag: "1",
    catalogue: { models: entries },
    files: new Map(entries.map(({ version }, k) => [version, files[k]])),
  };
}

/** As the main thread has them: it shows the models, and must not be asked to score by them. */
const shown = models;
let pool: Pool;
const openShare = admission(DEFAULT_LIMITS.bodiesBytes);
const call = (): Call => ({ id: "1", share: openShare(), facts: {} });
const deps: Deps = {
  models: () => shown,
  limits: DEFAULT_LIMITS,
  decode,
  offload: () => pool.answer,
  version: "1.2.3",
  log: console.error,
};
const server = httpServer(compressing(createApp(deps).fetch), DEFAULT_LIMITS);
let url = "";

beforeAll(async () => {
  pool = await startPool(
    { release: releaseOf(), kernel: kernelModule, limits: DEFAULT_LIMITS, version: "1.2.3" },
    { size: 2 },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await pool.close();
});

const request = (path: string, init?: RequestInit) => fetch(url + path, init);

describe("the API on Node, answered by threads", () => {
  apiContract(request);
  audioContract(request);
  protocolContract(request);
});

test("long recordings, one for each thread and more, delay neither a chord nor a health check", async () => {
  const body = writeWav({ samples: randomRecording(1, 2_000_000), sampleRate: 8000 });
  const answers: string[] = [];
  const note = async (name: string, response: Promise<Response>) => {
    const { status } = await response;
    answers.push(`${name} ${status}`);
  };
  const long = Array.from({ length: 3 }, () =>
    note("recording", request("/score", { method: "POST", body, headers: { "Content-Type": "audio/wav" } })),
  );
  await new Promise((resolve) => setTimeout(resolve, 300)); // so that they are under way
  const chord = { method: "POST", body: '{"pianoRoll":[[60],[62]]}', headers: { "Content-Type": "application/json" } };
  await Promise.all([note("chord", request("/score", chord)), note("health", request("/health/live"))]);
  expect(answers.toSorted()).toEqual(["chord 200", "health 200"]);
  await Promise.all(long);
  expect(answers.slice(2)).toEqual(Array(3).fill("recording 200"));
});

test("a compressed body is decoded, and refused where it is too large, before it goes to a thread", async () => {
  const held: number[] = [];
  const share = { held: 0, take: (bytes: number) => held.push(bytes), release: () => {} };
  const json = (body: string) => {
    const headers = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
    return new Request("http://x/score", { method: "POST", body: gzipSync(body), headers });
  };
  const text = '{"pianoRoll":[[60],[62]]}';
  expect((await pool.answer(json(text), { ...call(), share })).status).toBe(200);
  expect(held.filter(Boolean)).toEqual([gzipSync(text).length, text.length]);
  await expect(pool.answer(json(" ".repeat(2 ** 23)), { ...call(), share })).rejects.toMatchObject({
    code: "too-large",
  });
});

test("a signal that many requests share keeps none of them", async () => {
  const init = { method: "POST", headers: { "Content-Type": "application/json" } };
  const ask = (body: string) => new Request("http://x/score", { ...init, body });
  for (const request of [ask('{"pianoRoll":[[60],[62]]}'), ask("{")]) {
    await pool.answer(request, call());
    expect(getEventListeners(request.signal, "abort")).toEqual([]);
  }
});

test("a pool that is closed first answers what each of its threads has begun", async () => {
  const served = { release: releaseOf(), kernel: kernelModule, limits: DEFAULT_LIMITS, version: "1" };
  const other = await startPool(served, { size: 2 });
  const headers = { "Content-Type": "audio/wav" };
  const answers = [100_000, 200_000, 400_000, 800_000].map((length, k) => {
    const body = writeWav({ samples: randomRecording(k, length), sampleRate: 8000 });
    return other.answer(new Request("http://x/score", { method: "POST", body, headers }), call());
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await other.close();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test("the threads stop working when the clients have left", async () => {
  const started: Worker[] = [];
  const note = (worker: Worker) => started.push(worker);
  process.on("worker", note);
  const other = await startPool(
    { release: releaseOf(), kernel: kernelModule, limits: DEFAULT_LIMITS, version: "1" },
    { size: 2 },
  );
  process.off("worker", note);
  const log = vi.spyOn(console, "error");
  const listening = httpServer(compressing(createApp({ ...deps, offload: () => other.answer }).fetch), DEFAULT_LIMITS);
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as AddressInfo;
  try {
    const body = writeWav({ samples: randomRecording(1, 4_800_000), sampleRate: 8000 });
    const client = new AbortController();
    const init = { method: "POST", body, headers: { "Content-Type": "audio/wav" }, signal: client.signal };
    const left = Array.from({ length: 8 }, () => fetch(`http://127.0.0.1:${port}/score`, init).catch(String));
    /** Share of the time in which the threads computed since they were last asked. */
    let before = started.map(({ performance }) => performance.eventLoopUtilization());
    const busy = () => {
      const now = started.map(({ performance }) => performance.eventLoopUtilization());
      const shares = now.map((used, k) => {
        const { active, idle } = before[k];
        return (used.active - active) / (used.active - active + used.idle - idle);
      });
      before = now;
      return Math.max(...shares);
    };
    const patience = { interval: 250, timeout: 10_000 }; // all of it takes minutes
    await expect.poll(busy, patience).toBeGreaterThan(0.8);
    client.abort();
    expect(await Promise.all(left)).toEqual(Array(8).fill(expect.stringMatching("AbortError")));
    await expect.poll(busy, patience).toBeLessThan(0.2);
    expect(log).not.toHaveBeenCalled(); // a client that leaves is nothing to look into
  } finally {
    log.mockRestore();
    listening.close();
    await other.close();
  }
});

test("a thread that dies between two requests is logged and replaced, and every request is answered", async () => {
  const started: Worker[] = [];
  const note = (worker: Worker) => started.push(worker);
  process.on("worker", note);
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const other = await startPool(
    { release: releaseOf(), kernel: kernelModule, limits: DEFAULT_LIMITS, version: "1" },
    { size: 2 },
  );
  try {
    expect(started).toHaveLength(2);
    const death = new Error("as of one that is out of memory");
    started[0].emit("error", death);
    await expect.poll(() => started.length).toBe(3);
    expect(log.mock.calls).toEqual([["A thread died:", death]]);
    await started[1].terminate(); // without a word
    await expect.poll(() => started.length).toBe(4);
    const init = { method: "POST", body: '{"pianoRoll":[[60],[62]]}', headers: { "Content-Type": "application/json" } };
    const answers = Array.from({ length: 20 }, () => other.answer(new Request("http://x/score", init), call()));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(20).fill(200));
  } finally {
    process.off("worker", note);
    log.mockRestore();
    await other.close();
  }
});

const served = { release: releaseOf(), kernel: kernelModule, limits: DEFAULT_LIMITS, version: "1" };
/** A thread that computes nothing. */
const script = fileURLToPath(new URL("../../support/thread.ts", import.meta.url));
const ask = (of: Pool, path: string, body: BodyInit = '{"pianoRoll":[[60],[62]]}') =>
  of.answer(new Request(`http://x${path}`, { method: "POST", body }), call());

describe("the queue", () => {
  test("lets small requests pass large ones", async () => {
    const other = await startPool(served, { size: 2, script });
    const large = new Uint8Array(2 ** 18);
    const never = Array.from({ length: 20 }, () => ask(other, "/never", large).catch(({ code }) => code));
    expect((await Promise.all(Array.from({ length: 100 }, () => ask(other, "/")))).map(({ status }) => status)).toEqual(
      Array(100).fill(200),
    );
    await other.close(0);
    expect(await Promise.all(never)).toEqual(Array(20).fill("interrupted"));
  });

  test("tells a request that has waited long enough to come again, and says when no more may wait", async () => {
    const other = await startPool(
      { ...served, limits: { ...DEFAULT_LIMITS, waitSeconds: 3 } },
      { size: 1, checkMs: 20, script },
    );
    const under = Array.from({ length: 4 }, () => ask(other, "/never").catch(() => {})); // as many as a thread is sent
    await new Promise((resolve) => setTimeout(resolve, 200));
    const waiting = Array.from({ length: DEFAULT_LIMITS.waiting }, () => ask(other, "/").catch((error) => error));
    await expect.poll(() => other.isFull()).toBe(true);
    await expect(ask(other, "/")).rejects.toMatchObject({ code: "busy", status: 503 });
    const sentence = "Expected a thread that is free, got none within 3 s.";
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "busy", message: sentence });
    expect(other.isFull()).toBe(false);
    await other.close(0);
    await Promise.all(under);
  });
});

describe("a thread that does not answer", () => {
  let log: MockInstance<typeof console.error>;
  beforeEach(() => {
    log = vi.spyOn(console, "error").mockImplementation(() => {});
  });
  afterEach(() => log.mockRestore());

  test("is replaced; its requests are answered 503, and those that wait by another", async () => {
    const other = await startPool(served, { size: 1, pingMs: 50, script });
    const stuck = [ask(other, "/stuck"), ask(other, "/behind")].map((answer) => answer.catch((error) => error));
    const waiting = Array.from({ length: 5 }, (_, k) => ask(other, `/${k}`));
    expect(await Promise.all(stuck)).toMatchObject(Array(2).fill({ code: "interrupted", status: 503 }));
    // Of those that wait, the ones that the thread had been sent are lost with it.
    const answers = await Promise.all(
      waiting.map((answer) => answer.then(({ status }) => status).catch((e) => e.status)),
    );
    expect(answers).toEqual([503, 503, 200, 200, 200]);
    expect((await ask(other, "/after")).status).toBe(200);
    expect(log.mock.calls).toEqual([["A thread did not answer for 0.5 s; another takes its place."]]);
    await other.close();
  });

  test("does not hold up the end of a pool, nor does a body that never comes", async () => {
    const other = await startPool(served, { size: 2, script });
    const body = new ReadableStream({ pull: () => new Promise(() => {}) });
    const slow = new Request("http://x/slow", { method: "POST", body, duplex: "half" } as RequestInit);
    void other.answer(slow, call()).catch(() => {});
    const stuck = ask(other, "/stuck").catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 100)); // so that a thread has it
    await other.close(200);
    expect(await stuck).toMatchObject({ code: "interrupted" });
    await expect(ask(other, "/late")).rejects.toMatchObject({ code: "interrupted" });
  });
});
