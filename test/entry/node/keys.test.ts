import { createHash } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readKeys, requireKey } from "../../../src/entry/node/keys.ts";
import { createApp } from "../../../src/http/app.ts";
import type { AccessRecord } from "../../../src/http/record.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { testModels } from "../../support/models.ts";

const folder = await mkdtemp(join(tmpdir(), "keys-"));
const models = testModels();
const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");

async function fileOf(text: string): Promise<string> {
  const path = join(folder, sha256(text).slice(0, 10));
  await writeFile(path, text);
  return path;
}

/** Status, challenge and client of requests with an Authorization each. */
async function asked(keys: Awaited<ReturnType<typeof readKeys>>) {
  const records: AccessRecord[] = [];
  const app = createApp({
    models: () => models,
    limits: DEFAULT_LIMITS,
    guards: [requireKey(() => keys)],
    answered: (record) => records.push(record),
    version: "1",
    log: console.error,
  });
  return async (authorization?: string, path = "/v1/score") => {
    const headers = { "Content-Type": "application/json", ...(authorization && { Authorization: authorization }) };
    const init = { method: "POST", headers, body: '{"pianoRoll":[[60],[62]]}' };
    const response = await app.request(path, path.includes("score") || path.includes("predict") ? init : {});
    return [response.status, response.headers.get("www-authenticate"), records.at(-1)?.client, await response.text()];
  };
}

test("a request needs a key that the file has the hash of, and the log learns whose it is", async () => {
  const ask = await asked(await readKeys(await fileOf(`# ours\n\n${sha256("k1")}  alice\n${sha256("k2")} *bob\r\n`)));
  for (const path of ["/score", "/v1/score", "/predict", "/v1/predict"]) {
    expect((await ask("Bearer k1", path)).slice(0, 3)).toEqual([200, null, "alice"]);
    expect((await ask(undefined, path)).slice(0, 3)).toEqual([401, "Bearer", undefined]);
  }
  expect((await ask("bearer k2")).slice(0, 3)).toEqual([200, null, "bob"]);
});

test.each([
  "Bearer k3",
  "Bearer",
  "Bearer ",
  "Basic azE6",
  "k1",
  "Bearer k1 k1",
  `Bearer ${sha256("k1")}`,
  "Bearer K1",
])("%j is refused, and not repeated", async (authorization) => {
  const ask = await asked(await readKeys(await fileOf(`${sha256("k1")} alice`)));
  const [status, challenge, client, body] = await ask(authorization);
  expect([status, challenge, client]).toEqual([401, "Bearer", undefined]);
  expect(JSON.parse(String(body)).code).toBe("unauthorized");
  expect(body).not.toMatch(/k3|azE6|K1/);
});

test("what costs nothing needs no key", async () => {
  const ask = await asked(await readKeys(await fileOf(`${sha256("k1")} alice`)));
  for (const path of ["/health/live", "/models", "/openapi.json"]) expect((await ask(undefined, path))[0]).toBe(200);
});

test.each([
  ["a key itself", "s3cret alice", "something else in line 1"],
  ["a hash without a name", sha256("k"), "something else in line 1"],
  ["no line", "# none\n", "none"],
])("a file with %s is refused, and not quoted", async (_, text, got) => {
  const refusal = readKeys(await fileOf(text));
  await expect(refusal).rejects.toMatchObject({ code: "malformed-request", message: expect.stringContaining(got) });
  await expect(refusal).rejects.not.toThrow(/s3cret/);
});

test("a file that is not there is named by its variable", async () => {
  await expect(readKeys(join(folder, "none"))).rejects.toThrow("SURPRISAL_KEYS_FILE to be readable, got ENOENT");
});
