/** A store that may change -> its newest release that can be served, and what is wrong with a newer one. */
import type { Model } from "../model/model.ts";
import type { Named, Wanted } from "../model/select.ts";
import { Shared } from "../util/shared.ts";
import type { Problem } from "./problem.ts";
import { Release } from "./release.ts";
import type { CheckpointStore } from "./store.ts";

export interface Follower {
  /** What is served now, once the catalogue was read. */
  release(): Release | undefined;
  /** What the served catalogue offers; nothing before it, and any of its models, can be read. */
  offers(): Promise<readonly Named[]>;
  /** The models that are wanted, see Release; none before the catalogue can be read. */
  models(wanted?: Wanted): Promise<readonly Model[]>;
  /** Why the last poll failed, or which models could not be read when they were last asked for. */
  problems(): readonly Problem[];
  /**
   * Polls the catalogue once, or joins the poll that is under way. A later release is read, checked and tried as a whole before
   * it is served.
   * @returns whether another release is served now. Never rejects.
   */
  poll(): Promise<boolean>;
  /**
   * Polls, and reads all of what is served.
   * @returns whether other models are served now. Never rejects.
   */
  refresh(): Promise<boolean>;
}

/** Time from one look at a store that has nothing to serve to the next. */
const RETRY_MS = 1000;

/**
 * Follows a store. The first release is served as soon as its catalogue is read, and each of its models as soon as it is; a later
 * one replaces it only as a whole, so that no failure of the store takes away a model that is served.
 * @param patienceMs after which reads count as lost, see Shared
 */
export function follow(store: CheckpointStore, kernel: WebAssembly.Module, patienceMs?: number): Follower {
  let serving: Release | undefined;
  let next: Release | undefined; // not whole yet; its files need not be read again
  let problems: readonly Problem[] | undefined; // of the last poll, where it did not end well
  let failedAt = Number.NEGATIVE_INFINITY;
  let polling: Shared<{ readonly isNew: boolean }> | undefined;

  async function look(): Promise<{ readonly isNew: boolean }> {
    try {
      const found = await readCatalogue();
      if (found && found.etag === serving?.etag) next = undefined;
      else if (found) next = new Release(found, store.read, kernel, [serving, next], patienceMs);
      const candidate = next;
      problems = candidate && canServe(serving) ? await faultsOf(candidate, serving) : [];
      if (!candidate || problems.length > 0 || candidate !== next) return { isNew: false };
      [serving, next, problems] = [candidate, undefined, undefined];
      return { isNew: true };
    } catch (error) {
      problems = [{ error }];
      failedAt = Date.now();
      return { isNew: false };
    }
  }

  /** Undefined when it has not changed. */
  async function readCatalogue() {
    const known = (next ?? serving)?.etag;
    if (known === undefined) return store.catalogue();
    const found = await store.catalogue(known);
    return found === "unchanged" ? undefined : found;
  }

  async function poll(): Promise<boolean> {
    polling ??= new Shared(look, patienceMs);
    const own = polling;
    const { isNew } = await own.result();
    if (polling === own) polling = undefined;
    return isNew;
  }

  /** Reads the catalogue unless that was done, or failed just now. */
  async function opened(): Promise<Release | undefined> {
    if (!serving && Date.now() - failedAt >= RETRY_MS) await poll();
    return serving;
  }

  return {
    release: () => serving,
    async offers() {
      const release = await opened();
      if (!canServe(release)) await release?.readAll(false);
      return canServe(release) ? (release?.offers() ?? []) : [];
    },
    models: async (wanted) => (await opened())?.models(wanted) ?? [],
    problems: () => (problems?.length ? problems : (serving?.failures() ?? [])),
    poll,
    async refresh() {
      const before = serving?.loaded() ?? [];
      await poll();
      await serving?.readAll();
      const now = serving?.loaded() ?? [];
      return now.length !== before.length || now.some((model, i) => model !== before[i]);
    },
  };
}

/** Whether there is a model in it that has not failed. */
const canServe = (release: Release | undefined): boolean =>
  release !== undefined && release.offers().length > release.failures().length;

/** What keeps a later release from being served. */
async function faultsOf(release: Release, before: Release | undefined): Promise<readonly Problem[]> {
  await release.readAll();
  return [...release.failures(), ...(await release.trial(before))];
}
