/** A checkpoint store -> models that are ready to score. */
import { readCheckpoint } from "./checkpoint.ts";
import { Model } from "./model.ts";
import type { CheckpointStore } from "./store/store.ts";

/**
 * Loads every model of the store's catalogue.
 * @param kernel dist/kernel.wasm, compiled by the caller since runtimes differ in how they allow it
 * @throws SurprisalError of the store or of the checkpoint that cannot be read
 */
export async function loadModels(store: CheckpointStore, kernel: WebAssembly.Module): Promise<readonly Model[]> {
  const { models } = await store.catalogue();
  return Promise.all(models.map(async (entry) => new Model(entry, readCheckpoint(await store.read(entry)), kernel)));
}
