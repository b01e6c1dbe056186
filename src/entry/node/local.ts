/** What every process on Node starts from: the settings of the environment, the package's folders, and the models of a store. */
import { fileURLToPath } from "node:url";
import { type Follower, follow } from "../../store/follow.ts";
import { openStore } from "../../store/open.ts";
import { kernelModule, PACKAGE_ROOT } from "./kernel.ts";

export { version } from "../../version.ts";

/** The models that the package ships. */
export const DEFAULT_FOLDER = fileURLToPath(new URL("models", PACKAGE_ROOT));

/** The page's files. */
export const PAGE_FOLDER = fileURLToPath(new URL("src/web", PACKAGE_ROOT));

/** The settings of the environment. An empty variable counts as unset: an empty HOST would open every interface. */
export function settings({
  PORT,
  HOST,
  SURPRISAL_MODELS,
  SURPRISAL_POLL_SECONDS,
  SURPRISAL_ORIGINS,
  SURPRISAL_WORK,
}: NodeJS.ProcessEnv) {
  return {
    port: PORT || "8787",
    host: HOST || "127.0.0.1",
    models: SURPRISAL_MODELS || DEFAULT_FOLDER, // a folder, or s3://bucket/prefix
    pollSeconds: positive(SURPRISAL_POLL_SECONDS, 30),
    work: SURPRISAL_WORK === "unlimited" ? Number.POSITIVE_INFINITY : positive(SURPRISAL_WORK, 1), // times the usual limit
    origins: SURPRISAL_ORIGINS || "", // whose pages may ask, beside the server's own
  };
}

const positive = (setting: string | undefined, otherwise: number) =>
  Number(setting) > 0 ? Number(setting) : otherwise;

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
