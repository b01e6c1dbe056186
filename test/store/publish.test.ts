import { expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { writeCheckpoint } from "../../src/model/checkpoint.ts";
import { type Bucket, bucketStore, StoreFailure } from "../../src/store/bucket.ts";
import { follow } from "../../src/store/follow.ts";
import { publish, releases, rollBack } from "../../src/store/publish.ts";
import { CATALOGUE_KEY, type CheckpointStore, writeCatalogue } from "../../src/store/store.ts";
import { entryFor } from "../contracts/store.ts";
import { randomCheckpoint } from "../support/models.ts";
import { offered, offeredBy, onEveryBucket, stored, storeOf, withInfinite } from "../support/releases.ts";
import { kernelModule } from "../support/wasm.ts";

const one = storeOf({ gru: 1, lstm: 1 });
const two = storeOf({ gru: 2, lstm: 1 });
const three = storeOf({ gru: 3, lstm: 1, tanh: 1 });

const encode = (text: string) => new TextEncoder().encode(text);

const put = (source: CheckpointStore, bucket: Bucket, options = {}) => publish(source, bucket, kernelModule, options);
const namesIn = async (bucket: Bucket) => (await releases(bucket)).map(({ name }) => name);

/** A bucket, and the keys that it was told to write since they were last asked for. */
function noted(bucket: Bucket) {
  const keys: string[] = [];
  const put: Bucket["put"] = (key, ...rest) => {
    keys.push(key);
    return bucket.put(key, ...rest);
  };
  return { bucket: { ...bucket, put }, written: () => keys.splice(0) };
}

onEveryBucket((fresh) => {
  test("what is published is there, with its checkpoints under the sha256 of their bytes", async () => {
    const bucket = await fresh();
    const { name, uploaded, previous } = await put(one, bucket, { now: new Date("2025-01-31T12:00:00.123Z") });
    const versions = Object.values(await offeredBy(one));
    expect(await offered(bucket)).toEqual(await offeredBy(one));
    expect(uploaded.toSorted()).toEqual(versions.map((version) => `objects/${version}.safetensors`).toSorted());
    expect([name, previous]).toEqual([expect.stringMatching(/^20250131T120000Z-[0-9a-f]{12}$/), undefined]);
    expect(await namesIn(bucket)).toEqual([name]);
  });

  test("the same models again are nothing to do", async () => {
    const { bucket, written } = noted(await fresh());
    const { name } = await put(one, bucket);
    written();
    expect(await put(one, bucket)).toEqual({ name: undefined, uploaded: [], previous: name });
    expect(written()).toEqual([]);
  });

  test("of a change the changed object alone is uploaded", async () => {
    const bucket = await fresh();
    const { name: first } = await put(one, bucket);
    const { uploaded, previous } = await put(two, bucket);
    const { "jsb/gru": version } = await offeredBy(two);
    expect([uploaded, previous]).toEqual([[`objects/${version}.safetensors`], first]);
    expect(await offered(bucket)).toEqual(await offeredBy(two));
  });

  test("releases are listed from the current one back to the first", async () => {
    const bucket = await fresh();
    expect(await releases(bucket)).toEqual([]);
    const names = [];
    for (const source of [one, two, three]) names.unshift((await put(source, bucket)).name);
    const listed = await releases(bucket);
    expect(listed.map(({ name }) => name)).toEqual(names);
    expect(listed.map(({ catalogue }) => catalogue.release?.previous)).toEqual([names[1], names[2], undefined]);
    expect(listed.map(({ catalogue }) => catalogue.models.length)).toEqual([3, 2, 2]);
  });

  test("rolling back publishes the models of the release before, and nothing is lost", async () => {
    const bucket = await fresh();
    const { name: first } = await put(one, bucket);
    const { name: second } = await put(two, bucket);
    const { name, target, previous } = await rollBack(bucket, undefined);
    expect([target.name, previous]).toEqual([first, second]);
    expect(await offered(bucket)).toEqual(await offeredBy(one));
    expect(await namesIn(bucket)).toEqual([name, second, first]);
    await rollBack(bucket, undefined);
    expect(await offered(bucket)).toEqual(await offeredBy(two));
  });

  test("rolling back by name takes the release that begins so", async () => {
    const { bucket, written } = noted(await fresh());
    const dated = (day: number) => ({ now: new Date(Date.UTC(2025, 0, day)) });
    await put(one, bucket, dated(10));
    await put(two, bucket, dated(20));
    await put(three, bucket, dated(21));
    expect((await rollBack(bucket, "20250110")).target.name).toMatch(/^20250110T000000Z-/);
    expect(await offered(bucket)).toEqual(await offeredBy(one));
    written();
    await expect(rollBack(bucket, "2025012")).rejects.toMatchObject({
      code: "malformed-request",
      message: expect.stringMatching(
        /^Expected 2025012 to begin the name of one release, got 20250121\S+, 20250120\S+\.$/,
      ),
    });
    await expect(rollBack(bucket, "2024")).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/^Expected an earlier release \(20250121.*\), got 2024\.$/),
    });
    expect(written()).toEqual([]);
  });

  test("without an earlier release there is nothing to roll back to", async () => {
    const bucket = await fresh();
    await expect(rollBack(bucket, undefined)).rejects.toMatchObject({ code: "not-found" });
    await put(one, bucket);
    await expect(rollBack(bucket, undefined)).rejects.toMatchObject({ code: "not-found" });
    await expect(rollBack(bucket, "2")).rejects.toThrow("Expected an earlier release (none), got 2.");
    expect(await offered(bucket)).toEqual(await offeredBy(one));
  });

  test("a dry run says the same and changes nothing", async () => {
    const { bucket, written } = noted(await fresh());
    const now = new Date();
    const dry = await put(one, bucket, { dryRun: true, now });
    expect(written()).toEqual([]);
    expect(await put(one, bucket, { now })).toEqual(dry);
    await put(two, bucket);
    written();
    const dryBack = await rollBack(bucket, undefined, { dryRun: true, now });
    expect(written()).toEqual([]);
    expect(await rollBack(bucket, undefined, { now })).toEqual(dryBack);
  });

  test("a damaged checkpoint uploads nothing", async () => {
    const { bucket, written } = noted(await fresh());
    await put(one, bucket);
    written();
    const whole = writeCheckpoint(randomCheckpoint({ set: "jsb", cell: "tanh" }));
    const torn = whole.subarray(0, -4);
    const changes = { id: "jsb/tanh", cell: "tanh" as const, units: 9 };
    for (const [bytes, entry] of [
      [torn, entryFor(torn, changes)],
      [whole, entryFor(whole, { ...changes, units: 10 })],
    ] as const) {
      const catalogue = async () => ({ catalogue: { models: [entry] }, etag: "1" });
      await expect(put({ catalogue, read: async () => bytes }, bucket)).rejects.toThrow(/^jsb\/tanh: /);
    }
    expect(written()).toEqual([]);
  });

  test("a model whose weights are finite and its scores are not uploads nothing", async () => {
    const { bucket, written } = noted(await fresh());
    await put(one, bucket);
    written();
    await expect(put(await withInfinite(one), bucket)).rejects.toMatchObject({
      code: "malformed-checkpoint",
      message: expect.stringMatching(/^speech-short\/gru: Expected finite numbers from speech-short\/gru, got /),
    });
    expect(written()).toEqual([]);
  });

  test("no models are no release", async () => {
    const bucket = await fresh();
    const empty = { ...one, catalogue: async () => ({ catalogue: { models: [] }, etag: "1" }) };
    await expect(put(empty, bucket)).rejects.toMatchObject({ code: "no-models" });
    expect(await releases(bucket)).toEqual([]);
  });

  test("an object that was damaged in the bucket is written again, in a release that is there already as well", async () => {
    const bucket = await fresh();
    const { name } = await put(one, bucket);
    const { "jsb/gru": version } = await offeredBy(one);
    const key = `objects/${version}.safetensors`;
    const { bytes } = await stored(bucket, key);
    await bucket.put(key, bytes.subarray(0, -1), "any");
    await expect(offered(bucket)).rejects.toThrow(key);
    expect(await put(one, bucket)).toEqual({ name: undefined, uploaded: [key], previous: name });
    expect(await offered(bucket)).toEqual(await offeredBy(one));
  });

  test("a release of which an object is damaged is not rolled back to", async () => {
    const { bucket, written } = noted(await fresh());
    await put(one, bucket);
    await put(two, bucket);
    const { "jsb/gru": version } = await offeredBy(one);
    await bucket.put(`objects/${version}.safetensors`, encode("x"), "any");
    written();
    await expect(rollBack(bucket, undefined)).rejects.toThrow(/Expected \d+ bytes in \S+, got 1\.$/);
    expect(written()).toEqual([]);
  });

  test("a catalogue that was put there by hand is kept, and can be rolled back to", async () => {
    const bucket = await fresh();
    const { catalogue } = await one.catalogue();
    for (const entry of catalogue.models) await bucket.put(entry.key, await one.read(entry), "any");
    await bucket.put(CATALOGUE_KEY, encode(writeCatalogue(catalogue)), "any");
    const { previous } = await put(two, bucket);
    expect(previous).toMatch(/^unpublished-[0-9a-f]{12}$/);
    expect((await namesIn(bucket))[1]).toBe(previous);
    await rollBack(bucket, undefined);
    expect(await offered(bucket)).toEqual(await offeredBy(one));
  });

  test("a malformed catalogue is not replaced", async () => {
    const { bucket, written } = noted(await fresh());
    await bucket.put(CATALOGUE_KEY, encode("{"), "any");
    await expect(put(one, bucket)).rejects.toMatchObject({ code: "malformed-catalogue" });
    expect(written()).toEqual([CATALOGUE_KEY]);
  });

  test("a publisher that is overtaken is told, and the other's release stands", async () => {
    const bucket = await fresh();
    const { name: first } = await put(one, bucket);
    let overtaken: string | undefined;
    const slow: Bucket = {
      ...bucket,
      async put(key, bytes, condition) {
        if (key === CATALOGUE_KEY) overtaken = (await put(two, bucket)).name;
        return bucket.put(key, bytes, condition);
      },
    };
    await expect(put(three, slow)).rejects.toMatchObject({ code: "release-conflict" });
    expect(await namesIn(bucket)).toEqual([overtaken, first]);
    expect(await offered(bucket)).toEqual(await offeredBy(two));
  });

  test("a publisher whose last write is sent twice, since the answer was lost, is not told that it lost", async () => {
    const bucket = await fresh();
    await put(one, bucket);
    const stuttering: Bucket = {
      ...bucket,
      async put(key, bytes, condition) {
        if (key === CATALOGUE_KEY) await bucket.put(key, bytes, condition);
        return bucket.put(key, bytes, condition);
      },
    };
    const { name } = await put(two, stuttering);
    expect((await namesIn(bucket))[0]).toBe(name);
  });

  test("a publisher that dies before its last write changes nothing for readers, and the next one succeeds", async () => {
    const bucket = await fresh();
    const { name: first } = await put(one, bucket);
    const dying: Bucket = {
      ...bucket,
      put: (key, ...rest) => (key === CATALOGUE_KEY ? Promise.reject(new Error("killed")) : bucket.put(key, ...rest)),
    };
    await expect(put(two, dying)).rejects.toThrow("killed");
    expect([await namesIn(bucket), await offered(bucket)]).toEqual([[first], await offeredBy(one)]);
    const { uploaded } = await put(two, bucket);
    expect([uploaded, await offered(bucket)]).toEqual([[], await offeredBy(two)]);
  });

  // Two objects, the release, the catalogue.
  test.each([0, 1, 2, 3])(
    "a publisher whose disk is full after %i writes changes nothing for readers, and publishes once there is room",
    async (most) => {
      const bucket = await fresh();
      const { name: first } = await put(one, bucket);
      let done = 0;
      const write: Bucket["put"] = async (...object) => {
        if (done++ === most) throw new StoreFailure("The disk is full.");
        return bucket.put(...object);
      };
      await expect(put(three, { ...bucket, put: write })).rejects.toThrow("The disk is full.");
      expect([await namesIn(bucket), await offered(bucket)]).toEqual([[first], await offeredBy(one)]);
      const { previous } = await put(three, bucket);
      expect([previous, await offered(bucket)]).toEqual([first, await offeredBy(three)]);
    },
  );

  test("of ten publishers at a time each wins or is told, and who reads meanwhile sees whole releases", async () => {
    const bucket = await fresh();
    const { name: first } = await put(storeOf({ gru: 100 }), bucket);
    const follower = follow(bucketStore(bucket), kernelModule);
    await follower.refresh();
    let racing = true;
    const seen = new Set<string>();
    const reader = async () => {
      while (racing) {
        await follower.refresh();
        expect(follower.problems()).toEqual([]);
        seen.add(
          follower
            .release()
            ?.loaded()
            .map(({ version }) => version)
            .join() ?? "",
        );
      }
    };
    const sources = Array.from({ length: 10 }, (_, i) => storeOf({ gru: i + 1, lstm: i + 1 }));
    const reading = reader();
    const outcomes = await Promise.allSettled(sources.map((source) => put(source, bucket)));
    racing = false;
    await reading;
    const won = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") continue;
      expect(outcome.reason).toBeInstanceOf(SurprisalError);
      expect(outcome.reason.code).toBe("release-conflict");
    }
    // Each release stands on the one before it: the winners are one line, with nobody else in it.
    const history = await releases(bucket);
    expect(history.map(({ name }) => name).toSorted()).toEqual([first, ...won.map(({ name }) => name)].toSorted());
    expect(won.length).toBeGreaterThan(0);
    const last = outcomes.findIndex(
      (outcome) => outcome.status === "fulfilled" && outcome.value.name === history[0].name,
    );
    expect(await offered(bucket)).toEqual(await offeredBy(sources[last]));
    for (const { catalogue } of history) {
      for (const entry of catalogue.models) await bucketStore(bucket).read(entry);
    }
    const known = await Promise.all(
      history.map(async ({ catalogue: { models } }) => {
        const from = follow(
          { ...bucketStore(bucket), catalogue: async () => ({ catalogue: { models }, etag: "1" }) },
          kernelModule,
        );
        await from.refresh();
        return from
          .release()
          ?.loaded()
          .map(({ version }) => version)
          .join();
      }),
    );
    for (const each of seen) expect(known).toContain(each);
  });
});
