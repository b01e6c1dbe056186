/** The built kernel (`npm run build:kernel`), compiled once for all tests of a file. */
import { readFileSync } from "node:fs";

export const kernelModule = new WebAssembly.Module(readFileSync(new URL("../../dist/kernel.wasm", import.meta.url)));
