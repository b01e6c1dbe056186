/** A folder as a checkpoint store: the shipped models/, and where the trainer puts its own. */
import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { SurprisalError } from "../errors.ts";
import { type Checkpoint, type Measured, metricsOf, modelId, writeCheckpoint } from "../model/checkpoint.ts";
import { type Bucket, bucketStore, StoreFailure } from "./bucket.ts";
import {
  CATALOGUE_KEY,
  type Catalogue,
  type CatalogueEntry,
  type CheckpointStore,
  checkEntry,
  writeCatalogue,
} from "./store.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** sha256 as Node has it: ten times as fast as that of all runtimes, measured at the start of a server. */
export const quickSha256 = async (bytes: Uint8Array): Promise<string> => sha256(bytes);

/** Reads a folder; keys are paths below it. */
export const fileStore = (folder: string): CheckpointStore => bucketStore(folderBucket(folder), quickSha256);

/** A folder as a bucket; the ETag of a file is its sha256. */
export function folderBucket(folder: string): Bucket {
  return {
    async get(key, checkSize, known) {
      const file = await answered(unless("ENOENT", open(join(folder, key))));
      if (file === undefined) return undefined;
      try {
        checkSize((await file.stat()).size);
        const bytes = await answered(file.readFile());
        if (known !== undefined && sha256(bytes) === known) return "unchanged";
        return {
          bytes,
          // Lazy: of a checkpoint nobody asks for it, and computing it would slow every start of a server.
          get etag() {
            return sha256(bytes);
          },
        };
      } finally {
        await file.close();
      }
    },
    put(key, bytes, condition) {
      const path = join(folder, key);
      if (condition === "absent") return answered(writeNewFile(path, bytes));
      if (condition === "any") return answered(writeFileAtomically(path, bytes).then(() => true));
      return answered(writeOver(path, bytes, condition.etag));
    },
  };
}

/** Turns errors of the file system into a StoreFailure. */
async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw cause instanceof Error ? new StoreFailure(cause.message, { cause }) : cause;
  }
}

/**
 * Puts a checkpoint into a folder as `<id>.safetensors`, in place of any before, and lists it in the catalogue.
 * For one writer at a time.
 * @throws SurprisalError when the checkpoint or the folder's catalogue is malformed; the folder is then unchanged.
 */
export async function addToFolder(folder: string, checkpoint: Checkpoint): Promise<CatalogueEntry> {
  const bytes = writeCheckpoint(checkpoint);
  const entry = entryOf(checkpoint, bytes);
  const { models, ensembles } = await catalogueOrEmpty(folder);
  const catalogue = writeCatalogue({ models: [...models.filter(({ id }) => id !== entry.id), entry], ensembles });
  await writeFileAtomically(join(folder, entry.key), bytes);
  await writeFileAtomically(join(folder, CATALOGUE_KEY), catalogue);
  return entry;
}

/** What was measured of a model or an ensemble on the test pieces of its set. */
export interface MeasuredModel {
  readonly id: string;
  readonly version: string;
  readonly test: Measured;
}

/** A catalogue that also says what was measured of its models, where the version is still the same, and of their ensembles. */
export function withMeasured(
  { models, ensembles = [], ...rest }: Catalogue,
  measured: readonly MeasuredModel[],
): Catalogue {
  const testOf = ({ id, version }: { id: string; version: string }) =>
    measured.find((each) => each.id === id && each.version === version)?.test;
  const ids = new Set(models.map(({ id }) => id));
  const others = measured.filter(({ id }) => !ids.has(id));
  return {
    ...rest,
    models: models.map((entry) => {
      const test = testOf(entry);
      return test ? { ...entry, metrics: { ...entry.metrics, test } } : entry;
    }),
    ensembles: [
      ...ensembles.filter(({ id }) => others.every((each) => each.id !== id)),
      ...others.map(({ id, version, test }) => ({ id, version, metrics: { test } })),
    ].sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/**
 * Writes into a folder's catalogue what was measured of its models.
 * @throws SurprisalError as catalogueOrEmpty
 */
export async function recordMeasured(folder: string, measured: readonly MeasuredModel[]): Promise<void> {
  const catalogue = withMeasured(await catalogueOrEmpty(folder), measured);
  await writeFileAtomically(join(folder, CATALOGUE_KEY), writeCatalogue(catalogue));
}

/** The catalogue of a folder; an empty one when it has none yet. */
export async function catalogueOrEmpty(folder: string): Promise<Catalogue> {
  try {
    return (await fileStore(folder).catalogue()).catalogue;
  } catch (error) {
    if (error instanceof SurprisalError && error.code === "no-models") return { models: [] };
    throw error;
  }
}

/** What the catalogue says of a checkpoint: its metadata's set, preset and metrics. */
function entryOf({ config, metadata }: Checkpoint, bytes: Uint8Array): CatalogueEntry {
  const { set = "", preset = "" } = metadata;
  const { cell, units } = config;
  const id = modelId({ set, cell, preset });
  return checkEntry({
    id,
    version: sha256(bytes),
    key: `${id}.safetensors`,
    size: bytes.length,
    set,
    cell,
    units,
    preset,
    metrics: metricsOf(metadata),
  });
}

/** Writes beside the path and renames, so that a reader sees the old file or the new one and never a part. */
export const writeFileAtomically = (path: string, bytes: Uint8Array | string): Promise<void> =>
  writeBeside(path, bytes, (temporary) => rename(temporary, path));

/** @returns false when there is a file already, which stays. */
async function writeNewFile(path: string, bytes: Uint8Array): Promise<boolean> {
  // Unlike a rename, a link fails when the name is taken.
  const place = async (temporary: string) => {
    const linked = await unless(
      "EEXIST",
      link(temporary, path).then(() => true),
    );
    await rm(temporary);
    return linked ?? false;
  };
  return writeBeside(path, bytes, place);
}

async function writeBeside<T>(
  path: string,
  bytes: Uint8Array | string,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(bytes);
      await file.sync(); // the new name must not reach the disk before the bytes
    } finally {
      await file.close();
    }
    return await place(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** @returns false when the file is not there or of another ETag. */
async function writeOver(path: string, bytes: Uint8Array, etag: string): Promise<boolean> {
  const holds = async () => {
    const found = await unless("ENOENT", readFile(path));
    return found !== undefined && sha256(found) === etag;
  };
  if (!(await holds())) return false; // without the file there may be no folder for the lock either
  const lock = `${path}.lock`;
  await takeLock(lock);
  try {
    if (!(await holds())) return false;
    await writeFileAtomically(path, bytes);
    return true;
  } finally {
    await rm(lock);
  }
}

const LOCK_TRIES = 40;
const LOCK_PAUSE_MS = 50;

/** @throws StoreFailure when it stays taken: only the user can tell a slow publisher from a dead one. */
async function takeLock(path: string): Promise<void> {
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const file = await unless("EEXIST", open(path, "wx"));
    if (file) return file.close();
    await setTimeout(LOCK_PAUSE_MS);
  }
  throw new StoreFailure(`${path} exists: another publisher is running, or one died. If none is running, remove it.`);
}

async function unless<T>(code: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  }
}
