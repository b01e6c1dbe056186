/** A store's checkpoints -> models that answer. */
import { readCheckpoint } from "../checkpoint.ts";
import { SurprisalError } from "../errors.ts";
import { Model } from "../model.ts";
import type { CatalogueEntry, CheckpointStore } from "./store.ts";

export interface Loaded {
  readonly models: readonly Model[];
  /** Models of the catalogue that cannot be served, and why. */
  readonly failures: readonly { readonly id: string; readonly error: unknown }[];
}

/**
 * Loads every model of the catalogue that can be loaded, in the catalogue's order.
 * @throws SurprisalError when the catalogue itself cannot be read.
 */
export async function loadModels(store: CheckpointStore, kernel: WebAssembly.Module): Promise<Loaded> {
  const models: Model[] = [];
  const failures: { id: string; error: unknown }[] = [];
  for (const entry of (await store.catalogue()).models) {
    try {
      models.push(await loadModel(store, entry, kernel));
    } catch (error) {
      failures.push({ id: entry.id, error });
    }
  }
  return { models, failures };
}

async function loadModel(store: CheckpointStore, entry: CatalogueEntry, kernel: WebAssembly.Module): Promise<Model> {
  const checkpoint = readCheckpoint(await store.read(entry));
  const id = `${checkpoint.metadata.set}/${checkpoint.config.cell}`;
  if (id !== entry.id) {
    throw new SurprisalError("malformed-catalogue", `${entry.key} holds ${id}; wanted ${entry.id}.`);
  }
  return new Model({ id: entry.id, version: entry.version }, checkpoint, kernel);
}
