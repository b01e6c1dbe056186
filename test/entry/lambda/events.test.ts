import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { scoreEvent } from "../../../src/entry/lambda/events.ts";
import type { Scorer } from "../../../src/entry/lambda/score-object.ts";
import { writeMidi } from "../../../src/formats/midi.ts";
import { pianoRoll } from "../../../src/formats/piano-roll.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { StoreFailure } from "../../../src/store/bucket.ts";
import { folderBucket } from "../../../src/store/files.ts";
import { randomPiece, testModels } from "../../support/models.ts";

const midi = writeMidi(pianoRoll(randomPiece(1, 24)), { framesPerQuarter: 1 });
const notification = (...keys: string[]) => ({
  Records: keys.map((key) => ({
    eventSource: "aws:s3",
    eventName: "ObjectCreated:Put",
    s3: { bucket: { name: "x" }, object: { key, size: midi.length, eTag: "0", sequencer: "0" } },
  })),
});

let folder = "";
let scorer: Scorer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  const bucket = folderBucket(folder);
  for (const key of ["inbox/1.mid", "inbox/100% ü + b.mid"]) await bucket.put(key, midi, "any");
  scorer = { bucket, models: testModels(), reader: { limits: DEFAULT_LIMITS } };
});
afterEach(() => rm(folder, { recursive: true }));

test("keys of a notification are decoded", async () => {
  const event = notification("inbox/100%25+%C3%BC+%2B+b.mid");
  expect(await scoreEvent(event, scorer)).toEqual({ scored: 1 });
  expect(await readdir(join(folder, "results"))).toEqual(["100% ü + b.mid.json"]);
});

test("keys of a batch are taken as they are", async () => {
  const Items = ["inbox/", "inbox/1.mid", "inbox/100% ü + b.mid"].map((Key) => ({ Key, Size: 1, Etag: '"0"' }));
  expect(await scoreEvent({ Items }, scorer)).toEqual({ ignored: 1, scored: 2 });
  expect(await scoreEvent({ Items }, scorer)).toEqual({ ignored: 1, kept: 2 });
});

test("the notification of a result is passed over", async () => {
  await scoreEvent(notification("inbox/1.mid"), scorer);
  expect(await scoreEvent(notification("results/1.mid.json"), scorer)).toEqual({ ignored: 1 });
  expect(await readdir(join(folder, "results"))).toEqual(["1.mid.json"]);
});

test("one that fails does not stop the others, and its error reaches the platform", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const { bucket } = scorer;
  const failing: typeof bucket = {
    ...bucket,
    get: (key, ...rest) =>
      key === "inbox/1.mid" ? Promise.reject(new StoreFailure("No answer.")) : bucket.get(key, ...rest),
  };
  const event = { Items: [{ Key: "inbox/1.mid" }, { Key: "inbox/100% ü + b.mid" }] };
  await expect(scoreEvent(event, { ...scorer, bucket: failing })).rejects.toThrow("1 of 2 objects");
  expect(await readdir(join(folder, "results"))).toEqual(["100% ü + b.mid.json"]);
  expect(log).toHaveBeenCalledWith("inbox/1.mid was not scored:", expect.any(StoreFailure));
  log.mockRestore();
});

test.each([{}, { Records: [{}] }, { Items: [1] }, null])("what is no such event is refused: %j", async (event) => {
  await expect(scoreEvent(event, scorer)).rejects.toThrow();
});
