/**
 * Keyed storage of whole objects -> a checkpoint store. Folders, S3 and R2 are such storage (files.ts, s3.ts, r2.ts); this
 * file checks catalogues and checkpoints for all of them.
 */
import { SurprisalError } from "../errors.ts";
import {
  CATALOGUE_KEY,
  type CheckpointStore,
  type Current,
  checkCatalogueSize,
  checkEntry,
  checkFile,
  checkSize,
  type Digest,
  parseCatalogue,
} from "./store.ts";

export interface Stored {
  readonly bytes: Uint8Array;
  readonly etag: string; // without quotes; changes with the object
}

/** When an object is written: if there is none, if the present one has this ETag, or always. */
export type Condition = "absent" | { readonly etag: string } | "any";

/** Keys are relative paths without ".." in them. Every method rejects with a StoreFailure when the storage fails. */
export interface Bucket {
  /**
   * An object, undefined when there is none, "unchanged" when its ETag is still `known`.
   * @param checkSize throws when the object should not be read; called with its bytes before any memory is taken
   */
  get(key: string, checkSize: (bytes: number) => void, known?: string): Promise<Stored | "unchanged" | undefined>;
  /** Writes an object, of which readers see all or nothing. False when the condition does not hold. */
  put(key: string, bytes: Uint8Array, condition: Condition): Promise<boolean>;
}

/** The storage does not answer, or refuses. The message is for the operator only: it names paths and buckets. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
}

/** Reads the checkpoints of a bucket. @param digest where the runtime has a faster one than store.ts */
export function bucketStore(bucket: Bucket, digest?: Digest): CheckpointStore {
  async function catalogue(): Promise<Current>;
  async function catalogue(known?: string): Promise<Current | "unchanged">;
  async function catalogue(known?: string): Promise<Current | "unchanged"> {
    const stored = await bucket.get(CATALOGUE_KEY, checkCatalogueSize, known);
    if (stored === "unchanged") return stored;
    if (stored === undefined) throw new SurprisalError("no-models", `${CATALOGUE_KEY} is not there.`);
    return { catalogue: parseCatalogue(stored.bytes), etag: stored.etag };
  }
  return {
    catalogue,
    async read(entry) {
      const { id, key } = checkEntry(entry); // a key must not lead out of the bucket
      const stored = await bucket.get(key, (size) => checkSize(entry, size));
      if (stored === undefined || stored === "unchanged") {
        throw new SurprisalError(
          "malformed-catalogue",
          `${CATALOGUE_KEY} names ${key} for ${id}, which does not exist.`,
        );
      }
      await checkFile(entry, stored.bytes, digest);
      return stored.bytes;
    },
  };
}
