/** What every process on Node starts from: the settings of the environment, the package's folders, and the models of a store. */
import { fileURLToPath } from "node:url";
import { expected, SurprisalError } from "../../errors.ts";
import { LIMIT_NAMES, variableOf } from "../../limits.ts";
import { type Follower, follow } from "../../store/follow.ts";
import { openStore } from "../../store/open.ts";
import { limitsOf } from "../../util/limits-of.ts";
import { suggest } from "../../util/suggest.ts";
import { kernelModule, PACKAGE_ROOT } from "./kernel.ts";

export { version } from "../../version.ts";

/** The models that the package ships. */
export const DEFAULT_FOLDER = fileURLToPath(new URL("models", PACKAGE_ROOT));

/**
 * The settings of the environment. An empty variable counts as unset: an empty HOST would open every interface.
 * @throws SurprisalError `malformed-request` for one that is malformed.
 */
export function settings(env: NodeJS.ProcessEnv) {
  return {
    port: env.PORT || "8787",
    host: env.HOST || "127.0.0.1",
    models: env.SURPRISAL_MODELS || DEFAULT_FOLDER, // a folder, or s3://bucket/prefix
    pollSeconds: pollSecondsOf(env.SURPRISAL_POLL_SECONDS || "30"),
    origins: env.SURPRISAL_ORIGINS || "", // whose pages may ask, beside the server's own
    keysFile: env.SURPRISAL_KEYS_FILE || undefined, // hashes of keys; a request needs one of the keys
    proxies: proxiesOf(env.SURPRISAL_PROXIES || "0"), // in front of the server
    ratesUrl: env.SURPRISAL_RATES_URL ? ratesUrlOf(env.SURPRISAL_RATES_URL) : undefined, // where several servers count together
    limits: limitsOf(env),
    logLevel: logLevelOf(env.SURPRISAL_LOG || "info"),
    metricsPort: env.SURPRISAL_METRICS_PORT ? metricsPortOf(env.SURPRISAL_METRICS_PORT) : undefined,
    traces: Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
  };
}
export type Settings = ReturnType<typeof settings>;

const VARIABLES = [
  ...["MODELS", "POLL_SECONDS", "ORIGINS", "KEYS_FILE", "PROXIES", "RATES_URL", "LOG", "METRICS_PORT"].map(
    (name) => `SURPRISAL_${name}`,
  ),
  ...LIMIT_NAMES.map(variableOf),
];

/** A sentence for each variable of the environment that looks like a setting and is none. */
export function unknownSettings(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith("SURPRISAL_") && !VARIABLES.includes(name))
    .map((name) => {
      const meant = suggest(name, VARIABLES);
      return `${name} is not a setting of this server.${meant ? ` Did you mean ${meant}?` : ""}`;
    });
}

function pollSecondsOf(setting: string): number {
  const seconds = Number(setting);
  if (seconds > 0) return seconds;
  const wanted = "a number above 0 in SURPRISAL_POLL_SECONDS";
  throw new SurprisalError("malformed-request", expected(wanted, JSON.stringify(setting)));
}

function proxiesOf(setting: string): number {
  if (/^\d$/.test(setting)) return Number(setting);
  throw new SurprisalError("malformed-request", expected("a number from 0 to 9 in SURPRISAL_PROXIES", setting));
}

function ratesUrlOf(setting: string): string {
  if (/^rediss?:$/.test(URL.parse(setting)?.protocol ?? "")) return setting;
  const wanted = "a URL in SURPRISAL_RATES_URL that begins with redis:// or rediss://";
  throw new SurprisalError("malformed-request", expected(wanted, "another")); // which may hold a password
}

const LOG_LEVELS = ["info", "error", "silent"];

function logLevelOf(setting: string): string {
  if (LOG_LEVELS.includes(setting)) return setting;
  throw new SurprisalError("malformed-request", expected(`one of ${LOG_LEVELS.join(", ")} in SURPRISAL_LOG`, setting));
}

function metricsPortOf(setting: string): number {
  const port = portOf(setting);
  if (port !== undefined) return port;
  throw new SurprisalError("malformed-request", expected("SURPRISAL_METRICS_PORT from 0 to 65535", setting));
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
