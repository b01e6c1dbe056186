/** What a process on Node has to offer: the package's version, the kernel beside it, and the models of a folder. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { SurprisalError } from "../errors.ts";
import { fileStore } from "../store/files.ts";
import { type Loaded, loadModels } from "../store/load.ts";

// From src/entry and from dist/entry alike.
const root = new URL("../../", import.meta.url);

export const DEFAULT_FOLDER = fileURLToPath(new URL("models", root));

/** What the environment says. An empty variable counts as unset: an empty HOST would open every interface. */
export function settings({ PORT, HOST, SURPRISAL_MODELS }: NodeJS.ProcessEnv) {
  return { port: PORT || "8787", host: HOST || "127.0.0.1", folder: SURPRISAL_MODELS || DEFAULT_FOLDER };
}

const { version } = JSON.parse(await readFile(new URL("package.json", root), "utf8")) as { version: string };

export { version };

/** Port of a setting, undefined when it is none. */
export function portOf(setting: string): number | undefined {
  return /^\d{1,5}$/.test(setting) && Number(setting) <= 65_535 ? Number(setting) : undefined;
}

/** Why something could not be loaded: for who runs the process, and for clients, who learn nothing of its files. */
export interface Fault {
  readonly log: string;
  readonly client: string;
}

/** Models of a folder, and what could not be loaded. No models is no error here. */
export async function localModels(folder: string): Promise<{ models: Loaded["models"]; faults: readonly Fault[] }> {
  const kernel = await WebAssembly.compile(await readFile(new URL("dist/kernel.wasm", root)));
  try {
    const { models, failures } = await loadModels(fileStore(folder), kernel);
    return { models, faults: failures.map(({ id, error }) => faultOf(id, id, error)) };
  } catch (error) {
    if (!(error instanceof SurprisalError || (error instanceof Error && "syscall" in error))) throw error;
    return { models: [], faults: [faultOf(folder, "The store", error)] };
  }
}

/** The sentences of a SurprisalError name keys of the store; those of the system name paths. */
function faultOf(place: string, name: string, error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  const told = error instanceof SurprisalError ? message : "it cannot be read; the server's log has more.";
  return { log: `${place}: ${message}`, client: `${name}: ${told}` };
}
