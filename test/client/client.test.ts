/** The client against the API on models of random weights, over real connections, and against servers that fail. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Client, ConnectionError, isMusic, ProblemError, type ScoreOptions } from "../../src/client/index.ts";
import { addressOf, httpServer } from "../../src/entry/node/http-server.ts";
import { createApp } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { randomModel, randomSpeechNetwork } from "../support/models.ts";

const models = [
  randomModel({ set: "jsb", cell: "gru" }),
  randomModel({ set: "jsb", cell: "lstm" }),
  randomSpeechNetwork({ cell: "gru" }),
];
const app = createApp({ models: () => models, limits: DEFAULT_LIMITS, version: "0", log: console.error });
const roll = [[60, 64, 67], [60, 65, 69], [59, 62, 67], []];
const sound = { samples: Float32Array.from({ length: 100 }, (_, t) => Math.sin(t / 5)), sampleRate: 8000 };
const midi = new Uint8Array(await readFile("test/fixtures/midi/format-1.mid"));
const json = (value: unknown) => new Blob([JSON.stringify(value)], { type: "application/json" });

/** The answer without the client. */
async function asked(path: string, body: BodyInit) {
  return (await app.request(path, { method: "POST", body })).json();
}

let server: Server;
let client: Client;
beforeAll(async () => {
  server = httpServer(app.fetch, DEFAULT_LIMITS).listen(0);
  await once(server, "listening");
  client = new Client(`http://localhost:${addressOf(server).port}`);
});
afterAll(() => server.close());

describe("it gives the answers of the server", () => {
  test("to a piano roll, to samples and to a file, with options", async () => {
    const options: ScoreOptions = { models: ["jsb/gru", "jsb/lstm"], transpose: 2, detail: "frames", id: "mine" };
    const ofRoll = await client.score(roll, options);
    expect(ofRoll).toEqual(await asked("/score", json({ pianoRoll: roll, ...options })));
    expect(ofRoll.scores[0].transposedBy).toBe(2);
    expect(await client.score(sound)).toMatchObject({ input: { kind: "audio" } });
    const ofFile = await client.score(midi, options);
    expect(isMusic(ofFile) && ofFile.scores).toEqual((await asked("/score?transpose=2&detail=frames", midi)).scores);
    expect(ofFile.input).not.toHaveProperty("name");
  });

  test("to every kind of bytes, and the name of a file", async () => {
    const { scores } = await client.score(midi);
    for (const bytes of [new Blob([midi]), midi.buffer, Buffer.from(midi)]) {
      expect((await client.score(bytes)).scores).toEqual(scores);
    }
    expect((await client.score(new File([midi], "bwv-253.mid"))).input.name).toBe("bwv-253.mid");
  });

  test("to predictions, whose state stands for what was heard", async () => {
    const models = ["jsb/gru"];
    const { predictions } = await client.predict(roll.slice(0, 2), { models });
    const state = predictions.map((each) => each.state);
    const rest = await client.predict(roll.slice(2), { models, state });
    expect(rest.predictions).toEqual(
      (await client.predict(roll, { models })).predictions.map((each) => ({
        ...each,
        frames: expect.any(Number),
      })),
    );
  });

  test("as a file", async () => {
    const file = await client.continuationFile(midi, { models: ["jsb/gru"], steps: 4 });
    expect([file.type, await file.slice(0, 4).text()]).toEqual(["audio/midi", "MThd"]);
    const wav = await client.continuationFile(sound, { models: ["*/gru"], steps: 4 });
    expect(await wav.slice(0, 4).text()).toBe("RIFF");
  });

  test("about its models", async () => {
    const found = await client.models();
    expect(found.map(({ id }) => id)).toContain("jsb/gru");
    expect(await client.model("jsb/gru")).toEqual(found.find(({ id }) => id === "jsb/gru"));
  });

  test("frame by frame, as far as one reads", async () => {
    const frames: (readonly number[])[] = [];
    for await (const frame of client.continuation(roll, { model: "jsb/gru", steps: 3, seed: 5 })) {
      frames.push(frame);
      if (frames.length === 7) break;
    }
    const first = await client.predict(roll, { models: ["jsb/gru"], steps: 3, seed: 5 });
    expect(frames.slice(0, 3)).toEqual(first.predictions[0].continuation);
    const heard = [...roll, ...frames.slice(0, 3)];
    const second = await client.predict(heard, { models: ["jsb/gru"], steps: 3, seed: 6 });
    expect(frames.slice(3, 6)).toEqual(second.predictions[0].continuation);
  });

  test("music alone is continued frame by frame", async () => {
    const wav = await client.continuationFile(sound, { models: ["*/gru"], steps: 40 });
    await expect(client.continuation(wav, { model: "*/gru" }).next()).rejects.toThrow("Expected music");
  });
});

describe("errors", () => {
  const servers: Server[] = [];
  const serve = async (listener: RequestListener) => {
    const server = createServer(listener).listen(0);
    servers.push(server);
    await once(server, "listening");
    return `http://localhost:${addressOf(server).port}`;
  };
  afterEach(() => {
    vi.useRealTimers();
    for (const server of servers.splice(0)) server.close();
  });
  const busy = (code = 503, retryAfter = "0") =>
    new Response(
      JSON.stringify({ type: "about:blank", title: "", status: code, detail: "Busy.", code: "busy", instance: "/" }),
      {
        status: code,
        headers: { "Content-Type": "application/problem+json", "Retry-After": retryAfter },
      },
    );
  const models = () => Response.json({ models: [] });

  test("hold the problem document", async () => {
    const error = await client.score([[60]]).catch((error) => error);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      status: 422,
      code: "nothing-to-score",
      message: expect.stringMatching(/^Expected .*\.$/),
      problem: { title: "Unprocessable Content" },
    });
  });

  test("name an answer that is not the server's", async () => {
    const url = await serve((_, response) => response.writeHead(404).end("<html>"));
    await expect(new Client(url).models()).rejects.toMatchObject({
      status: 404,
      message: "Expected an answer of surprisal, got 404 Not Found and no problem document.",
    });
  });

  test.each([429, 502, 503, 504])("%s is asked again", async (status) => {
    const answers = [busy(status), busy(status), models()];
    const fetch = vi.fn(async () => answers.shift() ?? Response.error());
    expect(await new Client("http://test", { fetch }).models()).toEqual([]);
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  test("so is a connection that breaks off before the answer or within it", async () => {
    let asked = 0;
    const url = await serve((request, response) => {
      asked++;
      if (asked === 1) request.socket.destroy();
      else if (asked > 2) response.end('{"models": []}');
      else {
        response.writeHead(200, { "Content-Length": "14" }).write('{"mod');
        setTimeout(() => response.destroy(), 20);
      }
    });
    expect(await new Client(url).models()).toEqual([]);
    expect(asked).toBe(3);
  });

  test.each([400, 401, 404, 413, 500])("%s is not", async (status) => {
    const fetch = vi.fn(async () => busy(status));
    await expect(new Client("http://test", { fetch }).models()).rejects.toMatchObject({ status });
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  test("the last one is thrown", async () => {
    const fetch = vi.fn(async () => busy());
    const client = new Client("http://test", { fetch, retries: 2 });
    await expect(client.models()).rejects.toMatchObject({ code: "busy", retryAfter: 0 });
    expect(fetch).toHaveBeenCalledTimes(3);
    await expect(new Client("http://localhost:1", { retries: 0 }).models()).rejects.toBeInstanceOf(ConnectionError);
  });

  test("Retry-After is waited for, unless it is more than a minute", async () => {
    vi.useFakeTimers();
    const fetch = vi.fn(async () => (fetch.mock.calls.length === 1 ? busy(503, "8") : models()));
    const answer = new Client("http://test", { fetch }).models();
    await vi.advanceTimersByTimeAsync(7_990);
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2_100);
    expect(await answer).toEqual([]);
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const late = new Client("http://test", { fetch: async () => busy(503, date) });
    await expect(late.models()).rejects.toMatchObject({ retryAfter: expect.closeTo(3600, -1) });
  });

  test("a signal ends the request, and the pause before the next", async () => {
    const url = await serve(() => {});
    const reason = new Error("enough");
    const stop = new AbortController();
    const hanging = new Client(url).models({ signal: stop.signal });
    setTimeout(() => stop.abort(reason), 20);
    await expect(hanging).rejects.toBe(reason);
    const again = new AbortController();
    const pausing = new Client("http://test", { fetch: async () => busy(503, "30") }).models({ signal: again.signal });
    setTimeout(() => again.abort(reason), 20);
    await expect(pausing).rejects.toBe(reason);
  });

  test("a key goes with every request, below the path of the server", async () => {
    const fetch = vi.fn(async (..._: Parameters<typeof globalThis.fetch>) => models());
    await new Client("https://example.org/music/", { key: "secret", fetch }).models();
    const [[url, init]] = fetch.mock.calls;
    expect(String(url)).toBe("https://example.org/music/v1/models");
    expect(init?.headers).toMatchObject({ Authorization: "Bearer secret" });
  });
});
