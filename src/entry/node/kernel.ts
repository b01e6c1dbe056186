/** The compiled kernel of the package, for every process that runs on Node: servers, Lambda, the command line, scripts. */
import { readFile } from "node:fs/promises";

/** The package's top. Sources (src/entry/…) and bundles (dist/entry/…) lie equally deep below it. */
export const PACKAGE_ROOT = new URL("../../../", import.meta.url);

/** dist/kernel.wasm, which `npm run build:kernel` makes. */
export const kernelBytes = (): Promise<Uint8Array<ArrayBuffer>> => readFile(new URL("dist/kernel.wasm", PACKAGE_ROOT));

/** The same, compiled. */
export const kernelModule = async (): Promise<WebAssembly.Module> => WebAssembly.compile(await kernelBytes());
