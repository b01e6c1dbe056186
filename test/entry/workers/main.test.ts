import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { writeCheckpoint } from "../../../src/model/checkpoint.ts";
import { publish } from "../../../src/store/publish.ts";
import { r2Bucket } from "../../../src/store/r2.ts";
import type { CatalogueEntry, CheckpointStore } from "../../../src/store/store.ts";
import { apiContract } from "../../contracts/api.ts";
import { audioContract } from "../../contracts/audio.ts";
import { batchContract } from "../../contracts/batch.ts";
import { protocolContract } from "../../contracts/protocol.ts";
import { entryFor } from "../../contracts/store.ts";
import { randomModel, randomRecording, testModels, testSpeechModels } from "../../support/models.ts";
import { kernelModule } from "../../support/wasm.ts";
import { startWorkerd, type Workerd } from "../../support/workerd.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PACKAGE = "dist/worker";
const MAX_BUNDLE_BYTES = 300_000; // gzip, models apart

type TestModel = Pick<ReturnType<typeof testModels>[number], "id" | "set" | "checkpoint">;

function storeOf(models: readonly TestModel[]): CheckpointStore {
  const files = new Map<string, Uint8Array>();
  const entries = models.map(({ id, set, checkpoint }): CatalogueEntry => {
    const bytes = writeCheckpoint(checkpoint);
    const { cell, units } = checkpoint.config;
    const entry = entryFor(bytes, { id, set, cell, units });
    files.set(entry.version, bytes);
    return entry;
  });
  return {
    catalogue: async () => ({ catalogue: { models: entries }, etag: "1" }),
    read: async ({ version }) => files.get(version) ?? new Uint8Array(),
  };
}

/** The package as it is deployed, with a bucket of its own. */
let workerd: Workerd;
beforeAll(async () => {
  await promisify(execFile)("npm", ["run", "-s", "package:worker"], { cwd: root });
  workerd = await startWorkerd({
    configPath: "wrangler.jsonc",
    prebuiltWorkerDir: PACKAGE,
    vars: { SURPRISAL_PREFIX: "test/", SURPRISAL_POLL_SECONDS: "1" },
  });
});
afterAll(() => workerd?.close());

const request = (path: string, init?: RequestInit) => fetch(new URL(path, workerd.url), init);
const chord = {
  method: "POST",
  body: JSON.stringify({ pianoRoll: [[60], [62]] }),
  headers: { "Content-Type": "application/json" },
};
const bucket = () => r2Bucket(workerd.binding, "test/");
const testOffer = () => publish(storeOf([...testModels(), ...testSpeechModels()]), bucket(), kernelModule);
/** The answer as soon as it is as wanted: polls are a second apart. */
const eventually = (wanted: object, path: string) =>
  vi.waitFor(async () => expect(await (await request(path)).json()).toMatchObject(wanted), {
    timeout: 10_000,
    interval: 250,
  });

test("the bundle has less than 300 kB when it is sent", async () => {
  const script = await readFile(`${root}${PACKAGE}/main.js`);
  const kernel = await readFile(`${root}dist/kernel.wasm`);
  const sizes = [script, kernel].map((bytes) => gzipSync(bytes).length);
  expect(script.length).toBeGreaterThan(100_000);
  expect(sizes[0] + sizes[1]).toBeLessThan(MAX_BUNDLE_BYTES);
});

describe("without models", () => {
  const noModels = (reason: string) => ({ status: 503, code: "no-models", detail: expect.stringContaining(reason) });

  test("a request is told that there is no catalogue, and the isolate is live", async () => {
    const ready = await request("/health/ready");
    expect([ready.status, await ready.json()]).toEqual([503, expect.objectContaining(noModels("is not there"))]);
    const score = await request("/v1/score", chord);
    expect([score.status, (await score.json()).code]).toEqual([503, "no-models"]);
    expect((await request("/health/live")).status).toBe(200);
  });

  test("a request is told what is wrong with a catalogue", async () => {
    await bucket().put("catalogue.json", new TextEncoder().encode("{"), "any");
    await eventually(noModels("catalogue.json is not JSON"), "/health/ready");
  });

  test("those that are published are served soon", async () => {
    await workerd.binding.delete("test/catalogue.json");
    await testOffer();
    await eventually({ status: "ready", lastError: null }, "/health/ready");
  });
});

describe("the API on Workers", () => {
  beforeAll(async () => {
    await eventually({ status: "ready", lastError: null }, "/health/ready");
  });
  apiContract(request);
  audioContract(request);
  protocolContract(request);
  batchContract(request);

  test.each([
    ["audio/flac", "fLaC"],
    ["audio/mpeg", "ID3"],
  ])("%s is refused with the reason", async (type, start) => {
    const body = new Uint8Array(1000);
    body.set(new TextEncoder().encode(start));
    const response = await request("/v1/score", { method: "POST", body, headers: { "Content-Type": type } });
    expect([response.status, (await response.json()).detail]).toEqual([415, expect.stringContaining("WAV")]);
  });

  test("a body beyond the limit is answered, not cut off", async () => {
    const body = new Uint8Array(6 * 2 ** 20 + 1);
    const response = await request("/v1/score", { method: "POST", body, headers: { "Content-Type": "audio/wav" } });
    expect([response.status, (await response.json()).detail]).toEqual([413, expect.stringContaining("6291456")]);
  });

  test("a recording of a minute is scored, its samples sent as a list", async () => {
    const samples = Array.from(randomRecording(1, 8000 * 30), (sample) => Number(sample.toFixed(4)));
    const body = JSON.stringify({ samples, sampleRate: 4000, models: "*/gru" });
    const response = await request("/v1/score", { ...chord, body });
    expect([response.status, (await response.json()).input.durationSeconds]).toEqual([200, 60]);
  });

  test("the page is at the top, with all that it names", async () => {
    const page = await request("/");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
    const named = [...(await page.text()).matchAll(/(?:src|href)="([\w./]+)"/g)].map(([, path]) => path);
    expect(named).toEqual(expect.arrayContaining(["page.css", "page.js", "v1/openapi.yaml", "v1/models"]));
    const policy = page.headers.get("content-security-policy");
    expect(policy).toBe((await request("/v1/models")).headers.get("content-security-policy"));
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    for (const path of named) expect([path, (await request(`/${path}`)).status]).toEqual([path, 200]);
    const worker = await request("/local/worker.js");
    expect(worker.headers.get("content-security-policy")).toContain("script-src 'self' 'wasm-unsafe-eval';");
  });
});

describe("while it runs", () => {
  const versionOf = async (id: string) => (await (await request(`/v1/models/${id}`)).json()).version;

  test("a release that is published is served a poll later, and its predecessor's states are stale", async () => {
    const before = await versionOf("jsb/gru");
    const { predictions } = await (await request("/v1/predict?models=jsb/gru", chord)).json();
    const next = [...testModels().slice(0, 2), randomModel({ set: "jsb", cell: "gru", seed: 50 })];
    await publish(storeOf(next), bucket(), kernelModule);
    await vi.waitFor(async () => expect(await versionOf("jsb/gru")).not.toBe(before), { timeout: 10_000 });
    const body = JSON.stringify({ pianoRoll: [[60]], state: [predictions[0].state] });
    expect((await request("/v1/predict", { ...chord, body })).status).toBe(409);
  });

  test("what is served stays when the catalogue breaks, and readiness says why", async () => {
    const before = await versionOf("jsb/gru");
    await bucket().put("catalogue.json", new TextEncoder().encode("{"), "any");
    await eventually({ status: "ready", lastError: expect.stringContaining("not JSON") }, "/health/ready");
    expect(await versionOf("jsb/gru")).toBe(before);
    expect((await request("/v1/score", chord)).status).toBe(200);
  });
});
