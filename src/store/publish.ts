/**
 * A store's models -> a release in a bucket. Objects are named by the sha256 of their bytes and never change; a release is
 * the catalogue itself, kept as `releases/<name>.json`, and names the one before it. What readers see changes by one
 * conditional write of catalogue.json, so of two publishers one is told that it lost and nobody sees half a release.
 */
import { readCheckpoint } from "../checkpoint.ts";
import { SurprisalError } from "../errors.ts";
import type { Bucket } from "./bucket.ts";
import {
  CATALOGUE_KEY,
  type Catalogue,
  type CheckpointStore,
  checkCatalogueSize,
  parseCatalogue,
  sha256,
  writeCatalogue,
} from "./store.ts";

export interface PublishedRelease {
  /** When it was published and the beginning of its sha256, or "unpublished" for a catalogue that was put there by hand. */
  readonly name: string;
  readonly catalogue: Catalogue;
}

export interface Publication {
  readonly name: string | undefined; // undefined when the bucket offers these models already
  readonly uploaded: readonly string[]; // keys of the objects that the bucket did not have
  readonly previous: string | undefined;
}

interface Options {
  readonly dryRun?: boolean; // says what would be done
  readonly now?: Date;
}

/**
 * Publishes what a store offers, each checkpoint read and checked first.
 * @throws SurprisalError when a checkpoint is damaged, and then nothing is uploaded; `release-conflict` when another release
 * was published meanwhile, and then that one stands.
 */
export async function publish(
  source: CheckpointStore,
  bucket: Bucket,
  { dryRun = false, now = new Date() }: Options = {},
): Promise<Publication> {
  const files = new Map<string, Uint8Array>();
  const models: Catalogue["models"] = [];
  for (const entry of (await source.catalogue()).catalogue.models) {
    const bytes = await source.read(entry);
    readCheckpoint(bytes);
    const key = `objects/${entry.version}.safetensors`;
    files.set(key, bytes);
    models.push({ ...entry, key });
  }
  const current = await currentRelease(bucket);
  const previous = current?.name;
  if (current && writeCatalogue({ models: current.catalogue.models }) === writeCatalogue({ models })) {
    return { name: undefined, uploaded: [], previous };
  }
  const there = new Set((await bucket.list("objects")).map((name) => `objects/${name}`));
  const uploaded = [...files].filter(([key]) => !there.has(key));
  const release = await releaseOf(models, current, now);
  if (!dryRun) {
    for (const [key, bytes] of uploaded) await bucket.put(key, bytes, "absent"); // one that came meanwhile is the same
    await swap(bucket, release, current);
  }
  return { name: release.name, uploaded: uploaded.map(([key]) => key), previous };
}

/**
 * Publishes the models of an earlier release again, as a new one.
 * @param wanted the release, or the beginning of its name; the one before the current unless given
 * @returns the earlier release
 * @throws SurprisalError `not-found` when there is no such release, `release-conflict` as publish.
 */
export async function rollBack(
  bucket: Bucket,
  wanted: string | undefined,
  { dryRun = false, now = new Date() }: Options = {},
): Promise<PublishedRelease> {
  const current = await currentRelease(bucket);
  const [, ...earlier] = await releases(bucket);
  const target = earlier.find(({ name }) => wanted === undefined || name.startsWith(wanted));
  if (!target) {
    const found = earlier.map(({ name }) => name).join(", ") || "none";
    const what = wanted === undefined ? "no earlier release" : `no earlier release ${wanted}`;
    throw new SurprisalError("not-found", `Found ${what}; there are ${found}.`);
  }
  if (!dryRun) await swap(bucket, await releaseOf(target.catalogue.models, current, now), current);
  return target;
}

/** The releases of a bucket, the current one first. */
export async function releases(bucket: Bucket): Promise<PublishedRelease[]> {
  const found: PublishedRelease[] = [];
  let next: PublishedRelease | undefined = await currentRelease(bucket);
  while (next && !found.some(({ name }) => name === next?.name)) {
    found.push(next);
    const previous = next.catalogue.release?.previous;
    const stored = previous === undefined ? undefined : await bucket.get(releaseKey(previous), checkCatalogueSize);
    next =
      previous !== undefined && stored && stored !== "unchanged"
        ? { name: previous, catalogue: parseCatalogue(stored.bytes) }
        : undefined;
  }
  return found;
}

const releaseKey = (name: string) => `releases/${name}.json`;

interface CurrentRelease extends PublishedRelease {
  readonly etag: string;
}

async function currentRelease(bucket: Bucket): Promise<CurrentRelease | undefined> {
  const stored = await bucket.get(CATALOGUE_KEY, checkCatalogueSize);
  if (stored === undefined || stored === "unchanged") return undefined;
  const catalogue = parseCatalogue(stored.bytes);
  const name = catalogue.release ? await nameOf(catalogue.release.published, stored.bytes) : "unpublished";
  return { name, catalogue, etag: stored.etag };
}

const nameOf = async (published: string, bytes: Uint8Array) =>
  `${published.replaceAll(/[-:]|\.\d+/g, "")}-${(await sha256(bytes)).slice(0, 12)}`;

interface NewRelease {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function releaseOf(
  models: Catalogue["models"],
  current: CurrentRelease | undefined,
  now: Date,
): Promise<NewRelease> {
  const published = now.toISOString();
  const release = { published, ...(current?.catalogue.release && { previous: current.name }) };
  const bytes = new TextEncoder().encode(writeCatalogue({ models, release }));
  return { name: await nameOf(published, bytes), bytes };
}

/** @throws SurprisalError `release-conflict` when the current release is no longer that. */
async function swap(bucket: Bucket, { name, bytes }: NewRelease, current: CurrentRelease | undefined): Promise<void> {
  await bucket.put(releaseKey(name), bytes, "absent");
  if (await bucket.put(CATALOGUE_KEY, bytes, current ? { etag: current.etag } : "absent")) return;
  throw new SurprisalError(
    "release-conflict",
    `Another release was published meanwhile; wanted ${current?.name ?? "none"} to be the current one. It stands; publish again to replace it.`,
  );
}
