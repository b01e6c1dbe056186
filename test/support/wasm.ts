/** The built kernels (`npm run build:kernel`), compiled once for all tests of a file. */
import { readFileSync } from "node:fs";

const compiled = (name: string) => new WebAssembly.Module(readFileSync(new URL(`../../dist/${name}`, import.meta.url)));

export const kernelModule = compiled("kernel.wasm");
/** The trainer's build, with fused multiply-add. */
export const relaxedKernelModule = compiled("kernel-relaxed.wasm");
