/** A folder as a checkpoint store: the shipped models/, and where the trainer puts its own. */
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Checkpoint, metricsOf, modelId, writeCheckpoint } from "../checkpoint.ts";
import { SurprisalError } from "../errors.ts";
import {
  CATALOGUE_KEY,
  type Catalogue,
  type CatalogueEntry,
  type CheckpointStore,
  checkEntry,
  checkFile,
  checkSize,
  parseCatalogue,
  sha256,
  writeCatalogue,
} from "./store.ts";

/** Reads a folder; keys are paths below it. */
export function fileStore(folder: string): CheckpointStore {
  return {
    async catalogue() {
      const bytes = await unlessMissing(readFile(join(folder, CATALOGUE_KEY)));
      if (bytes === undefined) throw new SurprisalError("no-models", `${CATALOGUE_KEY} is not there.`);
      return parseCatalogue(bytes);
    },
    async read(entry) {
      const { id, key } = checkEntry(entry); // a key must not lead out of the folder
      const file = await unlessMissing(open(join(folder, key)));
      if (file === undefined) {
        throw new SurprisalError("malformed-catalogue", `${CATALOGUE_KEY} has ${key} for ${id}, which is not there.`);
      }
      try {
        checkSize(entry, (await file.stat()).size);
        const bytes = await file.readFile();
        await checkFile(entry, bytes);
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

/**
 * Puts a checkpoint into a folder as `<id>.safetensors`, in place of any before, and lists it in the catalogue.
 * For one writer at a time.
 * @throws SurprisalError when the checkpoint or the folder's catalogue is malformed; the folder is then unchanged.
 */
export async function addToFolder(folder: string, checkpoint: Checkpoint): Promise<CatalogueEntry> {
  const bytes = writeCheckpoint(checkpoint);
  const entry = await entryOf(checkpoint, bytes);
  const { models } = await catalogueOrEmpty(folder);
  const catalogue = writeCatalogue({ models: [...models.filter(({ id }) => id !== entry.id), entry] });
  await writeFileAtomically(join(folder, entry.key), bytes);
  await writeFileAtomically(join(folder, CATALOGUE_KEY), catalogue);
  return entry;
}

/** What a folder offers; nothing when it has no catalogue yet. */
export async function catalogueOrEmpty(folder: string): Promise<Catalogue> {
  try {
    return await fileStore(folder).catalogue();
  } catch (error) {
    if (error instanceof SurprisalError && error.code === "no-models") return { models: [] };
    throw error;
  }
}

/** What the catalogue says of a checkpoint: its metadata's set, preset and metrics. */
async function entryOf({ config, metadata }: Checkpoint, bytes: Uint8Array): Promise<CatalogueEntry> {
  const { set = "", preset = "" } = metadata;
  const { cell, units } = config;
  const id = modelId({ set, cell, preset });
  return checkEntry({
    id,
    version: await sha256(bytes),
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
export async function writeFileAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(bytes);
      await file.sync(); // the rename must not reach the disk before the bytes
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
