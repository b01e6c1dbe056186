/** A bucket of R2 that a Worker is bound to, below a prefix. */
import { type Bucket, StoreFailure } from "./bucket.ts";

/** The part of the R2 binding of Workers that is used here. */
export interface R2Binding {
  get(key: string, options?: { onlyIf?: { etagDoesNotMatch: string } }): Promise<R2File | null>;
  put(
    key: string,
    value: Uint8Array,
    options?: { onlyIf?: { etagMatches: string } | { etagDoesNotMatch: string } },
  ): Promise<unknown>;
}

interface R2File {
  readonly size: number;
  readonly etag: string;
  readonly body?: ReadableStream<Uint8Array<ArrayBuffer>>; // absent when the condition did not hold
}

/** @param prefix of all keys, such as "music/", with its slash */
export function r2Bucket(binding: R2Binding, prefix = ""): Bucket {
  return {
    async get(key, checkSize, known) {
      const options = known === undefined ? {} : { onlyIf: { etagDoesNotMatch: known } };
      const file = await answered(binding.get(prefix + key, options));
      if (file === null) return undefined;
      const { body, size, etag } = file;
      if (!body) return "unchanged";
      try {
        checkSize(size);
      } catch (error) {
        await body.cancel();
        throw error;
      }
      return { bytes: new Uint8Array(await answered(new Response(body).arrayBuffer())), etag };
    },
    async put(key, bytes, condition) {
      if (condition === "any") return (await answered(binding.put(prefix + key, bytes))) !== null;
      const onlyIf = condition === "absent" ? { etagDoesNotMatch: "*" } : { etagMatches: condition.etag };
      return (await answered(binding.put(prefix + key, bytes, { onlyIf }))) !== null;
    },
  };
}

async function answered<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StoreFailure(`R2 refuses: ${reason.replace(/\.$/, "")}.`, { cause });
  }
}
