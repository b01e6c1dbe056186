/** A bucket of R2 that a Worker is bound to, below a prefix. */
import type { Bucket } from "./bucket.ts";

/** What is used of the binding, as Workers give it. */
export interface R2Binding {
  get(key: string, options?: { onlyIf?: { etagDoesNotMatch: string } }): Promise<R2File | null>;
  put(
    key: string,
    value: Uint8Array,
    options?: { onlyIf?: { etagMatches: string } | { etagDoesNotMatch: string } },
  ): Promise<unknown>;
  list(options: { prefix: string; delimiter: string; cursor?: string }): Promise<{
    objects: readonly { key: string }[];
    truncated: boolean;
    cursor?: string;
  }>;
}

interface R2File {
  readonly size: number;
  readonly etag: string;
  readonly body?: { cancel(): Promise<void> } | null; // not there when the condition did not hold
  arrayBuffer?(): Promise<ArrayBuffer>;
}

/** @param prefix of all keys, such as "music/", with its slash */
export function r2Bucket(binding: R2Binding, prefix = ""): Bucket {
  return {
    async get(key, checkSize, known) {
      const file = await binding.get(prefix + key, known === undefined ? {} : { onlyIf: { etagDoesNotMatch: known } });
      if (file === null) return undefined;
      if (!file.body || !file.arrayBuffer) return "unchanged";
      try {
        checkSize(file.size);
      } catch (error) {
        await file.body.cancel();
        throw error;
      }
      return { bytes: new Uint8Array(await file.arrayBuffer()), etag: file.etag };
    },
    async put(key, bytes, condition) {
      if (condition === "any") return (await binding.put(prefix + key, bytes)) !== null;
      const onlyIf = condition === "absent" ? { etagDoesNotMatch: "*" } : { etagMatches: condition.etag };
      return (await binding.put(prefix + key, bytes, { onlyIf })) !== null;
    },
    async list(folder) {
      const start = `${prefix}${folder}/`;
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await binding.list({ prefix: start, delimiter: "/", ...(cursor !== undefined && { cursor }) });
        names.push(...page.objects.map(({ key }) => key.slice(start.length)));
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor !== undefined);
      return names;
    },
  };
}
