/** What a process on Node has to offer: the package's version, the kernel beside it, and the models of a store. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import manifest from "../../../package.json" with { type: "json" };
import { type Follower, follow } from "../../store/follow.ts";
import { openStore } from "../../store/open.ts";

// From src/entry and from dist/entry alike.
const root = new URL("../../../", import.meta.url);

export const DEFAULT_FOLDER = fileURLToPath(new URL("models", root));

/** The page's files. */
export const PAGE_FOLDER = fileURLToPath(new URL("src/web", root));

/** What the environment says. An empty variable counts as unset: an empty HOST would open every interface. */
export function settings({ PORT, HOST, SURPRISAL_MODELS, SURPRISAL_POLL_SECONDS }: NodeJS.ProcessEnv) {
  return {
    port: PORT || "8787",
    host: HOST || "127.0.0.1",
    models: SURPRISAL_MODELS || DEFAULT_FOLDER, // a folder, or s3://bucket/prefix
    pollSeconds: Number(SURPRISAL_POLL_SECONDS) > 0 ? Number(SURPRISAL_POLL_SECONDS) : 30,
  };
}

export const { version } = manifest;

/** Port of a setting, undefined when it is none. */
export function portOf(setting: string): number | undefined {
  return /^\d{1,5}$/.test(setting) && Number(setting) <= 65_535 ? Number(setting) : undefined;
}

/** Compiled. */
export const kernelModule = async (): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await readFile(new URL("dist/kernel.wasm", root)));

/**
 * The models of the store that a setting names, see follow.ts.
 * @throws SurprisalError `malformed-request` when it names none.
 */
export async function openModels(setting: string, kernel?: WebAssembly.Module): Promise<Follower> {
  return follow(await openStore(setting), kernel ?? (await kernelModule()));
}
