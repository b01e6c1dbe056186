/** A store that may change -> its newest release that loads completely, and what is wrong with a newer one. */
import { SurprisalError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { type Failure, type Loaded, loadNamed, loadRelease, type Release, readRelease, tryNetworks } from "./load.ts";
import type { CheckpointStore } from "./store.ts";

export interface Follower {
  /** What to serve now; no models before the first success. */
  loaded(): Loaded;
  /**
   * The models of loaded(), after the first poll, which it begins. Before that poll has ended, patterns (see select.ts) are
   * answered by the models that they name, which are read alone: a process that is started for them need not wait for all.
   */
  models(patterns?: readonly string[]): Promise<readonly Model[]>;
  /** The release behind loaded(), for threads that load it themselves. */
  release(): Release | undefined;
  /** Why the last poll failed, or which models are not served. */
  problems(): readonly Problem[];
  /**
   * Polls the store once, or joins the poll that is under way.
   * @returns whether another release is served now. Never rejects.
   */
  refresh(): Promise<boolean>;
}

/** Without an id the problem is the store's own. */
export type Problem = Pick<Failure, "error"> & { readonly id?: string };

/**
 * Follows a store. Of the first release every model that loads is served; a later release replaces it only as a whole, and
 * once its new models have been tried, so that no failure of the store takes away a model that is served.
 */
export function follow(store: CheckpointStore, kernel: WebAssembly.Module): Follower {
  let release: Release | undefined;
  let loaded: Loaded = { models: [], failures: [] };
  let newest: Release | undefined; // not served while incomplete; its files need not be read again
  let problems: readonly Problem[] = [];
  let polling: Promise<boolean> | undefined;
  let polled = false;
  let named:
    | { readonly key: string; readonly models: Promise<readonly Model[] | undefined>; ended: boolean }
    | undefined;

  async function poll(): Promise<boolean> {
    try {
      // An incomplete release is read again even if its catalogue has not changed: a missing file may have arrived.
      const known = loaded.failures.length === 0 ? release?.etag : undefined;
      const held = new Map([...(release?.files ?? []), ...(newest?.files ?? [])]);
      const found = await readRelease(store, known, held);
      if (found === "unchanged") {
        newest = release;
        problems = [];
        return false;
      }
      newest = found;
      const next = await loadRelease(found, kernel, loaded.models);
      const first = loaded.models.length === 0 || found.etag === release?.etag;
      problems = first ? next.failures : [...next.failures, ...(await tryNetworks(next.models, kernel, loaded.models))];
      const better = first ? next.models.length > loaded.models.length : problems.length === 0;
      if (!better) return false;
      [release, loaded] = [found, next];
      return true;
    } catch (error) {
      problems = [{ error }];
      return false;
    }
  }

  function refresh(): Promise<boolean> {
    polling ??= poll().finally(() => {
      polling = undefined;
      named = undefined;
      polled = true;
    });
    return polling;
  }

  /** One load at a time, shared by all requests for the same models. Undefined when the caller has to wait for all models. */
  function readNamed(patterns: readonly string[]): Promise<readonly Model[] | undefined> | undefined {
    const key = JSON.stringify(patterns);
    if (named === undefined || (named.ended && named.key !== key)) named = beginNamed(key, patterns);
    return named.key === key ? named.models : undefined;
  }

  function beginNamed(key: string, patterns: readonly string[]): NonNullable<typeof named> {
    const read = async () => {
      try {
        return await loadNamed(store, kernel, patterns);
      } catch (error) {
        if (error instanceof SurprisalError) return undefined; // the poll will report it in full
        if (!polled) problems = [{ error }];
        if (named === load) named = undefined; // the next request tries again
        return [];
      } finally {
        load.ended = true;
      }
    };
    const load = { key, ended: false, models: read() };
    return load;
  }

  return {
    loaded: () => loaded,
    async models(patterns) {
      const models = !polled && patterns ? await readNamed(patterns) : undefined;
      if (models) return models;
      if (!polled) await refresh();
      return loaded.models;
    },
    release: () => release,
    problems: () => problems,
    refresh,
  };
}

/** A problem as a sentence for clients. Only SurprisalErrors are quoted: others may name paths or buckets of the server. */
export function clientMessage({ id, error }: Problem): string {
  return `${id ?? "The store"}: ${error instanceof SurprisalError ? error.message : "it cannot be read; the server's log has more."}`;
}
