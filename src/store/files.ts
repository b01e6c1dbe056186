/** A folder as a checkpoint store: the shipped models/, and where the trainer puts its own. */
import { createHash } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { SurprisalError } from "../errors.ts";
import {
  type Checkpoint,
  type Measured,
  type Metrics,
  metricsOf,
  modelId,
  writeCheckpoint,
} from "../model/checkpoint.ts";
import { locked, unless, writeBeside, writeFileAtomically } from "./atomic.ts";
import { type Bucket, bucketStore, type Condition, StoreFailure } from "./bucket.ts";
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
      if (condition === "any") return answered(writeFileAtomically(path, bytes).then(() => true));
      return answered(writeIf(path, bytes, condition));
    },
  };
}

/** @returns false when the condition does not hold */
async function writeIf(path: string, bytes: Uint8Array, condition: Exclude<Condition, "any">): Promise<boolean> {
  const holds = async () => {
    const found = await unless("ENOENT", readFile(path));
    if (condition === "absent") return found === undefined;
    return found !== undefined && sha256(found) === condition.etag;
  };
  if (!(await holds())) return false;
  return locked(path, async (checkHeld) => {
    if (!(await holds())) return false;
    await writeBeside(path, bytes, (temporary) => {
      checkHeld();
      return rename(temporary, path);
    });
    return true;
  });
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
 * Puts a checkpoint into a folder as `<id>.safetensors`, in place of any before, and lists it in the catalogue. Several
 * processes may do so at once.
 * @throws SurprisalError when the checkpoint or the folder's catalogue is malformed; the folder is then unchanged.
 */
export async function addToFolder(folder: string, checkpoint: Checkpoint): Promise<CatalogueEntry> {
  const bytes = writeCheckpoint(checkpoint);
  const entry = entryOf(checkpoint, bytes);
  const path = join(folder, entry.key);
  // Both files are on the disk before the first of them gets its name.
  await writeBeside(path, bytes, (temporary) =>
    changeCatalogue(
      folder,
      ({ models, ensembles }) => ({ models: [...models.filter(({ id }) => id !== entry.id), entry], ensembles }),
      () => rename(temporary, path),
    ),
  );
  return entry;
}

/**
 * Changes a folder's catalogue, which is empty when there is none yet. No change that another process makes is lost.
 * @param before a step to take right before readers see the change
 */
async function changeCatalogue(
  folder: string,
  change: (catalogue: Catalogue) => Catalogue,
  before = async () => {},
): Promise<void> {
  const path = join(folder, CATALOGUE_KEY);
  await locked(path, async (checkHeld) => {
    const changed = writeCatalogue(change(await catalogueOrEmpty(folder)));
    await writeBeside(path, changed, async (temporary) => {
      checkHeld();
      await before();
      await rename(temporary, path);
    });
  });
}

/** What was measured of a model or an ensemble on the test pieces of its set. */
export interface MeasuredModel {
  readonly id: string;
  readonly version: string;
  readonly test: Measured;
  readonly adaptiveTest?: Measured | undefined; // of music
}

/** A catalogue that also says what was measured of its models, where the version is still the same, and of their ensembles. */
export function withMeasured(
  { models, ensembles = [], ...rest }: Catalogue,
  measured: readonly MeasuredModel[],
): Catalogue {
  const testsOf = ({ id, version }: { id: string; version: string }) => {
    const found = measured.find((each) => each.id === id && each.version === version);
    return found && tests(found);
  };
  const ids = new Set(models.map(({ id }) => id));
  const others = measured.filter(({ id }) => !ids.has(id));
  return {
    ...rest,
    models: models.map((entry) => {
      const found = testsOf(entry);
      return found ? { ...entry, metrics: { ...entry.metrics, ...found } } : entry;
    }),
    ensembles: [
      ...ensembles.filter(({ id }) => others.every((each) => each.id !== id)),
      ...others.map(({ id, version, ...found }) => ({ id, version, metrics: tests(found) })),
    ].sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

const tests = ({ test, adaptiveTest }: Pick<MeasuredModel, "test" | "adaptiveTest">): Metrics => ({
  test,
  ...(adaptiveTest && { adaptiveTest }),
});

/**
 * Writes into a folder's catalogue what was measured of its models.
 * @throws SurprisalError as catalogueOrEmpty
 */
export const recordMeasured = (folder: string, measured: readonly MeasuredModel[]): Promise<void> =>
  changeCatalogue(folder, (catalogue) => withMeasured(catalogue, measured));

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
