/** A store's checkpoints -> models that answer: networks, and the mixtures of them. */
import { modelId, readCheckpoint } from "../checkpoint.ts";
import { SurprisalError } from "../errors.ts";
import { Mixture } from "../mixture.ts";
import { type Model, type Network, networkOf } from "../model.ts";
import type { SpeechModel } from "../speech-model.ts";
import { type CatalogueEntry, type CheckpointStore, sha256 } from "./store.ts";

export interface Loaded {
  readonly models: readonly Model[];
  /** Models that cannot be served, and why. */
  readonly failures: readonly { readonly id: string; readonly error: unknown }[];
}

/**
 * Loads every model of the catalogue that can be loaded, in the catalogue's order, and behind them a mixture for each set
 * of music and preset of which the catalogue has two models or more. A mixture that lacks a member would be another model under
 * the same id, so it is a failure as well.
 * @throws SurprisalError when the catalogue itself cannot be read.
 */
export async function loadModels(store: CheckpointStore, kernel: WebAssembly.Module): Promise<Loaded> {
  const entries = (await store.catalogue()).models;
  const networks = new Map<string, Network | SpeechModel>();
  const mixtures: Mixture[] = [];
  const failures: { id: string; error: unknown }[] = [];
  for (const entry of entries) {
    try {
      networks.set(entry.id, await loadNetwork(store, entry, kernel));
    } catch (error) {
      failures.push({ id: entry.id, error });
    }
  }
  for (const [id, members] of Map.groupBy(entries, mixtureId)) {
    if (members.length < 2 || members.some((member) => networks.get(member.id)?.kind === "audio")) continue;
    try {
      mixtures.push(await mix(id, members, networks));
    } catch (error) {
      failures.push({ id, error });
    }
  }
  return { models: [...networks.values(), ...mixtures], failures };
}

async function loadNetwork(
  store: CheckpointStore,
  entry: CatalogueEntry,
  kernel: WebAssembly.Module,
): Promise<Network | SpeechModel> {
  const network = networkOf(readCheckpoint(await store.read(entry)), entry.version, kernel);
  if (network.id !== entry.id) {
    throw new SurprisalError("malformed-catalogue", `${entry.key} holds ${network.id}; wanted ${entry.id}.`);
  }
  return network;
}

const mixtureId = ({ set, preset }: CatalogueEntry) => modelId({ set, cell: "mixture", preset });

/** In the order of ids and with a version of all versions, so that equal catalogues make equal mixtures and states. */
async function mix(
  id: string,
  members: readonly CatalogueEntry[],
  networks: ReadonlyMap<string, Network | SpeechModel>,
): Promise<Mixture> {
  const ids = members.map((member) => member.id).sort();
  const loaded = ids.map((member) => {
    const network = networks.get(member);
    if (network?.kind !== "music")
      throw new SurprisalError("no-models", `It averages ${ids.join(", ")}, and ${member} is not loaded.`);
    return network;
  });
  const versions = loaded.map(({ version }) => version).join("\n");
  return new Mixture({ id, version: await sha256(new TextEncoder().encode(versions)) }, loaded);
}
