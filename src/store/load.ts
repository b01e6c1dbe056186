/** A store -> all of its models at once, for callers that need every one. */
import type { Model } from "../model/model.ts";
import type { Failure } from "./problem.ts";
import { Release } from "./release.ts";
import type { CheckpointStore } from "./store.ts";

export interface Loaded {
  readonly models: readonly Model[];
  readonly failures: readonly Failure[];
}

/**
 * Loads every model of a store that can be loaded, in the catalogue's order, then an ensemble for each set of music and preset
 * that has two models or more in the catalogue.
 * @throws SurprisalError when the catalogue cannot be read or is empty. A file that cannot be is a failure.
 */
export async function loadModels(store: CheckpointStore, kernel: WebAssembly.Module): Promise<Loaded> {
  const release = await readRelease(store, kernel);
  return { models: release.loaded(), failures: release.failures() };
}

/** The release of a store, all of its files read. @throws as loadModels */
export async function readRelease(store: CheckpointStore, kernel: WebAssembly.Module): Promise<Release> {
  const release = new Release(await store.catalogue(), store.read, kernel);
  await release.readAll();
  return release;
}
