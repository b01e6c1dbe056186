import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bucketStore } from "../../src/store/bucket.ts";
import { r2Bucket } from "../../src/store/r2.ts";
import { bucketContract } from "../contracts/bucket.ts";
import { storeContract } from "../contracts/store.ts";
import { startWorkerd, type Workerd } from "../support/workerd.ts";

/** R2 as wrangler has it for development, behind the binding of a real workerd. */
let workerd: Workerd;
beforeAll(async () => {
  workerd = await startWorkerd({ configPath: "wrangler.jsonc" });
});
afterAll(() => workerd?.close());

let made = 0;
const nextPrefix = () => `bucket-${++made}/`;

describe("R2 as a bucket", () => bucketContract(async () => r2Bucket(workerd.binding, nextPrefix())));

describe("R2 as a store", () => {
  storeContract(async (files) => {
    const prefix = nextPrefix();
    for (const [key, content] of Object.entries(files)) {
      await workerd.binding.put(
        prefix + key,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      );
    }
    return bucketStore(r2Bucket(workerd.binding, prefix));
  });
});

test("a bucket without a prefix has the keys as they are", async () => {
  await r2Bucket(workerd.binding).put("top/x", new Uint8Array([1]), "any");
  expect(await r2Bucket(workerd.binding, "top/").get("x", () => {})).toMatchObject({ bytes: new Uint8Array([1]) });
});

test("a failure of R2 is a failure of the store, with its reason", async () => {
  const failing = async () => {
    throw new Error("get: We encountered an internal error. Please try again. (10001)");
  };
  const bucket = r2Bucket({ get: failing, put: failing });
  const failure = { name: "StoreFailure", message: expect.stringMatching(/^R2 refuses: get: .*\(10001\)\.$/) };
  await expect(bucket.get("x", () => {})).rejects.toMatchObject(failure);
  await expect(bucket.put("x", new Uint8Array(), "any")).rejects.toMatchObject(failure);
});
