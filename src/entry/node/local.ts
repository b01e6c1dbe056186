/** What every process on Node starts from: the settings of the environment, the package's folders, and the models of a store. */
import { fileURLToPath } from "node:url";
import { type Follower, follow } from "../../store/follow.ts";
import { openStore } from "../../store/open.ts";
import { kernelModule, PACKAGE_ROOT } from "./kernel.ts";

export { version } from "../../version.ts";

/** The models that the package ships. */
export const DEFAULT_FOLDER = fileURLToPath(new URL("models", PACKAGE_ROOT));

/** The page's files, which `npm run build` makes of src/web. */
export const PAGE_FOLDER = fileURLToPath(new URL("dist/web", PACKAGE_ROOT));

/** The settings of the environment. An empty variable counts as unset: an empty HOST would open every interface. */
export function settings({ PORT, HOST, SURPRISAL_MODELS, SURPRISAL_POLL_SECONDS }: NodeJS.ProcessEnv) {
  return {
    port: PORT || "8787",
    host: HOST || "127.0.0.1",
    models: SURPRISAL_MODELS || DEFAULT_FOLDER, // a folder, or s3://bucket/prefix
    pollSeconds: Number(SURPRISAL_POLL_SECONDS) > 0 ? Number(SURPRISAL_POLL_SECONDS) : 30,
  };
}

/** The port that a setting names, undefined when it names none. */
export function portOf(setting: string): number | undefined {
  return /^\d{1,5}$/.test(setting) && Number(setting) <= 65_535 ? Number(setting) : undefined;
}

/**
 * The models of the store that a setting names, see follow.ts.
 * @throws SurprisalError `malformed-request` when it names none.
 */
export async function openModels(setting: string, kernel?: WebAssembly.Module): Promise<Follower> {
  return follow(await openStore(setting), kernel ?? (await kernelModule()));
}
