import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ModelSource, openModelSource } from "../../../src/entry/lambda/packaged.ts";
import { addToFolder } from "../../../src/store/files.ts";
import { randomCheckpoint } from "../../support/models.ts";

const log = vi.spyOn(console, "error").mockImplementation(() => {});
let folder = "";
const [packaged, bucket] = ["packaged", "bucket"].map((name) => () => join(folder, name));
beforeEach(async () => {
  log.mockClear();
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  await addToFolder(packaged(), randomCheckpoint({ set: "jsb", cell: "gru", seed: 1 }));
});
afterEach(() => rm(folder, { recursive: true }));

const idsOf = async (source: ModelSource) => (await source.models()).map(({ id }) => id);

test("without a setting the models of the package are served", async () => {
  const source = await openModelSource("", { packaged: packaged() });
  expect([await idsOf(source), source.lastError()]).toEqual([["jsb/gru"], undefined]);
});

test("the start reads a catalogue, and a request the models that it asks for", async () => {
  const { key } = await addToFolder(bucket(), randomCheckpoint({ set: "jsb", cell: "tanh" }));
  await addToFolder(bucket(), randomCheckpoint({ set: "nottingham", cell: "gru" }));
  await writeFile(join(bucket(), key), "torn");
  const source = await openModelSource(bucket(), { packaged: packaged() });
  expect((await source.offers()).map(({ id }) => id)).toEqual(["jsb/tanh", "nottingham/gru"]);
  const [one] = await source.models({ patterns: ["nottingham/gru"] });
  expect([one.id, source.lastError()]).toEqual(["nottingham/gru", undefined]); // nobody has read the other
  await expect(source.models({ patterns: ["jsb/tanh"] })).rejects.toMatchObject({ code: "no-models" });
  expect(source.lastError()).toMatch(/^jsb\/tanh: Expected \d+ bytes/);
});

test("a bucket is asked again when a minute has passed and not before", async () => {
  await addToFolder(bucket(), randomCheckpoint({ set: "jsb", cell: "tanh" }));
  let time = 0;
  const source = await openModelSource(bucket(), { packaged: packaged(), now: () => time });
  expect(await idsOf(source)).toEqual(["jsb/tanh"]);
  await addToFolder(bucket(), randomCheckpoint({ set: "nottingham", cell: "gru" }));
  time = 59_999;
  await source.refresh();
  expect(await idsOf(source)).toEqual(["jsb/tanh"]);
  time = 60_000;
  await Promise.all([source.refresh(), source.refresh()]);
  expect(await idsOf(source)).toEqual(["jsb/tanh", "nottingham/gru"]);
});

test("the package's models stand in until the bucket has some; the log says both, once", async () => {
  let time = 0;
  const source = await openModelSource(bucket(), { packaged: packaged(), now: () => time });
  expect([await idsOf(source), source.lastError()]).toEqual([["jsb/gru"], "The store: catalogue.json is not there."]);
  expect(source.isAuthoritative()).toBe(true);
  await source.refresh();
  await addToFolder(bucket(), randomCheckpoint({ set: "jsb", cell: "tanh" }));
  time = 60_000;
  await source.refresh();
  expect([await idsOf(source), source.lastError()]).toEqual([["jsb/tanh"], undefined]);
  expect(log.mock.calls).toEqual([
    ["Not loaded: the store: catalogue.json is not there."],
    ["All models are loaded again."],
  ]);
});

test("a bucket that breaks leaves what it had, with the reason", async () => {
  await addToFolder(bucket(), randomCheckpoint({ set: "jsb", cell: "tanh" }));
  let time = 0;
  const source = await openModelSource(bucket(), { packaged: packaged(), now: () => time });
  await writeFile(join(bucket(), "catalogue.json"), "{");
  time = 60_000;
  await source.refresh();
  expect([await idsOf(source), source.lastError()]).toEqual([["jsb/tanh"], "The store: catalogue.json is not JSON."]);
  expect(source.isAuthoritative()).toBe(true);
});

test("a bucket that is broken from the start is told of, and its models are not known", async () => {
  await addToFolder(bucket(), randomCheckpoint({ set: "jsb", cell: "tanh" }));
  await writeFile(join(bucket(), "catalogue.json"), "{");
  const source = await openModelSource(bucket(), { packaged: packaged() });
  expect([await idsOf(source), source.lastError()]).toEqual([["jsb/gru"], "The store: catalogue.json is not JSON."]);
  expect(source.isAuthoritative()).toBe(false);
});

test("files that the package has are not read from the bucket", async () => {
  await addToFolder(bucket(), randomCheckpoint({ set: "jsb", cell: "gru", seed: 1 }));
  await rm(join(bucket(), "jsb"), { recursive: true });
  const source = await openModelSource(bucket(), { packaged: packaged() });
  expect([await idsOf(source), source.lastError()]).toEqual([["jsb/gru"], undefined]);
});

test("a bucket of which a file cannot be read offers more than is known", async () => {
  const { key } = await addToFolder(bucket(), randomCheckpoint({ set: "jsb", cell: "lstm" }));
  await addToFolder(bucket(), randomCheckpoint({ set: "nottingham", cell: "gru" }));
  const bytes = await readFile(join(bucket(), key));
  await rm(join(bucket(), key));
  await symlink(join(bucket(), key), join(bucket(), key)); // to itself, which the system refuses to open
  let time = 0;
  const source = await openModelSource(bucket(), { packaged: packaged(), now: () => time });
  expect([await idsOf(source), source.isAuthoritative()]).toEqual([["nottingham/gru"], false]);
  await rm(join(bucket(), key));
  await writeFile(join(bucket(), key), bytes);
  time = 60_000;
  vi.spyOn(Date, "now").mockReturnValue(Date.now() + time);
  await source.refresh();
  expect([await idsOf(source), source.isAuthoritative()]).toEqual([["jsb/lstm", "nottingham/gru"], true]);
  vi.mocked(Date.now).mockRestore();
});

test("a bucket that does not answer delays the models of the package by seconds, and is told of", async () => {
  const silent = createServer(() => {});
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  vi.stubEnv("AWS_ENDPOINT_URL_S3", `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  const start = performance.now();
  const source = await openModelSource("s3://bucket/models", { packaged: packaged() });
  expect(performance.now() - start).toBeLessThan(14_000); // the client itself gives up after 15 s
  expect([await idsOf(source), source.lastError()]).toEqual([["jsb/gru"], "The store: it has not answered yet."]);
  expect(source.isAuthoritative()).toBe(false);
  vi.unstubAllEnvs();
  silent.closeAllConnections();
  silent.close();
});
