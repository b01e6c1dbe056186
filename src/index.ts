/**
 * The package on Node, `import { open } from "surprisal"`.
 *
 *   const surprisal = await open();                                    // the models that the package ships
 *   const { best, scores } = await surprisal.score(await readFile("piece.mid"));
 *
 * It adds `open` to what core.ts exports, and what guards an app of one's own: `surprisal.app({ guards: [limitWork(limiter, 0)] })`.
 */
import { fileURLToPath } from "node:url";
import { kernelModule } from "./entry/node/kernel.ts";
import { DEFAULT_FOLDER } from "./entry/node/local.ts";
import { decode } from "./formats/decoders.ts";
import { type LoadOptions, load, type Surprisal } from "./library.ts";
import { openStore } from "./store/open.ts";

export * from "./core.ts";
export { readKeys, requireKey } from "./entry/node/keys.ts";
export { limitWork } from "./entry/node/rates.ts";

/**
 * Loads models.
 * @param models a folder or s3://bucket/prefix that has a catalogue.json; those of the package unless given
 * @throws SurprisalError `no-models` when none can be loaded, `malformed-request` when `models` names no bucket,
 * `malformed-catalogue`; StoreFailure when the folder or bucket cannot be read.
 */
export async function open(models: string | URL = DEFAULT_FOLDER, options: LoadOptions = {}): Promise<Surprisal> {
  const place = typeof models === "string" ? models : fileURLToPath(models);
  return load(await openStore(place), await kernelModule(), { decode, ...options });
}
