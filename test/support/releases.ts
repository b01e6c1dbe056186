/** Models to publish, and buckets to publish to, for the tests of publishing and following. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import type { Cell } from "../../src/kernel/config.ts";
import { writeCheckpoint } from "../../src/model/checkpoint.ts";
import { type Bucket, bucketStore, type Stored } from "../../src/store/bucket.ts";
import { folderBucket } from "../../src/store/files.ts";
import { s3Bucket } from "../../src/store/s3.ts";
import type { Catalogue, CheckpointStore } from "../../src/store/store.ts";
import { entryFor } from "../contracts/store.ts";
import { randomCheckpoint, randomSpeechNetwork } from "./models.ts";
import { freshPlace, hasS3 } from "./s3.ts";

/** The suite on a folder and, where there is one, on S3. */
export function onEveryBucket(suite: (fresh: () => Promise<Bucket>) => void): void {
  describe("in a folder", () => {
    const folders: string[] = [];
    afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));
    suite(async () => {
      const folder = await mkdtemp(join(tmpdir(), "surprisal-"));
      folders.push(folder);
      return folderBucket(folder);
    });
  });
  describe.skipIf(!hasS3())("in S3", () => {
    suite(async () => s3Bucket(await freshPlace()));
  });
}

/** A store of small models by their seeds: another seed, another version. */
export function storeOf(seeds: Partial<Record<Cell, number>>): CheckpointStore {
  const files = new Map<string, Uint8Array>();
  const models: Catalogue["models"] = [];
  for (const [cell, seed] of Object.entries(seeds) as [Cell, number][]) {
    const bytes = writeCheckpoint(randomCheckpoint({ set: "jsb", cell, seed }));
    const entry = entryFor(bytes, { id: `jsb/${cell}`, key: `jsb/${cell}.safetensors`, cell, units: 9 });
    files.set(entry.version, bytes);
    models.push(entry);
  }
  const catalogue = async () => ({ catalogue: { models }, etag: "1" });
  return { catalogue, read: async ({ version }) => files.get(version) as Uint8Array };
}

/** A store with one model more, speech-short/gru, which can be read but whose scores are infinite. */
export async function withInfinite(source: CheckpointStore): Promise<CheckpointStore> {
  const { config, tensors, metadata } = randomSpeechNetwork({ cell: "gru" }).checkpoint;
  const bytes = writeCheckpoint({ config, tensors: { ...tensors, a: tensors.a.map(() => 1e5) }, metadata });
  const entry = entryFor(bytes, {
    id: "speech-short/gru",
    set: "speech-short",
    key: "speech-short/gru.safetensors",
    units: 9,
  });
  const { models } = (await source.catalogue()).catalogue;
  return {
    catalogue: async () => ({ catalogue: { models: [...models, entry] }, etag: "infinite" }),
    read: async (wanted) => (wanted.id === entry.id ? bytes : source.read(wanted)),
  };
}

/** Ids and versions of what a bucket offers, each file read and checked. */
export async function offered(bucket: Bucket): Promise<Record<string, string>> {
  const store = bucketStore(bucket);
  const { models } = (await store.catalogue()).catalogue;
  for (const entry of models) await store.read(entry);
  return Object.fromEntries(models.map(({ id, version }) => [id, version]));
}

/** The same of a store that is not a bucket. */
export async function offeredBy(store: CheckpointStore): Promise<Record<string, string>> {
  const { models } = (await store.catalogue()).catalogue;
  return Object.fromEntries(models.map(({ id, version }) => [id, version]));
}

/** Where the file of a model lies once its store is published. */
export async function keyOf(source: CheckpointStore, id: string): Promise<string> {
  return `objects/${(await offeredBy(source))[id]}.safetensors`;
}

/** An object that is there. */
export async function stored(bucket: Bucket, key: string): Promise<Stored> {
  const found = await bucket.get(key, () => {});
  if (found === undefined || found === "unchanged") throw new Error(`Found no ${key}.`);
  return found;
}

export const bytesOf = async (bucket: Bucket, key: string): Promise<Uint8Array> => (await stored(bucket, key)).bytes;
