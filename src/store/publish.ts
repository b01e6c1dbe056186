/**
 * A store's models -> a release in a bucket. Objects are named by the sha256 of their bytes and never change; a release is
 * the catalogue itself, kept as `releases/<name>.json`, and names the one before it. What readers see changes by one
 * conditional write of catalogue.json: of two publishers one gets `release-conflict`, and no reader sees half a release.
 */
import { expected, SurprisalError } from "../errors.ts";
import { eachOf } from "../util/each.ts";
import { type Bucket, bucketStore } from "./bucket.ts";
import { readRelease } from "./load.ts";
import type { Failure } from "./problem.ts";
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
  /** When it was published, or "unpublished" of a catalogue that was put there by hand, and the beginning of its sha256. */
  readonly name: string;
  readonly catalogue: Catalogue;
}

export interface Publication {
  readonly name: string | undefined; // undefined when the bucket has these models already
  readonly uploaded: readonly string[]; // keys of the objects that the bucket did not have, or not whole
  readonly previous: string | undefined;
}

export interface RolledBack {
  readonly name: string; // of the new release
  readonly target: PublishedRelease; // whose models it has
  readonly previous: string | undefined;
}

interface Options {
  readonly dryRun?: boolean; // only reports what would be done
  readonly now?: Date;
}

/**
 * Publishes the models of a store. Each model is loaded first, as a server would, and tried, and each object that is in the bucket
 * already is read: a release that cannot be served does not become one.
 * @throws SurprisalError when a model cannot be loaded, and then nothing is uploaded; `release-conflict` when another
 * release was published meanwhile, and then that one stands.
 */
export async function publish(
  source: CheckpointStore,
  bucket: Bucket,
  kernel: WebAssembly.Module,
  { dryRun = false, now = new Date() }: Options = {},
): Promise<Publication> {
  const { catalogue, files } = await loadable(source, kernel);
  const { models: entries, ensembles = [] } = catalogue;
  const models = entries.map((entry) => ({ ...entry, key: `objects/${entry.version}.safetensors` }));
  const current = await currentRelease(bucket);
  const failed = new Set((await unreadable(bucket, models)).map(({ id }) => id));
  const lacked = models.filter(({ id }) => failed.has(id));
  if (!dryRun) {
    // Unconditionally: whoever writes the same key writes the same bytes, and a torn object has to go.
    for (const { key, version } of lacked) await bucket.put(key, files.get(version) as Uint8Array, "any");
  }
  const outcome = { uploaded: lacked.map(({ key }) => key), previous: current?.name };
  if (current && writeCatalogue(offerOf(current.catalogue)) === writeCatalogue({ models, ensembles })) {
    return { ...outcome, name: undefined };
  }
  const release = await releaseOf({ models, ensembles }, current, now);
  if (!dryRun) await swap(bucket, release, current);
  return { ...outcome, name: release.name };
}

/**
 * Publishes the models of an earlier release again, as a new one.
 * @param wanted the release, or the beginning of its name; the one before the current unless given
 * @throws SurprisalError `not-found` when there is no such release, `malformed-request` when there are several,
 * `release-conflict` as publish, and when an object of that release is not there or not whole.
 */
export async function rollBack(
  bucket: Bucket,
  wanted: string | undefined,
  { dryRun = false, now = new Date() }: Options = {},
): Promise<RolledBack> {
  const current = await currentRelease(bucket);
  const [, ...earlier] = await releases(bucket);
  const target = wanted === undefined ? earlier.at(0) : chosen(earlier, wanted);
  if (!target) throw new SurprisalError("not-found", "There is no earlier release.");
  const { models } = target.catalogue;
  const [failure] = await unreadable(bucket, models);
  if (failure) throw failure.error;
  const release = await releaseOf(offerOf(target.catalogue), current, now);
  if (!dryRun) await swap(bucket, release, current);
  return { name: release.name, target, previous: current?.name };
}

/** The releases of a bucket, the current one first. */
export async function releases(bucket: Bucket): Promise<PublishedRelease[]> {
  const found = new Map<string, PublishedRelease>();
  let next: PublishedRelease | undefined = await currentRelease(bucket);
  while (next && !found.has(next.name)) {
    found.set(next.name, next);
    next = await earlierRelease(bucket, next.catalogue.release?.previous);
  }
  return [...found.values()];
}

/** A store's models, each of which can be loaded and gives finite numbers. */
async function loadable(source: CheckpointStore, kernel: WebAssembly.Module) {
  const release = await readRelease(source, kernel);
  const [failure] = [...release.failures(), ...(await release.trial())];
  if (!failure) return release.files();
  const { id, error } = failure;
  throw error instanceof SurprisalError ? new SurprisalError(error.code, `${id}: ${error.message}`) : error;
}

/** The models whose file is not in a bucket, or another. */
async function unreadable(bucket: Bucket, models: Catalogue["models"]): Promise<readonly Failure[]> {
  const store = bucketStore(bucket);
  const failures: Failure[] = [];
  await eachOf(models, async (entry) => {
    await store.read(entry).catch((error: unknown) => failures.push({ id: entry.id, error }));
  });
  const unanswered = failures.find(({ error }) => !(error instanceof SurprisalError));
  if (unanswered) throw unanswered.error;
  return failures;
}

function chosen(earlier: readonly PublishedRelease[], wanted: string): PublishedRelease {
  const matching = earlier.filter(({ name }) => name.startsWith(wanted));
  if (matching.length === 1) return matching[0];
  const names = (matching.length ? matching : earlier).map(({ name }) => name).join(", ") || "none";
  throw matching.length
    ? new SurprisalError("malformed-request", expected(`${wanted} to begin the name of one release`, names))
    : new SurprisalError("not-found", expected(`an earlier release (${names})`, wanted));
}

const releaseKey = (name: string) => `releases/${name}.json`;

interface CurrentRelease extends PublishedRelease {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

async function currentRelease(bucket: Bucket): Promise<CurrentRelease | undefined> {
  const stored = await bucket.get(CATALOGUE_KEY, checkCatalogueSize);
  if (stored === undefined || stored === "unchanged") return undefined;
  const catalogue = parseCatalogue(stored.bytes);
  return { ...stored, catalogue, name: await nameOf(catalogue.release?.published, stored.bytes) };
}

async function earlierRelease(bucket: Bucket, name: string | undefined): Promise<PublishedRelease | undefined> {
  const stored = name === undefined ? undefined : await bucket.get(releaseKey(name), checkCatalogueSize);
  if (name === undefined || stored === undefined || stored === "unchanged") return undefined;
  return { name, catalogue: parseCatalogue(stored.bytes, releaseKey(name)) };
}

const nameOf = async (published = "unpublished", bytes: Uint8Array) =>
  `${published.replaceAll(/[-:]|\.\d+/g, "")}-${(await sha256(bytes)).slice(0, 12)}`;

interface NewRelease {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a catalogue offers, whatever release it is of. */
const offerOf = ({ models, ensembles = [] }: Catalogue): Catalogue => ({ models, ensembles });

async function releaseOf(offer: Catalogue, current: CurrentRelease | undefined, now: Date): Promise<NewRelease> {
  const published = now.toISOString();
  const release = { published, ...(current && { previous: current.name }) };
  const bytes = new TextEncoder().encode(writeCatalogue({ ...offer, release }));
  return { name: await nameOf(published, bytes), bytes };
}

/** @throws SurprisalError `release-conflict` when the current release is no longer that. */
async function swap(bucket: Bucket, { name, bytes }: NewRelease, current: CurrentRelease | undefined): Promise<void> {
  // What was put there by hand would be lost.
  if (current && !current.catalogue.release) await bucket.put(releaseKey(current.name), current.bytes, "any");
  await bucket.put(releaseKey(name), bytes, "any");
  if (await bucket.put(CATALOGUE_KEY, bytes, current ? { etag: current.etag } : "absent")) return;
  // A write whose answer is lost on the way is sent again, and then meets itself.
  const standing = await currentRelease(bucket);
  if (standing?.name === name) return;
  throw new SurprisalError(
    "release-conflict",
    `${expected(`${current?.name ?? "none"} still to be the current release`, standing?.name ?? "none")} Publish again to replace it.`,
  );
}
