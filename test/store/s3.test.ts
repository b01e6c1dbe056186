import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bucketStore, StoreFailure } from "../../src/store/bucket.ts";
import { s3Bucket } from "../../src/store/s3.ts";
import { bucketContract } from "../contracts/bucket.ts";
import { storeContract } from "../contracts/store.ts";
import { type Fault, freshPlace, hasS3, type S3Proxy, startProxy } from "../support/s3.ts";

const bytes = new TextEncoder().encode("the bytes of an object");
const anySize = () => {};

describe.skipIf(!hasS3())("S3", () => {
  describe("as a bucket", () => {
    bucketContract(async () => s3Bucket(await freshPlace()));
  });

  describe("as a store", () => {
    storeContract(async (files) => {
      const bucket = s3Bucket(await freshPlace());
      for (const [key, content] of Object.entries(files)) {
        await bucket.put(key, typeof content === "string" ? new TextEncoder().encode(content) : content, "any");
      }
      return bucketStore(bucket);
    });
  });

  test("keeps apart what lies below two prefixes of a bucket", async () => {
    const place = await freshPlace();
    const below = (prefix: string) => s3Bucket({ ...place, prefix: place.prefix + prefix });
    const [one, two, top] = ["one/", "two/", ""].map(below);
    await one.put("key", bytes, "absent");
    expect(await two.get("key", anySize)).toBeUndefined();
    expect(await two.put("key", bytes, "absent")).toBe(true);
    expect(await top.get("two/key", anySize)).toMatchObject({ bytes });
  });
});

describe.skipIf(!hasS3())("S3 refuses", () => {
  /** Asserts that each operation fails as the storage's fault, and returns what is said of it. */
  async function failures(place: Parameters<typeof s3Bucket>[0]): Promise<string[]> {
    const bucket = s3Bucket(place);
    const operations = [
      bucket.get("catalogue.json", anySize),
      bucket.put("catalogue.json", bytes, "any"),
      bucket.put("catalogue.json", bytes, { etag: "1" }),
    ];
    const outcomes = await Promise.allSettled(operations);
    return outcomes.map((outcome) => {
      if (outcome.status === "fulfilled") throw new Error(`Found ${outcome.value}; wanted a failure.`);
      expect(outcome.reason).toBeInstanceOf(StoreFailure);
      return outcome.reason.message;
    });
  }

  test("a wrong secret, in sentences that name the place and not the secret", async () => {
    const { credentials, ...place } = await freshPlace();
    const wrong = { accessKeyId: "testkey", secretAccessKey: "guessed" };
    for (const sentence of await failures({ ...place, credentials: wrong })) {
      expect(sentence).toMatch(`s3://${place.bucket}/${place.prefix}`);
      expect(sentence).toMatch(/: SignatureDoesNotMatch.*\.$/);
      expect(sentence).not.toMatch("guessed");
    }
  });

  test("an access key that it does not know", async () => {
    const wrong = { accessKeyId: "nobody", secretAccessKey: "guessed" };
    for (const sentence of await failures({ ...(await freshPlace()), credentials: wrong })) {
      expect(sentence).toMatch(/: InvalidAccessKeyId.*\.$/);
      expect(sentence).not.toMatch("guessed");
    }
  });

  test("a bucket that is not there", async () => {
    const place = { ...(await freshPlace()), bucket: "nowhere-to-be-found" };
    for (const sentence of await failures(place))
      expect(sentence).toMatch(/^s3:\/\/nowhere-to-be-found\/.*NoSuchBucket/);
  });

  test("who may not read it, and says that this may be all that is told of what is not there", async () => {
    const proxy = await startProxy();
    proxy.breakBy((_, response) => {
      response.writeHead(403, { "Content-Type": "application/xml" });
      response.end("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
      return true;
    });
    const { endpoint } = proxy;
    const bucket = s3Bucket({ ...(await freshPlace()), endpoint });
    await expect(bucket.get("catalogue.json", anySize)).rejects.toThrow(
      /catalogue\.json: AccessDenied: Access Denied \(S3 also says so of a missing object, unless the credentials may list the bucket\)\.$/,
    );
    await proxy.stop();
  });

  test("nobody where no server is", async () => {
    const proxy = await startProxy();
    const { endpoint } = proxy;
    await proxy.stop();
    for (const sentence of await failures({ ...(await freshPlace()), endpoint }))
      expect(sentence).toMatch("ECONNREFUSED");
  });
});

describe.skipIf(!hasS3())("on the way to S3", () => {
  let proxy: S3Proxy;
  beforeAll(async () => {
    proxy = await startProxy();
  });
  afterAll(() => proxy.stop());

  const KEY = "objects/a";

  /** A bucket behind the proxy with an object in it. */
  async function brokenBy(fault: Fault, timeoutMs = 15_000) {
    proxy.mend();
    const bucket = s3Bucket({ ...(await freshPlace()), endpoint: proxy.endpoint, timeoutMs });
    await bucket.put(KEY, bytes, "any");
    proxy.seen();
    proxy.breakBy(fault);
    return bucket;
  }

  test("a server that never answers is given up", async () => {
    const bucket = await brokenBy(() => true, 500);
    const work = [bucket.get(KEY, anySize), bucket.put(KEY, bytes, "any")];
    await Promise.all(work.map((each) => expect(each).rejects.toThrow(/no answer in time\.$/)));
  });

  test("so is one that stops amid an object", async () => {
    const bucket = await brokenBy((_, response) => {
      response.writeHead(200, { "Content-Length": bytes.length });
      response.write(bytes.subarray(0, 5));
      return true;
    }, 500);
    await expect(bucket.get(KEY, anySize)).rejects.toThrow(/objects\/a: no answer in time\.$/);
  });

  test("an object that is cut off is no object", async () => {
    const bucket = await brokenBy((_, response) => {
      response.writeHead(200, { "Content-Length": bytes.length });
      response.write(bytes.subarray(0, 5), () => response.destroy());
      return true;
    });
    await expect(bucket.get(KEY, anySize)).rejects.toThrow(StoreFailure);
  });

  test("an object that goes on after its length ends there", async () => {
    const bucket = await brokenBy((incoming) => {
      incoming.socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: "x"\r\nConnection: close\r\n\r\nabcdefgh`);
      return true;
    });
    const stored = await bucket.get(KEY, anySize).catch((error) => error);
    if (!(stored instanceof StoreFailure))
      expect(stored).toEqual({ bytes: new TextEncoder().encode("abc"), etag: "x" });
  });

  test("an object without a length is not read", async () => {
    const bucket = await brokenBy((_, response) => {
      response.writeHead(200, { ETag: '"x"' });
      response.end(bytes);
      return true;
    });
    await expect(bucket.get(KEY, anySize)).rejects.toThrow(/objects\/a: an answer without its length\.$/);
  });

  test("the body of an object that is refused for its size is not waited for", async () => {
    const bucket = await brokenBy((_, response) => {
      response.writeHead(200, { "Content-Length": 2 ** 40 });
      response.write("x");
      return true;
    });
    const refusal = new RangeError("too large");
    const refuse = (size: number) => {
      expect(size).toBe(2 ** 40);
      throw refusal;
    };
    await expect(bucket.get(KEY, refuse)).rejects.toBe(refusal);
  });

  /** Answers so often with this status, and then lets the server answer. */
  const atFirst = (times: number, status: number, code: string): Fault => {
    let left = times;
    return (incoming, response) => {
      if (left-- <= 0) return false;
      incoming.resume().on("end", () => {
        response.writeHead(status, { "Content-Type": "application/xml" });
        response.end(`<Error><Code>${code}</Code></Error>`);
      });
      return true;
    };
  };

  test("a server that fails for a moment is asked again", async () => {
    const bucket = await brokenBy(atFirst(2, 503, "SlowDown"));
    expect(await bucket.get(KEY, anySize)).toMatchObject({ bytes });
    expect(proxy.seen().map((line) => line.slice(-3))).toEqual(["503", "503", "200"]);
  });

  test("a conditional write that meets another one is tried again", async () => {
    const bucket = await brokenBy(atFirst(2, 409, "ConditionalRequestConflict"));
    expect(await bucket.put("new", bytes, "absent")).toBe(true);
    expect(await bucket.put("new", bytes, "absent")).toBe(false);
  });

  test("and fails when it always meets one: whether the condition holds is then not known", async () => {
    const bucket = await brokenBy(atFirst(Number.POSITIVE_INFINITY, 409, "ConditionalRequestConflict"));
    await expect(bucket.put("new", bytes, "absent")).rejects.toThrow(/new: ConditionalRequestConflict\.$/);
  });

  test("a write over an object that is gone is false, as AWS tells it", async () => {
    const bucket = await brokenBy(atFirst(Number.POSITIVE_INFINITY, 404, "NoSuchKey"));
    expect(await bucket.put("new", bytes, { etag: "a" })).toBe(false);
  });

  test("an object that is known costs one request, without its bytes", async () => {
    const bucket = await brokenBy(() => false);
    const stored = await bucket.get(KEY, anySize);
    const etag = stored && stored !== "unchanged" ? stored.etag : "";
    proxy.seen();
    expect(await bucket.get(KEY, anySize, etag)).toBe("unchanged");
    expect(proxy.seen()).toEqual([expect.stringMatching(/^GET .*objects\/a 304$/)]);
  });
});
