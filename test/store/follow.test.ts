import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Wanted } from "../../src/model/select.ts";
import { type Bucket, bucketStore, StoreFailure } from "../../src/store/bucket.ts";
import { type Follower, follow } from "../../src/store/follow.ts";
import { clientMessage } from "../../src/store/problem.ts";
import { publish, rollBack } from "../../src/store/publish.ts";
import { s3Bucket } from "../../src/store/s3.ts";
import { CATALOGUE_KEY, type CatalogueEntry, type CheckpointStore, writeCatalogue } from "../../src/store/store.ts";
import { entryFor } from "../contracts/store.ts";
import { bytesOf, keyOf, offeredBy, onEveryBucket, storeOf, withInfinite } from "../support/releases.ts";
import { freshPlace, hasS3, type S3Proxy, startProxy } from "../support/s3.ts";
import { kernelModule } from "../support/wasm.ts";

const one = storeOf({ gru: 1, lstm: 1 });
const two = storeOf({ gru: 2, lstm: 1, tanh: 2 });

const encode = (text: string) => new TextEncoder().encode(text);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const put = (source: CheckpointStore, bucket: Bucket) => publish(source, bucket, kernelModule);
const followed = (bucket: Bucket) => follow(bucketStore(bucket), kernelModule);

const loaded = (follower: Follower) => follower.release()?.loaded() ?? [];
const idsOf = (models: readonly { readonly id: string }[]) => models.map(({ id }) => id);

/** Ids and versions of the networks that are served. */
const served = (follower: Follower) =>
  Object.fromEntries(
    loaded(follower)
      .filter(({ id }) => id !== "jsb/mixture")
      .map(({ id, version }) => [id, version]),
  );

const told = (follower: Follower) => follower.problems().map(clientMessage);

/** A bucket that notes the keys of what is read, and can fail. */
function watched(bucket: Bucket) {
  const keys: string[] = [];
  let failure: Error | undefined;
  const get: Bucket["get"] = async (key, checkSize, known) => {
    if (failure) throw failure;
    const found = await bucket.get(key, checkSize, known);
    keys.push(found === "unchanged" ? `${key} unchanged` : key);
    return found;
  };
  return {
    bucket: { ...bucket, get },
    read: () => keys.splice(0),
    failWith: (error?: Error) => {
      failure = error;
    },
  };
}

onEveryBucket((fresh) => {
  test("what is published is served, and the same again is no news", async () => {
    const bucket = await fresh();
    const follower = followed(bucket);
    expect(follower.release()).toBe(undefined);
    await put(one, bucket);
    expect(await follower.refresh()).toBe(true);
    expect([served(follower), told(follower)]).toEqual([await offeredBy(one), []]);
    expect(loaded(follower).map(({ id }) => id)).toEqual(["jsb/gru", "jsb/lstm", "jsb/mixture"]);
    expect(await follower.refresh()).toBe(false);
  });

  test("a change is served at the next poll, and so is what is rolled back to", async () => {
    const bucket = await fresh();
    const follower = followed(bucket);
    for (const [source, next] of [
      [one, () => put(one, bucket)],
      [two, () => put(two, bucket)],
      [one, () => rollBack(bucket, undefined)],
    ] as const) {
      await next();
      expect(await follower.refresh()).toBe(true);
      expect(served(follower)).toEqual(await offeredBy(source));
    }
  });

  test("models that are the same in two releases are taken over as they are", async () => {
    const bucket = await fresh();
    const follower = followed(bucket);
    const lstm = () => loaded(follower).find(({ id }) => id === "jsb/lstm");
    await put(one, bucket);
    await follower.refresh();
    const before = lstm();
    await put(two, bucket);
    await follower.refresh();
    expect(lstm()).toBe(before);
  });

  test("an unchanged catalogue costs one conditional read, a change the files that are new", async () => {
    const { bucket, read } = watched(await fresh());
    const follower = followed(bucket);
    await put(one, bucket);
    await follower.refresh();
    read();
    await follower.refresh();
    expect(read()).toEqual([`${CATALOGUE_KEY} unchanged`]);
    await put(two, bucket);
    read();
    await follower.refresh();
    const wanted = [CATALOGUE_KEY, await keyOf(two, "jsb/gru"), await keyOf(two, "jsb/tanh")];
    expect(read().toSorted()).toEqual(wanted.toSorted());
  });

  test("a model is read when it is first asked for, once for all who ask, and no other for it", async () => {
    const { bucket, read } = watched(await fresh());
    await put(two, bucket);
    read();
    const follower = followed(bucket);
    const ids = async (wanted?: Wanted) => idsOf(await follower.models(wanted));
    expect([idsOf(await follower.offers()), read()]).toEqual([
      ["jsb/gru", "jsb/lstm", "jsb/tanh", "jsb/mixture"],
      [CATALOGUE_KEY],
    ]);
    const [gru, lstm, tanh] = await Promise.all(["gru", "lstm", "tanh"].map((cell) => keyOf(two, `jsb/${cell}`)));
    const named = { patterns: ["*/gru"] };
    const both = ["jsb/gru", "jsb/tanh"]; // and the smallest of its set, which finds the transposition
    expect(await Promise.all([ids(named), ids(named), ids({ patterns: ["*/tanh"] })])).toEqual([
      both,
      both,
      ["jsb/tanh"],
    ]);
    expect(read().toSorted()).toEqual([gru, tanh].toSorted());
    expect([await ids(named), read()]).toEqual([both, []]);
    expect([await ids(), read()]).toEqual([["jsb/gru", "jsb/lstm", "jsb/tanh", "jsb/mixture"], [lstm]]);
    expect([served(follower), told(follower)]).toEqual([await offeredBy(two), []]);
  });

  test("two first requests read the catalogue once", async () => {
    const { bucket, read } = watched(await fresh());
    await put(one, bucket);
    read();
    const follower = followed(bucket);
    await Promise.all([follower.models({ patterns: ["jsb/gru"] }), follower.models({ patterns: ["jsb/gru"] })]);
    expect(read().filter((key) => key === CATALOGUE_KEY)).toHaveLength(1);
  });

  test("an ensemble that is asked for alone is made of all its networks, in its version by the catalogue", async () => {
    const bucket = await fresh();
    await put(two, bucket);
    const [, ...others] = await followed(bucket).models({ patterns: ["*/mix*", "*/gru", "*/lstm"] });
    expect(idsOf(others)).toEqual(["jsb/lstm", "jsb/tanh", "jsb/mixture"]);
    const { "jsb/gru": gru, "jsb/lstm": lstm, "jsb/tanh": tanh } = await offeredBy(two);
    expect(others[2].version).toBe(sha256(encode([gru, lstm, tanh].join("\n"))));
  });

  test("a model that cannot be read is told, the others are served, and it is read again later", async () => {
    const { bucket, read } = watched(await fresh());
    await put(two, bucket);
    const key = await keyOf(two, "jsb/gru");
    const whole = await bytesOf(bucket, key);
    await bucket.put(key, whole.with(-1, whole[whole.length - 1] ^ 1), "any");
    const follower = followed(bucket);
    const gru = { patterns: ["jsb/gru"] };
    const refused = { code: "no-models", message: expect.stringMatching(/^jsb\/gru: Expected sha256 /) };
    await expect(follower.models(gru)).rejects.toMatchObject(refused);
    expect(idsOf(await follower.models({ patterns: ["*/lstm"] }))).toEqual(["jsb/lstm", "jsb/tanh"]);
    expect(idsOf(await follower.models({ patterns: ["jsb/*"] }))).toEqual(["jsb/lstm", "jsb/tanh"]);
    expect(told(follower)).toEqual([
      expect.stringMatching(/^jsb\/gru: Expected sha256 /),
      expect.stringMatching(/^jsb\/mixture: /),
    ]);
    await bucket.put(key, whole, "any");
    read();
    await expect(follower.models(gru)).rejects.toMatchObject(refused); // it was read a moment ago
    expect(read()).toEqual([]);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 1000);
    expect([idsOf(await follower.models(gru)), read()]).toEqual([["jsb/gru", "jsb/tanh"], [key]]);
    vi.restoreAllMocks();
  });

  test("where no model can be read nothing is offered, requests fail, and all is offered once one can", async () => {
    const bucket = await fresh();
    await put(one, bucket);
    const keys = await Promise.all(["jsb/gru", "jsb/lstm"].map((id) => keyOf(one, id)));
    const whole = await Promise.all(keys.map((key) => bytesOf(bucket, key)));
    for (const key of keys) await bucket.put(key, encode("torn"), "any");
    const follower = followed(bucket);
    expect((await follower.offers()).length).toBe(3); // nothing has failed yet
    await expect(follower.models({ kind: "music" })).rejects.toMatchObject({ code: "no-models" });
    expect(await follower.offers()).toEqual([]);
    for (const [k, key] of keys.entries()) await bucket.put(key, whole[k], "any");
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 1000);
    expect(idsOf(await follower.offers())).toEqual(["jsb/gru", "jsb/lstm", "jsb/mixture"]);
    vi.restoreAllMocks();
  });

  test("a later catalogue with other metrics of the same models changes what they say, and reads none again", async () => {
    const { bucket, read } = watched(await fresh());
    await put(one, bucket);
    const follower = followed(bucket);
    await follower.refresh();
    const { catalogue } = await bucketStore(bucket).catalogue();
    const deciles = Array.from({ length: 11 }, (_, k) => k);
    const models = catalogue.models.map((entry) => ({ ...entry, metrics: { test: { micro: 5, macro: 5, deciles } } }));
    await bucket.put(CATALOGUE_KEY, encode(writeCatalogue({ models })), "any");
    read();
    expect(await follower.refresh()).toBe(true);
    expect(read().filter((key) => !key.startsWith(CATALOGUE_KEY))).toEqual([]);
    const told = loaded(follower).map((model) => model.kind === "music" && model.metrics.test?.micro);
    expect(told.slice(0, 2)).toEqual([5, 5]);
  });

  test("a pattern that names none is told the ids of the catalogue, and nothing is read for it", async () => {
    const { bucket, read } = watched(await fresh());
    await put(one, bucket);
    const follower = followed(bucket);
    await follower.offers();
    read();
    await expect(follower.models({ patterns: ["jsb/lstm", "jsb/gro"] })).rejects.toMatchObject({
      code: "unknown-model",
      message: 'Expected one of the models jsb/gru, jsb/lstm, jsb/mixture, got "jsb/gro". Did you mean jsb/gru?',
    });
    expect(read()).toEqual([]);
  });

  test("a store that fails at the first request is told at once, and the next poll makes it good", async () => {
    const { bucket, failWith } = watched(await fresh());
    await put(two, bucket);
    failWith(new StoreFailure("the place is gone"));
    const follower = followed(bucket);
    expect([await follower.models({ patterns: ["jsb/gru"] }), told(follower)]).toEqual([
      [],
      ["The store: it cannot be read; the server's log has more."],
    ]);
    failWith();
    expect([await follower.refresh(), served(follower), told(follower)]).toEqual([true, await offeredBy(two), []]);
  });

  test("a poll reads nothing of the first release, and all of a later one before it is served", async () => {
    const { bucket, read } = watched(await fresh());
    await put(one, bucket);
    read();
    const follower = followed(bucket);
    expect([await follower.poll(), read()]).toEqual([true, [CATALOGUE_KEY]]);
    expect([await follower.poll(), read()]).toEqual([false, [`${CATALOGUE_KEY} unchanged`]]);
    await put(two, bucket);
    const [gru, lstm, tanh] = await Promise.all(["gru", "lstm", "tanh"].map((cell) => keyOf(two, `jsb/${cell}`)));
    const whole = await bytesOf(bucket, tanh);
    await bucket.put(tanh, whole.with(-1, whole[whole.length - 1] ^ 1), "any");
    read();
    expect([await follower.poll(), read().toSorted()]).toEqual([false, [CATALOGUE_KEY, gru, lstm, tanh].toSorted()]);
    const before = await follower.models({ patterns: ["jsb/gru"] });
    expect(before[0].version).toBe((await offeredBy(one))["jsb/gru"]);
    await bucket.put(tanh, whole, "any");
    read();
    expect([await follower.poll(), read()]).toEqual([true, [`${CATALOGUE_KEY} unchanged`, tanh]]);
    expect(served(follower)).toEqual(await offeredBy(two));
  });

  test("without a catalogue there are none, and it is told", async () => {
    const follower = followed(await fresh());
    expect([await follower.models({ patterns: ["jsb/gru"] }), told(follower)]).toEqual([
      [],
      ["The store: catalogue.json is not there."],
    ]);
  });

  test("polls that are asked for at a time are one", async () => {
    const { bucket, read } = watched(await fresh());
    await put(one, bucket);
    read();
    const follower = followed(bucket);
    expect(await Promise.all([follower.refresh(), follower.refresh()])).toEqual([true, true]);
    expect(read().filter((key) => key === CATALOGUE_KEY)).toHaveLength(1);
  });

  test("an outage changes nothing that is served, is told, and forgotten when it is over", async () => {
    const { bucket, failWith } = watched(await fresh());
    const follower = followed(bucket);
    await put(one, bucket);
    await follower.refresh();
    await put(two, bucket);
    const failure = new StoreFailure("s3://secret-place: down.");
    failWith(failure);
    expect(await follower.refresh()).toBe(false);
    expect([served(follower), follower.problems()]).toEqual([await offeredBy(one), [{ error: failure }]]);
    expect(told(follower)).toEqual(["The store: it cannot be read; the server's log has more."]);
    failWith();
    expect(await follower.refresh()).toBe(true);
    expect([served(follower), told(follower)]).toEqual([await offeredBy(two), []]);
    failWith(failure);
    await follower.refresh();
    expect(told(follower)).toHaveLength(1);
    failWith();
    expect(await follower.refresh()).toBe(false); // nothing changed meanwhile
    expect(told(follower)).toEqual([]);
  });

  test("before the first success an outage leaves nothing to serve, and after it all is there", async () => {
    const { bucket, failWith } = watched(await fresh());
    await put(one, bucket);
    failWith(new StoreFailure("down."));
    const follower = followed(bucket);
    expect([await follower.refresh(), loaded(follower)]).toEqual([false, []]);
    failWith();
    expect([await follower.refresh(), served(follower)]).toEqual([true, await offeredBy(one)]);
  });

  /** What can be wrong with an object, and what is then said of it. */
  const damages: [string, (bytes: Uint8Array) => Uint8Array, RegExp][] = [
    ["torn", (bytes) => bytes.subarray(0, 1000), /^jsb\/gru: Expected \d+ bytes in objects\/\S+, got 1000\.$/],
    [
      "too long",
      (bytes) => Uint8Array.from([...bytes, 0]),
      /^jsb\/gru: Expected \d+ bytes in objects\/\S+, got \d+\.$/,
    ],
    [
      "of a wrong hash",
      (bytes) => bytes.with(-1, bytes[bytes.length - 1] ^ 1),
      /^jsb\/gru: Expected sha256 \S+ of objects\/\S+, got /,
    ],
    ["empty", () => new Uint8Array(), /^jsb\/gru: Expected \d+ bytes in \S+, got 0\.$/],
  ];

  test.each(damages)(
    "a new release with an object that is %s is not served until it is whole",
    async (_, damaged, said) => {
      const { bucket, read } = watched(await fresh());
      const follower = followed(bucket);
      await put(one, bucket);
      await follower.refresh();
      await put(two, bucket);
      const key = await keyOf(two, "jsb/gru");
      const whole = await bytesOf(bucket, key);
      await bucket.put(key, damaged(whole), "any");
      expect(await follower.refresh()).toBe(false);
      expect(served(follower)).toEqual(await offeredBy(one));
      expect(told(follower)[0]).toMatch(said);
      read();
      await follower.refresh();
      expect(read().filter((each) => each !== `${CATALOGUE_KEY} unchanged` && each !== key)).toEqual([]); // the others are held
      await bucket.put(key, whole, "any");
      expect(await follower.refresh()).toBe(true);
      expect([served(follower), told(follower)]).toEqual([await offeredBy(two), []]);
    },
  );

  test("the first release is served as far as it is whole, and the rest when it comes", async () => {
    const bucket = await fresh();
    const follower = followed(bucket);
    await put(two, bucket);
    const [gru, tanh] = [await keyOf(two, "jsb/gru"), await keyOf(two, "jsb/tanh")];
    const whole = await Promise.all([gru, tanh].map((key) => bytesOf(bucket, key)));
    for (const key of [gru, tanh]) await bucket.put(key, encode("x"), "any");
    const { "jsb/gru": gruVersion, "jsb/lstm": lstm } = await offeredBy(two);
    expect([await follower.refresh(), served(follower)]).toEqual([true, { "jsb/lstm": lstm }]);
    expect(
      told(follower)
        .map((sentence) => sentence.split(":")[0])
        .toSorted(),
    ).toEqual(["jsb/gru", "jsb/mixture", "jsb/tanh"]);
    expect(await follower.refresh()).toBe(false);
    await bucket.put(gru, whole[0], "any");
    expect([await follower.refresh(), served(follower)]).toEqual([true, { "jsb/gru": gruVersion, "jsb/lstm": lstm }]);
    await bucket.put(tanh, whole[1], "any");
    expect([await follower.refresh(), served(follower)]).toEqual([true, await offeredBy(two)]);
    expect([told(follower), loaded(follower).at(-1)?.id]).toEqual([[], "jsb/mixture"]);
  });

  test("a later release with a model that gives no finite numbers is told and not followed", async () => {
    const bad = await withInfinite(two);
    let current: CheckpointStore = one;
    const follower = follow(
      { catalogue: (known) => current.catalogue(known), read: (entry) => current.read(entry) } as CheckpointStore,
      kernelModule,
    );
    await follower.refresh();
    current = bad;
    expect(await follower.refresh()).toBe(false);
    expect([served(follower), told(follower)]).toEqual([
      await offeredBy(one),
      [expect.stringMatching(/^speech-short\/gru: Expected finite numbers from speech-short\/gru, got /)],
    ]);
  });

  test("a release that is served in part gives way to a whole one alone", async () => {
    const bucket = await fresh();
    const follower = followed(bucket);
    await put(one, bucket);
    await bucket.put(await keyOf(one, "jsb/gru"), encode("x"), "any");
    await follower.refresh();
    const before = served(follower);
    expect(Object.keys(before)).toEqual(["jsb/lstm"]);
    await put(two, bucket);
    const key = await keyOf(two, "jsb/tanh");
    const whole = await bytesOf(bucket, key);
    await bucket.put(key, encode("x"), "any");
    expect([await follower.refresh(), served(follower)]).toEqual([false, before]); // though two of three could be
    await bucket.put(key, whole, "any");
    expect([await follower.refresh(), served(follower)]).toEqual([true, await offeredBy(two)]);
  });

  const MAX_FILE = 2 ** 26;
  const entry = (changes: Partial<CatalogueEntry>) => entryFor(encode("x"), changes);
  const several = (count: number, changes: Partial<CatalogueEntry>) =>
    Array.from({ length: count }, (_, i) => entry({ id: `jsb/gru-p${i}`, preset: `p${i}`, ...changes }));

  const hostile: [string, unknown, RegExp][] = [
    ["of a file of a gigabyte", { models: [entry({ size: 2 ** 30 })] }, /malformed at models\.0\.size/],
    [
      "of files of more than a gigabyte together",
      { models: several(17, { size: MAX_FILE }) },
      /1073741824 bytes together/,
    ],
    ["of a file of no bytes", { models: [entry({ size: 0 })] }, /models\.0\.size/],
    ["of a size that is no number", { models: [entry({ size: "9" as unknown as number })] }, /models\.0\.size/],
    ["of units without end", { models: [entry({ units: 1e300 })] }, /models\.0\.units/],
    ["of a key that leads out", { models: [entry({ key: "../../etc/passwd" })] }, /models\.0\.key/],
    ["of a key that begins at the root", { models: [entry({ key: "/etc/passwd" })] }, /models\.0\.key/],
    ["of more models than anyone has", { models: several(1001, {}) }, /models/],
    ["of no models", { models: [] }, /lists no models/],
    ["that is a list", [], /malformed at its top/],
    ["that is nothing", null, /malformed at its top/],
  ];

  test.each(hostile)(
    "a catalogue %s is told and not followed, and no file is read for it",
    async (_, catalogue, said) => {
      const { bucket, read } = watched(await fresh());
      const follower = followed(bucket);
      await put(one, bucket);
      await follower.refresh();
      const good = await bytesOf(bucket, CATALOGUE_KEY);
      await bucket.put(CATALOGUE_KEY, encode(JSON.stringify(catalogue)), "any");
      read();
      expect([await follower.refresh(), read()]).toEqual([false, [CATALOGUE_KEY]]);
      expect(told(follower)).toEqual([expect.stringMatching(said)]);
      expect(served(follower)).toEqual(await offeredBy(one));
      await bucket.put(CATALOGUE_KEY, good, "any");
      expect([await follower.refresh(), told(follower)]).toEqual([false, []]);
    },
  );

  test.each([
    [
      "longer than any catalogue",
      encode(" ".repeat(2 ** 20 + 1)),
      /Expected at most 1048576 bytes in catalogue\.json, got 1048577/,
    ],
    ["nested without end", encode("[".repeat(2 ** 20)), /not JSON/],
    ["of other bytes than text", new Uint8Array([0xff, 0xfe]), /not JSON/],
  ])("a catalogue %s is told and not followed", async (_, bytes, said) => {
    const bucket = await fresh();
    const follower = followed(bucket);
    await put(one, bucket);
    await follower.refresh();
    await bucket.put(CATALOGUE_KEY, bytes, "any");
    expect([await follower.refresh(), served(follower)]).toEqual([false, await offeredBy(one)]);
    expect(told(follower)).toEqual([expect.stringMatching(said)]);
  });

  /** A file of this header, and nothing or little after it. */
  function fileOf(header: unknown, bytesAfter = 0): Uint8Array {
    const text = encode(JSON.stringify(header));
    const file = new Uint8Array(8 + text.length + bytesAfter);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    return file;
  }
  const metadata = {
    format: "surprisal/1",
    cell: "gru",
    units: "4096",
    head: "bernoulli",
    set: "jsb",
    preset: "paper",
  };
  const tensor = (shape: number[], end: number) => ({ dtype: "F32", shape, data_offsets: [0, end] });
  const header = (shape: number[], end: number) => ({ __metadata__: metadata, "rnn.W": tensor(shape, end) });

  test.each([
    [
      "has fewer bytes than its shapes take",
      fileOf(header([127, 12_288], 127 * 12_288 * 4)),
      /tensors of the 0 bytes that follow the header, got 6242304/,
    ],
    [
      "has shapes and offsets that disagree",
      fileOf(header([127, 12_288], 4), 4),
      /of 6242304 bytes for shape \(127, 12288\), got 4/,
    ],
    [
      "has a shape beyond all numbers",
      fileOf(header([2 ** 52, 2 ** 52], 4), 4),
      /tensor rnn\.W of .* bytes for shape .*, got 4/,
    ],
    ["has a header longer than the file", new Uint8Array(8).fill(0x7f), /a header of at most 0 bytes, got \d+/],
    ["lacks tensors", fileOf(header([1, 1], 4), 4), /Expected the tensors .*, got rnn\.W/],
  ])("a file that its catalogue names truly but that %s is told and not loaded", async (_, file, said) => {
    const bucket = await fresh();
    const follower = followed(bucket);
    await put(one, bucket);
    await follower.refresh();
    await bucket.put("file", file, "any");
    const models = [entryFor(file, { key: "file", version: sha256(file) })];
    await bucket.put(CATALOGUE_KEY, encode(JSON.stringify({ models })), "any");
    expect([await follower.refresh(), served(follower)]).toEqual([false, await offeredBy(one)]);
    expect(told(follower)).toEqual([expect.stringMatching(said)]);
  });

  test("a catalogue that gives a file another shape or name than it has is told and not followed", async () => {
    const bucket = await fresh();
    const follower = followed(bucket);
    await put(one, bucket);
    await follower.refresh();
    const { models } = (await bucketStore(bucket).catalogue()).catalogue;
    const [gru, lstm] = models;
    for (const [wrong, said] of [
      [{ ...gru, units: 10 }, /^jsb\/gru: Expected jsb\/gru of 10 units in \S+, got jsb\/gru of 9 units\.$/],
      [
        { ...lstm, id: gru.id, cell: gru.cell },
        /^jsb\/gru: Expected jsb\/gru of 9 units in \S+, got jsb\/lstm of 9 units\.$/,
      ],
    ] as const) {
      await bucket.put(CATALOGUE_KEY, encode(JSON.stringify({ models: [wrong] })), "any");
      expect([await follower.refresh(), served(follower)]).toEqual([false, await offeredBy(one)]);
      expect(told(follower)).toEqual([expect.stringMatching(said)]);
    }
  });
});

describe.skipIf(!hasS3())("over the net", () => {
  let proxy: S3Proxy;
  beforeAll(async () => {
    proxy = await startProxy();
  });
  afterAll(() => proxy.stop());

  /** A bucket behind the proxy with a release that is served, and the way to it without the proxy. */
  async function following(timeoutMs = 15_000) {
    proxy.mend();
    const place = await freshPlace();
    const bucket = s3Bucket(place);
    await put(one, bucket);
    const follower = followed(s3Bucket({ ...place, endpoint: proxy.endpoint, timeoutMs }));
    await follower.refresh();
    expect(served(follower)).toEqual(await offeredBy(one));
    proxy.seen();
    return { bucket, follower };
  }

  test("an unchanged catalogue is one request, answered by 304", async () => {
    const { follower } = await following();
    await follower.refresh();
    expect(proxy.seen()).toEqual([expect.stringMatching(/^GET \S+\/catalogue\.json 304$/)]);
  });

  test("a server that goes amid an object leaves all as it was, and is caught up with when it is back", async () => {
    const { bucket, follower } = await following();
    await put(two, bucket);
    const key = await keyOf(two, "jsb/gru");
    const { length } = await bytesOf(bucket, key);
    const begun = new Promise<void>((resolve) => {
      proxy.breakBy((incoming, response) => {
        if (!incoming.url?.includes(key)) return false;
        response.writeHead(200, { "Content-Length": length });
        response.write("the beginning of an object", () => resolve());
        return true;
      });
    });
    const poll = follower.refresh();
    await begun;
    await proxy.stop();
    expect([await poll, served(follower)]).toEqual([false, await offeredBy(one)]);
    expect(await follower.refresh()).toBe(false);
    expect(told(follower)).toEqual(["The store: it cannot be read; the server's log has more."]);
    await proxy.start();
    proxy.mend();
    expect([await follower.refresh(), served(follower), told(follower)]).toEqual([true, await offeredBy(two), []]);
  });

  test("a body of gigabytes is refused by its length, before a byte of it is kept", async () => {
    const { bucket, follower } = await following();
    await put(two, bucket);
    proxy.breakBy((incoming, response) => {
      if (!incoming.url?.includes("/objects/")) return false;
      response.writeHead(200, { "Content-Length": 2 ** 40, ETag: '"x"' });
      response.write("x");
      return true;
    });
    expect([await follower.refresh(), served(follower)]).toEqual([false, await offeredBy(one)]);
    expect(told(follower)[0]).toMatch(/Expected \d+ bytes in \S+, got 1099511627776\.$/);
    proxy.breakBy((_, response) => {
      response.writeHead(200, { "Content-Length": 2 ** 40, ETag: '"x"' });
      response.write("x");
      return true;
    });
    expect([await follower.refresh(), served(follower)]).toEqual([false, await offeredBy(one)]);
    expect(told(follower)[0]).toMatch(/Expected at most 1048576 bytes in catalogue\.json, got 1099511627776\.$/);
  });

  test("a server that is silent is given up, and asked again at the next poll", async () => {
    const { bucket, follower } = await following(500);
    await put(two, bucket);
    proxy.breakBy(() => true);
    expect([await follower.refresh(), served(follower)]).toEqual([false, await offeredBy(one)]);
    expect(follower.problems()[0].error).toMatchObject({ message: expect.stringMatching(/no answer in time\.$/) });
    proxy.mend();
    expect([await follower.refresh(), served(follower)]).toEqual([true, await offeredBy(two)]);
  });
});
