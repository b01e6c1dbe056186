/** A catalogue and the files behind it -> models that answer, each of which is read, checked and made when it is first asked for. */

import { expected, SurprisalError } from "../errors.ts";
import { modelId, readCheckpoint } from "../model/checkpoint.ts";
import { Ensemble } from "../model/ensemble.ts";
import { type Model, type Network, networkOf } from "../model/model.ts";
import type { MusicNetwork } from "../model/music-network.ts";
import { type Named, type Wanted, wantedModels } from "../model/select.ts";
import { kindOfSet } from "../model/sets.ts";
import { tryNetwork } from "../model/trial.ts";
import { eachOf } from "../util/each.ts";
import { Shared } from "../util/shared.ts";
import { clientMessage, type Failure } from "./problem.ts";
import { CATALOGUE_KEY, type CatalogueEntry, type CheckpointStore, type Current, sha256 } from "./store.ts";

/** All of a release that was read, as it can be handed to another thread. */
export interface ReadFiles extends Current {
  readonly files: ReadonlyMap<string, Uint8Array>; // by version
}

/** A file, and what was made of it. */
interface ReadFile {
  readonly bytes: Uint8Array;
  readonly network: Network;
  readonly metrics: string; // those of its entry, as JSON: a later catalogue may have others
}

interface Offer extends Named {
  readonly bytes: number; // of its files
  readonly model: Shared<{ readonly model?: Model }>; // without one: its members read sound, which is not averaged
}

/** By so many bytes files may differ whose models have equally many parameters. */
const METADATA_BYTES = 256;

/** The models of a catalogue, as it was at a moment. */
export class Release {
  readonly #current: Current;
  readonly #kernel: WebAssembly.Module;
  readonly #files = new Map<string, ReadFile>(); // by version
  readonly #offers: readonly Offer[]; // networks in the order of the catalogue, then ensembles

  /**
   * Reads nothing yet.
   * @param read the file of an entry, checked
   * @param before releases whose models are taken over where the version is the same
   * @param patienceMs after which a read counts as lost, see Shared
   * @throws SurprisalError `no-models` when the catalogue is empty
   */
  constructor(
    current: Current,
    read: CheckpointStore["read"],
    kernel: WebAssembly.Module,
    before: readonly (Release | undefined)[] = [],
    patienceMs?: number,
  ) {
    this.#current = current;
    this.#kernel = kernel;
    const { models: entries, ensembles = [] } = current.catalogue;
    if (entries.length === 0) throw new SurprisalError("no-models", `${CATALOGUE_KEY} lists no models.`);
    const versions = new Set(entries.map(({ version }) => version));
    for (const [version, file] of before.flatMap((release) => (release ? [...release.#files] : []))) {
      if (versions.has(version)) this.#files.set(version, file);
    }
    const readOnce = async (entry: CatalogueEntry): Promise<ReadFile> => {
      const known = this.#files.get(entry.version);
      const metrics = JSON.stringify(entry.metrics);
      if (known?.metrics === metrics) return known;
      const bytes = known?.bytes ?? (await read(entry));
      const network = networkOf(readCheckpoint(bytes), entry.version, kernel, entry.metrics);
      const file = { bytes, network, metrics };
      this.#files.set(entry.version, file);
      return file;
    };
    const networks = new Map(
      entries.map((entry) => {
        const readNetwork = async () => ({ model: checkNetwork(entry, (await readOnce(entry)).network) });
        const model = new Shared(readNetwork, patienceMs);
        return [entry, { id: entry.id, set: entry.set, preset: entry.preset, bytes: entry.size, model }] as const;
      }),
    );
    const averages = [...Map.groupBy(entries, ensembleId)].flatMap(([id, unsorted]): Offer[] => {
      const [{ set, preset }] = unsorted;
      if (unsorted.length < 2 || kindOfSet(set) === "audio") return [];
      // In the order of ids, so that equal catalogues make equal ensembles and states.
      const members = unsorted.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const readMembers = async () => {
        const settled = await Promise.allSettled(members.map((member) => networks.get(member)?.model.result()));
        return average(id, members, settled.map(modelOf), ensembles);
      };
      const model = new Shared(readMembers, patienceMs);
      return [{ id, set, preset, bytes: members.reduce((sum, { size }) => sum + size, 0), model }];
    });
    this.#offers = [...networks.values(), ...averages];
  }

  get etag(): string {
    return this.#current.etag;
  }

  /** What the catalogue offers, also what has failed; nothing is read for it. */
  offers(): readonly Named[] {
    return this.#offers.filter(({ model }) => !model.value || model.value.model);
  }

  /** What was read and made until now. */
  loaded(): readonly Model[] {
    return this.#offers.flatMap(({ model }) => model.value?.model ?? []);
  }

  /** What was tried last in vain. */
  failures(): readonly Failure[] {
    return this.#offers.flatMap(({ id, model: { error } }) => (error === undefined ? [] : [{ id, error }]));
  }

  /** The files that were read until now. */
  files(): ReadFiles {
    return { ...this.#current, files: new Map([...this.#files].map(([version, { bytes }]) => [version, bytes])) };
  }

  /**
   * The models that are wanted, and of each of their sets of music the smallest, which finds the transposition of a piece. They
   * are read unless they were; what cannot be read is left out.
   * @throws SurprisalError `unknown-model` when a pattern names none, `no-models` when none that it names can be read, or none
   * that reads the kind.
   */
  async models(wanted: Wanted = {}): Promise<readonly Model[]> {
    const answering = wantedModels(this.#offers, wanted);
    const chosen = new Set(answering);
    for (const own of Map.groupBy(this.#offers, ({ set }) => set).values()) {
      const [{ set }] = own;
      if (kindOfSet(set) === "audio" || !own.some((offer) => chosen.has(offer))) continue;
      const least = Math.min(...own.map(({ bytes }) => bytes));
      for (const offer of own) if (offer.bytes < least + METADATA_BYTES) chosen.add(offer);
    }
    const read = this.#offers.filter((offer) => chosen.has(offer));
    await readAll(read);
    const groups = wanted.patterns?.map((pattern) => wantedModels(read, { patterns: [pattern] }));
    for (const own of groups ?? (wanted.kind ? [answering] : [])) {
      const failed = own.find(({ model }) => model.error !== undefined);
      if (!failed || own.some(({ model }) => model.value)) continue;
      throw new SurprisalError("no-models", clientMessage({ id: failed.id, error: failed.model.error }));
    }
    // Where all that were wanted of a set failed, the smallest would stand for them.
    const sets = new Set(answering.flatMap(({ set, model }) => (model.value ? [set] : [])));
    return read.flatMap(({ set, model }) => (sets.has(set) && model.value?.model) || []);
  }

  /** Reads all files. @param again also those that failed a moment ago */
  readAll(again = true): Promise<void> {
    return readAll(this.#offers, again);
  }

  /**
   * Tries each network on a short input, see tryNetwork. A cold start skips this: it would wait for models that nobody may ask
   * for, and every answer is checked as well.
   * @param tried a release whose models need not be tried again
   * @returns those that fail
   */
  async trial(tried?: Release): Promise<readonly Failure[]> {
    const failures: Failure[] = [];
    const known = tried?.loaded() ?? [];
    for (const model of this.loaded()) {
      if (model instanceof Ensemble || known.includes(model)) continue; // an average of finite numbers is one
      try {
        await tryNetwork(model as Network, this.#kernel);
      } catch (error) {
        failures.push({ id: model.id, error });
      }
    }
    return failures;
  }
}

/** The release behind files that another thread has read and checked. */
export function openFiles(release: ReadFiles, kernel: WebAssembly.Module): Release {
  const read = async ({ version }: CatalogueEntry) => {
    const bytes = release.files.get(version);
    if (bytes) return bytes;
    throw new SurprisalError("no-models", "Its file could not be read.");
  };
  return new Release(release, read, kernel);
}

const readAll = (offers: readonly Offer[], again = false): Promise<void> =>
  eachOf(offers, ({ model }) => model.result(again).catch(() => {})); // it keeps the error

/** @throws SurprisalError `malformed-catalogue` when the entry says another thing than the file. */
function checkNetwork(entry: CatalogueEntry, network: Network): Network {
  const { units } = network.checkpoint.config;
  if (network.id === entry.id && units === entry.units) return network;
  throw new SurprisalError(
    "malformed-catalogue",
    expected(`${entry.id} of ${entry.units} units in ${entry.key}`, `${network.id} of ${units} units`),
  );
}

const ensembleId = ({ set, preset }: CatalogueEntry) => modelId({ set, cell: "mixture", preset });

const modelOf = (settled: PromiseSettledResult<{ readonly model: Network } | undefined>): Network | undefined =>
  settled.status === "fulfilled" ? settled.value?.model : undefined;

/**
 * One that lacked a member would be another model under the same id.
 * @param networks of the members; undefined for one that cannot be read
 * @throws SurprisalError `no-models` when there is one
 */
async function average(
  id: string,
  members: readonly CatalogueEntry[],
  networks: readonly (Network | undefined)[],
  measured: NonNullable<Current["catalogue"]["ensembles"]>,
): Promise<{ readonly model?: Model }> {
  if (networks.some((network) => network?.kind === "audio")) return {};
  const missing = networks.indexOf(undefined);
  if (missing !== -1) {
    const ids = members.map((member) => member.id);
    throw new SurprisalError("no-models", `It averages ${ids.join(", ")}, and ${ids[missing]} is not loaded.`);
  }
  const version = await ensembleVersion(members);
  const { metrics } = measured.find((each) => each.id === id && each.version === version) ?? {};
  return { model: new Ensemble({ id, version, ...(metrics && { metrics }) }, networks as readonly MusicNetwork[]) };
}

/** Of the versions of its members in the order of their ids, as the catalogue has them. */
const ensembleVersion = (members: readonly CatalogueEntry[]): Promise<string> =>
  sha256(new TextEncoder().encode(members.map(({ version }) => version).join("\n")));
