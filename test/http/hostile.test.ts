import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/formats/decoders.ts";
import { createApp } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { randomPiece, testModels, testSpeechModels } from "../support/models.ts";

const models = [...testModels(), ...testSpeechModels()];
const logged: unknown[] = [];
const app = createApp({
  models: () => models,
  limits: { ...DEFAULT_LIMITS, seconds: 20 },
  decode,
  version: "1",
  log: (error) => logged.push(error),
});

const folder = new URL("../fixtures/audio/hostile/", import.meta.url);

/** What engines and decoders write, and no sentence of ours. */
const ENGINE_TEXT =
  /(Type|Range|Syntax|Reference)Error|undefined|is not a function|Cannot read|Invalid (typed )?array|\bat \w+ \(/;

/** A Vorbis or Opus file cut and changed at every thirtieth byte. */
const mutations = ["tones.opus", "tones.oga", "tones.flac", "tones.mp3"].flatMap((name) => {
  const bytes = readFileSync(new URL(`../${name}`, folder));
  return Array.from({ length: 30 }, (_, k) => {
    const at = Math.floor((k * bytes.length) / 30);
    return [name, k % 2 ? bytes.subarray(0, at) : bytes.with(at, bytes[at] ^ 0xff)] as const;
  });
});
const files = readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))] as const);

test("damaged and hostile audio is answered by a sentence of ours or scored, never by a failure", async () => {
  expect(files.length).toBeGreaterThan(3);
  for (const [name, body] of [...files, ...mutations]) {
    const init = { method: "POST", body: new Uint8Array(body) };
    const response = await app.request("/score?models=speech-short/gru", init);
    const text = await response.text();
    expect(response.status, `${name}: ${text}`).toBeLessThan(500);
    if (!response.ok) expect(JSON.parse(text).detail).not.toMatch(ENGINE_TEXT);
  }
  expect(logged).toEqual([]);
});

test.each(["1e-310", "5e-324", "0", "-1", "1e308", "0.00999"])("temperature=%s is refused", async (temperature) => {
  const body = `{"pianoRoll": [[60],[62]], "steps": 3, "temperature": ${temperature}}`;
  const init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
  const response = await app.request("/predict", init);
  expect([response.status, (await response.json()).detail]).toEqual([
    400,
    expect.stringMatching(/^Expected temperature to be a number from 0\.01 to 10, got /),
  ]);
});

test.each([0.01, 10])("temperature=%d is sampled by", async (temperature) => {
  for (const [content, path] of [
    [{ pianoRoll: randomPiece(1, 20) }, "/predict?models=*/*&steps=20"],
    [{ samples: Array.from({ length: 200 }, (_, t) => Math.sin(t)), sampleRate: 8000 }, "/predict?steps=20"],
  ] as const) {
    const body = JSON.stringify({ ...content, temperature });
    const init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
    expect((await app.request(path, init)).status).toBe(200);
  }
});

describe("names that JavaScript objects have of their own", () => {
  const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];
  const refused = async (path: string, init: RequestInit) => {
    const response = await app.request(path, init);
    expect([response.status, (await response.json()).code]).toEqual([400, "malformed-request"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  };

  test.each(names)("%s is no option, in JSON, a form or the query", async (name) => {
    const headers = { "Content-Type": "application/json" };
    const body = `{"pianoRoll": [[60],[62]], "${name}": {"polluted": true, "models": "jsb/gru"}}`;
    await refused("/score", { method: "POST", headers, body });
    const form = new FormData();
    form.append("file", new File(["MThd"], "a.mid"));
    form.append(name, "polluted");
    await refused("/score", { method: "POST", body: form });
    await refused(`/score?${name}=polluted`, { method: "POST", headers, body: '{"pianoRoll": [[60],[62]]}' });
  });

  test.each(names)("%s is no model", async (name) => {
    expect((await app.request(`/models/${name}/${name}`)).status).toBe(404);
    expect((await app.request(`/models/jsb/${name}`)).status).toBe(404);
  });
});
