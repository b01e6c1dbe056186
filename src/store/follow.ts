/** A store that may change -> the newest of its releases that is whole, and what is wrong with a newer one. */
import { SurprisalError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { type Failure, type Loaded, loadNamed, loadRelease, type Release, readRelease } from "./load.ts";
import type { CheckpointStore } from "./store.ts";

export interface Follower {
  /** What to serve now; no models before the first success. */
  loaded(): Loaded;
  /**
   * The models of loaded(), after the first poll, which it begins. Before that poll has ended, patterns (see select.ts) are
   * answered by the models that they name, which are read alone: a process that is started for them need not wait for all.
   */
  models(patterns?: readonly string[]): Promise<readonly Model[]>;
  /** The same as it was read, for those who load it elsewhere. */
  release(): Release | undefined;
  /** Why the store could last not be read, or what of it is not served. */
  problems(): readonly Problem[];
  /**
   * Polls the store once, or joins the poll that is under way.
   * @returns whether another release is served now. Never rejects.
   */
  refresh(): Promise<boolean>;
}

/** Without an id it is the store itself. */
export type Problem = Pick<Failure, "error"> & { readonly id?: string };

/**
 * Follows a store. The first release is served as far as it can be loaded; a later one only as a whole, so that whatever
 * happens to the store, what is served stays.
 */
export function follow(store: CheckpointStore, kernel: WebAssembly.Module): Follower {
  let release: Release | undefined;
  let loaded: Loaded = { models: [], failures: [] };
  let newest: Release | undefined; // which is not served while it is not whole, and whose files need not be read again
  let problems: readonly Problem[] = [];
  let polling: Promise<boolean> | undefined;
  let polled = false;
  let named:
    | { readonly key: string; readonly models: Promise<readonly Model[] | undefined>; ended: boolean }
    | undefined;

  async function poll(): Promise<boolean> {
    try {
      // A release that is not whole is read again even when its catalogue is the same: a file may have come back.
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
      problems = next.failures;
      const first = loaded.models.length === 0 || found.etag === release?.etag;
      const better = first ? next.models.length > loaded.models.length : next.failures.length === 0;
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

  /** One load at a time: what many requests name would be read many times over. Undefined when all are to be waited for. */
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
        if (error instanceof SurprisalError) return undefined; // a poll tells more
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

/** A problem in a sentence for clients, who learn nothing of the server's places: only errors of our own say more. */
export function clientMessage({ id, error }: Problem): string {
  return `${id ?? "The store"}: ${error instanceof SurprisalError ? error.message : "it cannot be read; the server's log has more."}`;
}
