import { afterEach, expect, test, vi } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { logFields, logRequest } from "../../src/http/log.ts";
import type { AccessRecord } from "../../src/http/record.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { randomRecording, testModels, testSpeechModels } from "../support/models.ts";

const records: AccessRecord[] = [];
const models = [...testModels(), ...testSpeechModels()];
const app = createApp({
  models: () => models,
  limits: DEFAULT_LIMITS,
  version: "1",
  log: () => {},
  answered: (record) => records.push(record),
});

/** The line of a request. */
async function lineOf(path: string, init?: RequestInit) {
  records.length = 0;
  const response = await app.request(path, init);
  await response.text();
  expect(records).toHaveLength(1);
  return logFields(records[0]);
}

const post = (body: object): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

afterEach(() => vi.restoreAllMocks());

test("a line says what was asked of which models and what it took", async () => {
  const body = { pianoRoll: [[60], [62], [64]], models: ["jsb/gru", "jsb/lstm"] };
  expect(
    await lineOf("/v1/score", { ...post(body), headers: { ...post(body).headers, "X-Request-Id": "r-1" } }),
  ).toEqual({
    id: "r-1",
    method: "POST",
    route: "/score",
    status: 200,
    ms: expect.any(Number),
    kind: "music",
    models: ["jsb/lstm", "jsb/gru"],
    frames: 6,
    bytes: JSON.stringify(body).length,
    work: expect.any(Number),
  });
  const samples = Array.from(randomRecording(1, 100));
  const spoken = post({ samples, sampleRate: 8000, models: "speech-short/gru", steps: 2 });
  const [network] = testSpeechModels();
  expect(await lineOf("/predict", spoken)).toMatchObject({
    kind: "audio",
    frames: Math.ceil(100 / network.shape.block),
    models: ["speech-short/gru"],
  });
});

test.each([
  ["/score", post({ pianoRoll: [] }), "/score", 422, "nothing-to-score"],
  ["/v1/predict", post({}), "/predict", 400, "malformed-request"],
  ["/models/jsb/none", {}, "/models/:set/:cell", 404, "unknown-model"],
  ["/nowhere/else", {}, "none", 404, "not-found"],
  ["/score", {}, "none", 405, "method-not-allowed"],
])("%s is logged under its route, with the code of its problem", async (path, init, route, status, code) => {
  expect(await lineOf(path, init)).toMatchObject({ route, status, code });
});

test("no line holds what a client sent but its request's id", async () => {
  const secret = "s3cret";
  const form = new FormData();
  form.append("file", new File([secret], `${secret}.mid`));
  form.append("id", secret);
  const inits: [string, RequestInit][] = [
    ["/score", { method: "POST", body: form }],
    [`/score?models=${secret}&id=${secret}`, post({ pianoRoll: [[60], [62]], id: secret })],
    [`/${secret}`, { headers: { Authorization: `Bearer ${secret}`, "User-Agent": secret, Referer: secret } }],
    [`/models/jsb/${secret}`, {}],
  ];
  for (const [path, init] of inits) expect(JSON.stringify(await lineOf(path, init))).not.toContain(secret);
});

test("on Lambda and Workers the same fields are a line of JSON", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const fields = await lineOf("/health/live");
  logRequest(records[0]);
  const line = JSON.parse(log.mock.calls[0][0]);
  expect(line).toEqual({ level: "info", time: expect.any(String), ...fields, msg: "request" });
});
