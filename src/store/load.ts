/** A store's checkpoints -> a release in memory -> models that answer: networks, and the ensembles of them. */

import { expected, SurprisalError } from "../errors.ts";
import { modelId, readCheckpoint } from "../model/checkpoint.ts";
import { Ensemble } from "../model/ensemble.ts";
import { type Model, networkOf } from "../model/model.ts";
import type { MusicNetwork } from "../model/music-network.ts";
import { isNamed } from "../model/select.ts";
import type { SpeechNetwork } from "../model/speech-network.ts";
import { tryNetwork } from "../model/trial.ts";
import { CATALOGUE_KEY, type Catalogue, type CatalogueEntry, type CheckpointStore, sha256 } from "./store.ts";

/** A model that cannot be served, and why. */
export interface Failure {
  readonly id: string;
  readonly error: unknown;
}

/** What a store had at a moment. It can be handed to another thread, which then loads the same models. */
export interface Release {
  readonly etag: string; // of the catalogue
  readonly entries: readonly CatalogueEntry[];
  readonly ensembles: NonNullable<Catalogue["ensembles"]>;
  /** The checkpoint files, checked, by version. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of the entries whose file is not among them. */
  readonly failures: readonly Failure[];
}

export interface Loaded {
  readonly models: readonly Model[];
  readonly failures: readonly Failure[];
}

/** Loads every model of a store that can be loaded, see loadRelease. @throws as readRelease */
export async function loadModels(store: CheckpointStore, kernel: WebAssembly.Module): Promise<Loaded> {
  return loadRelease(await readRelease(store), kernel);
}

/**
 * Loads those models of a store that patterns name, for ensembles their networks, and of each of their sets the smallest model,
 * which finds the transposition of a piece.
 * @returns undefined when one cannot be loaded or a pattern names none: the error that says so has to know the whole store.
 * @throws as readRelease
 */
export async function loadNamed(
  store: CheckpointStore,
  kernel: WebAssembly.Module,
  patterns: readonly string[],
): Promise<readonly Model[] | undefined> {
  const { catalogue, etag } = await store.catalogue();
  const { models: all, ensembles = [] } = catalogue;
  const isWanted = (id: string) => patterns.some((pattern) => isNamed(id, pattern));
  const named = all.filter((entry) => isWanted(entry.id) || isWanted(ensembleId(entry)));
  const smallest = [...Map.groupBy(all, ({ set }) => set).values()].map((entries) =>
    entries.reduce((least, entry) => (entry.size < least.size ? entry : least)),
  );
  const entries = all.filter(
    (entry) => named.includes(entry) || (smallest.includes(entry) && named.some(({ set }) => set === entry.set)),
  );
  const { models, failures } = await loadRelease(await readEntries(store, { entries, ensembles, etag }), kernel);
  // An ensemble of those that happen to be read would not be that of the catalogue.
  const found = models.filter(({ id }) => isWanted(id) || smallest.some((entry) => entry.id === id));
  const areFound = patterns.every((pattern) => found.some(({ id }) => isNamed(id, pattern)));
  return areFound && failures.length === 0 ? found : undefined;
}

/** Enough to hide the latency of a bucket. */
const READS_AT_A_TIME = 8;

/**
 * Reads the files of a store's catalogue, or learns that its ETag is still `known`.
 * @param held files that need not be read again, by version
 * @throws SurprisalError when the catalogue cannot be read or is empty. A file that cannot be is a failure of the release.
 */
export async function readRelease(store: CheckpointStore): Promise<Release>;
export async function readRelease(
  store: CheckpointStore,
  known: string | undefined,
  held: ReadonlyMap<string, Uint8Array>,
): Promise<Release | "unchanged">;
export async function readRelease(
  store: CheckpointStore,
  known?: string,
  held: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Release | "unchanged"> {
  const current = await store.catalogue(known);
  if (current === "unchanged") return current;
  const { models: entries, ensembles = [] } = current.catalogue;
  if (entries.length === 0) throw new SurprisalError("no-models", `${CATALOGUE_KEY} lists no models.`);
  return readEntries(store, { entries, ensembles, etag: current.etag }, held);
}

async function readEntries(
  store: CheckpointStore,
  { entries, ensembles, etag }: Pick<Release, "entries" | "ensembles" | "etag">,
  held: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Release> {
  const files = new Map<string, Uint8Array>();
  const failures: Failure[] = [];
  const waiting = entries.values();
  const reader = async () => {
    for (const entry of waiting) {
      try {
        files.set(entry.version, held.get(entry.version) ?? (await store.read(entry)));
      } catch (error) {
        failures.push({ id: entry.id, error });
      }
    }
  };
  await Promise.all(Array.from({ length: READS_AT_A_TIME }, reader));
  return { etag, entries, ensembles, files, failures };
}

/**
 * Loads every model of a release that can be loaded, in the catalogue's order, then an ensemble for each set of
 * music and preset that has two models or more in the catalogue. An ensemble that lacks a member would be another model
 * under the same id, so it is a failure as well.
 * @param loaded models that are taken over where the version is the same
 */
export async function loadRelease(
  { entries, ensembles: measured, files, failures: unread }: Release,
  kernel: WebAssembly.Module,
  loaded: readonly Model[] = [],
): Promise<Loaded> {
  const networks = new Map<string, MusicNetwork | SpeechNetwork>();
  const ensembles: Ensemble[] = [];
  const failures = [...unread];
  for (const entry of entries) {
    const bytes = files.get(entry.version);
    if (bytes === undefined) continue;
    try {
      const network =
        heldNetwork(entry, loaded) ?? networkOf(readCheckpoint(bytes), entry.version, kernel, entry.metrics);
      networks.set(entry.id, checkNetwork(entry, network));
    } catch (error) {
      failures.push({ id: entry.id, error });
    }
  }
  for (const [id, members] of Map.groupBy(entries, ensembleId)) {
    if (members.length < 2 || members.some((member) => networks.get(member.id)?.kind === "audio")) continue;
    try {
      ensembles.push(await mix(id, members, networks, measured));
    } catch (error) {
      failures.push({ id, error });
    }
  }
  return { models: [...networks.values(), ...ensembles], failures };
}

/**
 * Tries each network on a short input, see tryNetwork. A cold start skips this: it would wait for models that nobody
 * may ask for, and every answer is checked as well.
 * @param tried models that need not be tried again
 * @returns those that fail
 */
export async function tryNetworks(
  models: readonly Model[],
  kernel: WebAssembly.Module,
  tried: readonly Model[] = [],
): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (const model of models) {
    if (model instanceof Ensemble || tried.includes(model)) continue; // an average of finite numbers is one
    try {
      await tryNetwork(model as MusicNetwork | SpeechNetwork, kernel);
    } catch (error) {
      failures.push({ id: model.id, error });
    }
  }
  return failures;
}

function heldNetwork({ version }: CatalogueEntry, loaded: readonly Model[]): MusicNetwork | SpeechNetwork | undefined {
  const model = loaded.find((each) => each.version === version);
  return model instanceof Ensemble ? undefined : (model as MusicNetwork | SpeechNetwork | undefined);
}

/** @throws SurprisalError `malformed-catalogue` when the entry says another thing than the file. */
function checkNetwork(entry: CatalogueEntry, network: MusicNetwork | SpeechNetwork): MusicNetwork | SpeechNetwork {
  const { units } = network.checkpoint.config;
  if (network.id === entry.id && units === entry.units) return network;
  throw new SurprisalError(
    "malformed-catalogue",
    expected(`${entry.id} of ${entry.units} units in ${entry.key}`, `${network.id} of ${units} units`),
  );
}

const ensembleId = ({ set, preset }: CatalogueEntry) => modelId({ set, cell: "mixture", preset });

/** In the order of ids and with a version of all versions, so that equal catalogues make equal ensembles and states. */
async function mix(
  id: string,
  members: readonly CatalogueEntry[],
  networks: ReadonlyMap<string, MusicNetwork | SpeechNetwork>,
  measured: Release["ensembles"],
): Promise<Ensemble> {
  const ids = members.map((member) => member.id).sort();
  const loaded = ids.map((member) => {
    const network = networks.get(member);
    if (network?.kind !== "music")
      throw new SurprisalError("no-models", `It averages ${ids.join(", ")}, and ${member} is not loaded.`);
    return network;
  });
  const versions = loaded.map(({ version }) => version).join("\n");
  const version = await sha256(new TextEncoder().encode(versions));
  const { metrics } = measured.find((each) => each.id === id && each.version === version) ?? {};
  return new Ensemble({ id, version, ...(metrics && { metrics }) }, loaded);
}
