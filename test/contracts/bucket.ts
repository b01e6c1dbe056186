/** What every Bucket does, whatever it stands on. */
import { describe, expect, test } from "vitest";
import type { Bucket, Stored } from "../../src/store/bucket.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const [first, second] = [encode("the first bytes"), encode("other bytes")];
const KEY = "objects/a.safetensors";

const anySize = () => {};

/** Asserts that an object is there. */
async function read(bucket: Bucket, key: string): Promise<Stored> {
  const stored = await bucket.get(key, anySize);
  if (stored === undefined || stored === "unchanged") throw new Error(`Found ${stored} at ${key}; wanted an object.`);
  return stored;
}

const textAt = async (bucket: Bucket, key: string) => new TextDecoder().decode((await read(bucket, key)).bytes);

/** @param bucketWith makes a bucket that holds nothing, another at each call. */
export function bucketContract(bucketWith: () => Promise<Bucket>): void {
  describe("get", () => {
    test("gives the bytes that were put", async () => {
      const bucket = await bucketWith();
      expect(await bucket.put(KEY, first, "any")).toBe(true);
      expect(new Uint8Array((await read(bucket, KEY)).bytes)).toEqual(first);
    });

    test("gives a megabyte and an empty object as they were put, and puts only what a view shows", async () => {
      const bucket = await bucketWith();
      const large = Uint8Array.from({ length: 2 ** 20 + 3 }, (_, i) => (i * i) >> 3);
      await bucket.put("large", large.subarray(1, -1), "any");
      await bucket.put("empty", new Uint8Array(), "any");
      const { bytes } = await read(bucket, "large");
      expect([bytes.length, Buffer.compare(bytes, large.subarray(1, -1))]).toEqual([large.length - 2, 0]);
      expect((await read(bucket, "empty")).bytes.length).toBe(0);
    });

    test("gives undefined where there is nothing, with a known ETag or without", async () => {
      const bucket = await bucketWith();
      expect(await bucket.get(KEY, anySize)).toBeUndefined();
      await bucket.put("other", first, "any");
      expect(await bucket.get(KEY, anySize, (await read(bucket, "other")).etag)).toBeUndefined();
    });

    test("has an ETag without quotes, the same until the bytes are others", async () => {
      const bucket = await bucketWith();
      await bucket.put(KEY, first, "any");
      const { etag } = await read(bucket, KEY);
      expect(etag).toMatch(/^[^"]+$/);
      expect((await read(bucket, KEY)).etag).toBe(etag);
      await bucket.put(KEY, second, "any");
      expect((await read(bucket, KEY)).etag).not.toBe(etag);
    });

    test("says that an object is unchanged to who knows its ETag, and gives a changed one", async () => {
      const bucket = await bucketWith();
      await bucket.put(KEY, first, "any");
      const { etag } = await read(bucket, KEY);
      expect(await bucket.get(KEY, anySize, etag)).toBe("unchanged");
      await bucket.put(KEY, second, "any");
      expect(await bucket.get(KEY, anySize, etag)).toMatchObject({ etag: (await read(bucket, KEY)).etag });
    });

    test("does not read an object whose size is refused, and rejects with the refusal", async () => {
      const bucket = await bucketWith();
      await bucket.put(KEY, first, "any");
      const sizes: number[] = [];
      const refusal = new RangeError("too large");
      const refuse = (size: number) => {
        sizes.push(size);
        throw refusal;
      };
      await expect(bucket.get(KEY, refuse)).rejects.toBe(refusal);
      expect(sizes).toEqual([first.length]);
      expect(await textAt(bucket, KEY)).toBe("the first bytes");
    });
  });

  describe("put", () => {
    test("on the condition that nothing is there writes once", async () => {
      const bucket = await bucketWith();
      expect(await bucket.put(KEY, first, "absent")).toBe(true);
      expect(await bucket.put(KEY, second, "absent")).toBe(false);
      expect(await textAt(bucket, KEY)).toBe("the first bytes");
    });

    test("on the condition of an ETag writes over that object and no other", async () => {
      const bucket = await bucketWith();
      await bucket.put(KEY, first, "any");
      const { etag } = await read(bucket, KEY);
      expect(await bucket.put(KEY, second, { etag })).toBe(true);
      expect(await textAt(bucket, KEY)).toBe("other bytes");
      expect(await bucket.put(KEY, first, { etag })).toBe(false);
      expect(await textAt(bucket, KEY)).toBe("other bytes");
    });

    test("on the condition of an ETag writes nothing where nothing is", async () => {
      const bucket = await bucketWith();
      await bucket.put("other", first, "any");
      expect(await bucket.put(KEY, second, { etag: (await read(bucket, "other")).etag })).toBe(false);
      expect(await bucket.get(KEY, anySize)).toBeUndefined();
    });

    test("of many at a time on one condition is done once", async () => {
      const bucket = await bucketWith();
      const race = async (condition: Parameters<Bucket["put"]>[2]) => {
        const done = await Promise.all(
          Array.from({ length: 6 }, (_, i) => bucket.put(KEY, encode(`writer ${i} of ${typeof condition}`), condition)),
        );
        expect(done.filter(Boolean)).toHaveLength(1);
        expect(await textAt(bucket, KEY)).toBe(`writer ${done.indexOf(true)} of ${typeof condition}`);
      };
      await race("absent");
      await race({ etag: (await read(bucket, KEY)).etag });
    });

    test("takes an unconditional write whatever is there", async () => {
      const bucket = await bucketWith();
      await bucket.put(KEY, first, "absent");
      expect(await bucket.put(KEY, second, "any")).toBe(true);
      expect(await textAt(bucket, KEY)).toBe("other bytes");
    });
  });

  test("is another bucket than the one before", async () => {
    await (await bucketWith()).put(KEY, first, "any");
    expect(await (await bucketWith()).get(KEY, anySize)).toBeUndefined();
  });
}
