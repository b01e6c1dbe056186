import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { gzipSync } from "node:zlib";
import { createAdaptorServer } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { writeWav } from "../../src/formats/wav.ts";
import { createApp } from "../../src/http/app.ts";
import type { Deps } from "../../src/http/deps.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import type { Wanted } from "../../src/model/select.ts";
import { apiContract } from "../contracts/api.ts";
import { audioContract } from "../contracts/audio.ts";
import { protocolContract } from "../contracts/protocol.ts";
import { randomModel, randomPiece, randomRecording, testModels, testSpeechModels } from "../support/models.ts";
import { Random } from "../support/random.ts";

const models = [...testModels(), ...testSpeechModels()];
const logged: unknown[] = [];
const deps: Deps = {
  models: () => models,
  limits: DEFAULT_LIMITS,
  version: "1.2.3",
  log: (error) => logged.push(error),
};
const app = createApp(deps);
const postJson = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

describe("the API, called in process", () => {
  apiContract((path, init) => app.request(path, init));
  audioContract((path, init) => app.request(path, init));
  protocolContract((path, init) => app.request(path, init));
});

test("a request asks for the models that it names, or for those of its kind", async () => {
  const asked: (Wanted | undefined)[] = [];
  const noting = createApp({
    ...deps,
    offers: async () => models,
    models(wanted) {
      asked.push(wanted);
      return models;
    },
  });
  const asking = async (path: string, init?: RequestInit) => {
    asked.length = 0;
    const response = await noting.request(path, init);
    expect(response.status).toBe(200);
    return response.json();
  };
  const pianoRoll = [[60], [62]];
  await asking("/score?models=jsb/gru", postJson({ pianoRoll }));
  expect(asked).toEqual([{ patterns: ["jsb/gru"], kind: "music" }]);
  await asking("/score", postJson({ pianoRoll, models: ["jsb/gru", "*/lstm"] }));
  expect(asked).toEqual([{ patterns: ["jsb/gru", "*/lstm"], kind: "music" }]);
  await asking("/score", postJson({ pianoRoll }));
  expect(asked).toEqual([{ kind: "music" }]);
  const samples = Array.from(randomRecording(1, 100));
  await asking("/score", postJson({ samples, sampleRate: 8000 }));
  expect(asked).toEqual([{ kind: "audio" }]);
  const { predictions } = await asking("/predict?models=jsb/gru", postJson({ pianoRoll }));
  await asking("/predict", postJson({ pianoRoll, state: [predictions[0].state] }));
  expect(asked).toEqual([{ patterns: ["jsb/gru"] }]);
  await asking("/models/jsb/gru");
  expect(asked).toEqual([{ patterns: ["jsb/gru"] }]);
  await asking("/v2/models/jsb--gru");
  expect(asked).toEqual([{ patterns: ["jsb/gru"] }]);
  for (const path of ["/health/ready", "/v2/models", "/v2/health/ready"]) {
    await asking(path);
    expect([path, asked]).toEqual([path, []]);
  }
});

describe("the API on Node, over a socket", () => {
  const server = createAdaptorServer({ fetch: app.fetch });
  let port = 0;
  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());
  const overSocket = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
  apiContract(overSocket);
  audioContract(overSocket);
  protocolContract(overSocket);

  /** Sends bytes as they are and reads until the server hangs up or has answered. */
  const raw = async (request: string) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(request);
    let answer = "";
    for await (const chunk of socket) {
      answer += chunk;
      if (/\r\n\r\n\{.*\}/s.test(answer)) break;
    }
    return answer;
  };

  test("a chunked body is counted while it comes, and cut off at the limit", async () => {
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const head =
      "POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(await raw(head + chunk.repeat(65))).toMatch(/^HTTP\/1.1 413 .*too-large/s); // no last chunk: it need not come
  });

  test.each([
    ["POST /score", "Host: a\r\nHost: b"],
    ["POST /score", "Host: 1.2.3.4.5"],
    ["POST /score", "Host: xn--a"],
    ["POST /score", "Host: ["],
    ["POST /score", "Host: "],
    ["POST http://user:secret@x/score", "Host: x"],
    ["POST http://[/score", "Host: x"],
    ["POST *", "Host: x"],
    ["POST /score?models=%zz", "Host: x"],
  ])("%s with %j is a fault of the client", async (line, host) => {
    logged.length = 0;
    const answer = await raw(`${line} HTTP/1.1\r\n${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(logged).toEqual([]);
  });

  test("while a long request is worked on, others are answered", async () => {
    const large = randomModel({ set: "jsb", cell: "gru", units: 100 });
    const begun = Promise.withResolvers<void>();
    const busy = createApp({
      ...deps,
      models: () => {
        begun.resolve();
        return [large];
      },
    });
    const server = createAdaptorServer({ fetch: busy.fetch }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await (await fetch(`${url}/health/live`)).json(); // so that its connection stands
    const answers: string[] = [];
    const note = async (response: Promise<Response>) => answers.push(Object.keys(await (await response).json())[0]);
    const body = { pianoRoll: randomPiece(3, 2000), transpose: "auto" };
    const long = note(fetch(`${url}/score`, postJson(body)));
    await begun.promise;
    await Promise.all([long, note(fetch(`${url}/health/live`))]);
    server.close();
    expect(answers).toEqual(["status", "input"]);
  });

  test("two hosts are refused where the request is fine but for them", async () => {
    const answer = await raw("GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 400 .*Expected one Host header/s);
  });

  test("after a body that breaks off the server answers others", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write("POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: audio/midi\r\nContent-Length: 1000\r\n\r\nMThd");
    await once(socket, "ready");
    socket.destroy();
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
  });
});

describe("limits", () => {
  const small = createApp({ ...deps, limits: { ...DEFAULT_LIMITS, bodyBytes: 100, frames: 3 } });
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64)) });

  test("a stream is read to the limit and no further, whatever its Content-Length claims", async () => {
    for (const headers of [{}, { "Content-Length": "5" }, { "Content-Length": "x" }]) {
      const init = { method: "POST", body: endless(), headers, duplex: "half" } as RequestInit;
      const response = await small.request("/score", init);
      expect([response.status, (await response.json()).code]).toEqual([413, "too-large"]);
    }
  });

  test("a body that announces too much is refused unread", async () => {
    let pulled = false;
    const pull = () => {
      pulled = true;
    };
    const body = new ReadableStream({ pull }, { highWaterMark: 0 });
    const init = { method: "POST", body, headers: { "Content-Length": "101" }, duplex: "half" } as RequestInit;
    const response = await small.request("/score", init);
    expect([response.status, (await response.json()).detail, pulled]).toEqual([
      413,
      "Expected a body of at most 100 bytes, got 101.",
      false,
    ]);
  });

  test("a compressed body is decoded to the limit and no further", async () => {
    const bomb = gzipSync(new Uint8Array(2 ** 26));
    const headers = { "Content-Encoding": "gzip", "Content-Type": "audio/midi" };
    const wide = createApp({ ...deps, limits: { ...DEFAULT_LIMITS, bodyBytes: 2 ** 20 } });
    const before = process.memoryUsage().arrayBuffers;
    const response = await wide.request("/score", { method: "POST", body: bomb, headers });
    expect([response.status, (await response.json()).detail]).toEqual([
      413,
      "Expected a body of at most 1048576 bytes, got more.",
    ]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 25);
  });

  test("an answer that would have too many numbers is refused, and given with less detail", async () => {
    const few = createApp({ ...deps, limits: { ...DEFAULT_LIMITS, numbers: 100 } });
    const pianoRoll = randomPiece(1, 60);
    const asked = async (path: string, body: object) => (await few.request(path, postJson(body))).status;
    expect(await asked("/score", { pianoRoll, models: "jsb/gru", detail: "notes" })).toBe(413);
    expect(await asked("/score", { pianoRoll, models: "jsb/*", detail: "frames" })).toBe(413);
    expect(await asked("/score", { pianoRoll, models: "jsb/gru", detail: "frames" })).toBe(200);
    expect(await asked("/score", { pianoRoll, models: "jsb/*" })).toBe(200);
    const samples = Array.from(randomRecording(1, 100));
    const spoken = { samples, sampleRate: 8000, models: "speech-short/gru" };
    expect(await asked("/predict", { ...spoken, steps: 100 })).toBe(413);
    const { predictions } = await (await few.request("/predict", postJson(spoken))).json();
    const { models: _, ...rest } = spoken;
    expect(await asked("/predict", { ...rest, state: predictions[0].state, steps: 100 })).toBe(413);
    expect(await asked("/predict", { ...rest, state: predictions[0].state, steps: 10 })).toBe(200);
  });

  test("frames are counted before any of them is looked at", async () => {
    const response = await small.request("/score", postJson({ pianoRoll: [[], [], [], "no frame"] }));
    expect([response.status, (await response.json()).detail]).toEqual([413, "Expected at most 3 frames, got 4."]);
  });

  test("frames are counted for rolls and files", async () => {
    expect((await small.request("/score", postJson({ pianoRoll: [[], [], []] }))).status).toBe(200);
    expect((await small.request("/score", postJson({ pianoRoll: [[], [], [], []] }))).status).toBe(413);
    const body = writeMidi(pianoRoll([[60], [60]]), { framesPerQuarter: 1 });
    expect((await small.request("/score?models=jsb/*", { method: "POST", body })).status).toBe(200);
    expect((await small.request("/score?framesPerQuarter=2", { method: "POST", body })).status).toBe(413);
  });
});

test("a page of an origin that the server names may ask, and read what it needs of the answer", async () => {
  const origin = "https://example.org";
  const open = createApp({ ...deps, origins: [origin] });
  const headers = {
    Origin: origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
  };
  const preflight = await open.request("/v1/score", { method: "OPTIONS", headers });
  expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, origin]);
  expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
  expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type");
  const failed = await open.request("/v1/score", { method: "POST", headers: { Origin: origin } });
  expect([failed.status, failed.headers.get("access-control-allow-origin")]).toEqual([400, origin]);
  expect(failed.headers.get("access-control-expose-headers")).toContain("X-Request-Id");
});

test("a server without models of audio says so, whatever the audio", async () => {
  const deaf = createApp({ ...deps, models: testModels });
  const bodies = [
    { method: "POST", body: "RIFF\0\0\0\0WAVEfmt ", headers: { "Content-Type": "audio/wav" } },
    { method: "POST", body: "fLaC", headers: { "Content-Type": "application/octet-stream" } },
    postJson({ samples: [0], sampleRate: 8000 }),
  ];
  for (const body of bodies) {
    const response = await deaf.request("/score", body);
    expect([response.status, (await response.json()).detail]).toEqual([
      415,
      "Expected music, which this server has models of, got audio.",
    ]);
  }
});

test("a server that is busy says when to ask again", async () => {
  const busy = () => Promise.reject(new SurprisalError("busy", "Expected fewer requests, got more."));
  const response = await createApp({ ...deps, offload: () => busy }).request("/score", postJson({ pianoRoll: [[60]] }));
  expect([response.status, (await response.json()).code]).toEqual([503, "busy"]);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
});

describe("the models of the moment", () => {
  test("without any, nothing is scored and the server is not ready, with the reason", async () => {
    const empty = createApp({ ...deps, models: () => [], lastError: () => "The bucket is gone." });
    for (const [path, init] of [
      ["/score", postJson({ pianoRoll: [[60], [62]] })],
      ["/predict", postJson({ pianoRoll: [[60], [62]] })],
      ["/health/ready", {}],
    ] as const) {
      const response = await empty.request(path, init);
      expect([response.status, (await response.json()).code]).toEqual([503, "no-models"]);
      expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    }
    expect((await (await empty.request("/health/ready")).json()).detail).toContain("The bucket is gone.");
    expect((await empty.request("/health/live")).status).toBe(200);
    expect(await (await empty.request("/models")).json()).toEqual({ models: [] });
  });

  test("a swap takes effect at the next request, and makes old states stale", async () => {
    let current = models;
    const swapping = createApp({ ...deps, models: () => current });
    const ask = async (body: object) => {
      const response = await swapping.request("/predict", postJson({ pianoRoll: [[60]], ...body }));
      return [response.status, await response.json()];
    };
    const [, { predictions }] = await ask({ models: "jsb/gru" });
    const { state, version } = predictions[0];
    expect((await ask({ state }))[0]).toBe(200);
    current = [randomModel({ set: "jsb", cell: "gru", seed: 50 })];
    expect(await ask({ state })).toMatchObject([
      409,
      { code: "stale-state", detail: expect.stringContaining(version) },
    ]);
    expect((await ask({ models: "jsb/gru" }))[1].predictions[0].version).not.toBe(version);
  });
});

test("a larger version of a model answers beside the paper's, under its own id", async () => {
  const both = createApp({
    ...deps,
    models: () => [models[1], randomModel({ set: "jsb", cell: "lstm", preset: "large", units: 12 })],
  });
  const ids = async (patterns: string) => {
    const response = await both.request("/predict", postJson({ pianoRoll: [[60]], models: patterns }));
    return (await response.json()).predictions.map(({ model }: { model: string }) => model);
  };
  expect(await ids("*/lstm")).toEqual(["jsb/lstm"]);
  expect(await ids("jsb/*")).toEqual(["jsb/lstm", "jsb/lstm-large"]);
  const listed = await (await both.request("/models/jsb/lstm-large")).json();
  expect(listed).toMatchObject({ id: "jsb/lstm-large", set: "jsb", cell: "lstm", preset: "large", units: 12 });
  expect((await (await both.request("/models/jsb/lstm")).json()).preset).toBe("paper");
});

test("an error that nobody foresaw is logged and answered bare", async () => {
  const broken = createApp({
    ...deps,
    models: () => {
      throw new Error("secret");
    },
  });
  logged.length = 0;
  const response = await broken.request("/models");
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ code: "internal-error", title: "Internal Server Error" });
  expect(text).not.toContain("secret");
  expect(logged).toMatchObject([{ message: "secret" }]);
});

test("no mutation of a request is answered with a 5xx, and every answer is finite or a problem", async () => {
  const random = new Random(11);
  const piece = randomPiece(2, 12);
  const midi = writeMidi(pianoRoll(piece), { framesPerQuarter: 1 });
  const { predictions } = await (await app.request("/predict", postJson({ pianoRoll: piece }))).json();
  const boundary = "----x";
  const multipart = (field: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="models"\r\n\r\n${field}\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mid"\r\n\r\n${Buffer.from(midi).toString("latin1")}\r\n--${boundary}--\r\n`;
  const samples = Array.from(randomRecording(1, 60));
  const spoken = await (await app.request("/predict", postJson({ samples, sampleRate: 8000 }))).json();
  const bodies: [string, Buffer][] = [
    ["audio/wav", Buffer.from(writeWav({ samples: randomRecording(2, 200), sampleRate: 11_025 }))],
    [
      "application/json",
      Buffer.from(JSON.stringify({ samples, sampleRate: 8000, state: spoken.predictions[0].state })),
    ],
    ["audio/midi", Buffer.from(midi)],
    ["application/json", Buffer.from(JSON.stringify({ pianoRoll: piece, models: ["jsb/gru"], transpose: "auto" }))],
    ["application/json", Buffer.from(JSON.stringify({ pianoRoll: piece, state: predictions[0].state, steps: 3 }))],
    [`multipart/form-data; boundary=${boundary}`, Buffer.from(multipart("*/gru"), "latin1")],
  ];
  const queries = [
    "",
    "?detail=notes",
    "?steps=2&seed=1",
    "?transpose=auto&channels=1",
    "?framesPerQuarter=0.5",
    "?models=%00",
  ];
  const statuses = new Map<number, number>();
  logged.length = 0;
  for (let i = 0; i < 3000; i++) {
    const [type, original] = random.pick(bodies);
    const body = Buffer.from(original);
    for (let n = random.integer(0, 3); n > 0; n--) body[random.integer(0, body.length - 1)] = random.integer(0, 255);
    const cut = random.uniform() < 0.1 ? body.subarray(0, random.integer(0, body.length)) : body;
    const mutatedType =
      random.uniform() < 0.9
        ? type
        : random.pick(["", "audio/wav", "text/html", "multipart/form-data", "application/json; x"]);
    const path = `${random.pick(["/score", "/v1/predict"])}${random.pick(queries)}`;
    const accept = random.pick(["*/*", "audio/midi", "audio/wav", "audio/*;q=0", ";;,", "application/json"]);
    const response = await app.request(path, {
      method: "POST",
      body: cut,
      headers: { "Content-Type": mutatedType, Accept: accept },
    });
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const answer = await response.text();
    expect(response.status, `${path} ${mutatedType} ${cut.toString("latin1")} ${answer}`).toBeLessThan(500);
    if (response.ok && path.startsWith("/score")) {
      for (const { nll } of JSON.parse(answer).scores) expect(Number.isFinite(nll)).toBe(true);
    } else if (!response.ok) {
      expect(JSON.parse(answer).status).toBe(response.status);
    }
  }
  expect(logged).toEqual([]);
  expect(statuses.get(200)).toBeGreaterThan(250); // mutations must not all stop at the door
  expect(statuses.get(400)).toBeGreaterThan(300);
});

test("a server at which as many requests wait as may is not ready, though it is live", async () => {
  const full = createApp({ ...deps, isFull: () => true });
  const ready = await full.request("/health/ready");
  expect([ready.status, ready.headers.get("Retry-After"), (await ready.json()).code]).toEqual([503, "5", "saturated"]);
  expect((await full.request("/health/live")).status).toBe(200);
});
