/**
 * Name of an engine -> the engine. The kernel is always there; of TensorFlow.js, the WASM backend comes with the
 * development dependencies, and those with native parts are installed by whoever has the hardware for them.
 */
import util from "node:util";
import type * as TensorFlow from "@tensorflow/tfjs";
import { expected, SurprisalError } from "../errors.ts";
import { type CreateEngine, kernelEngine } from "./engine.ts";
import { tensorflowEngine } from "./tensorflow.ts";

type Tf = typeof TensorFlow;

/** Prepares what a backend of TensorFlow.js needs, and sets it. */
type Prepare = (tf: Tf) => Promise<void>;

const BACKENDS: Readonly<Record<string, Prepare>> = {
  "tfjs-webgpu": webgpu,
  "tfjs-node-gpu": nodeGpu,
  "tfjs-node": node,
  "tfjs-wasm": wasm,
};

export const ENGINES: readonly string[] = ["kernel", ...Object.keys(BACKENDS)];

/**
 * @returns what makes the engine from the compiled kernel, which the engines of TensorFlow.js do not need.
 * @throws SurprisalError `malformed-request` when there is no such engine, `missing-engine` with what to install when this
 * machine lacks something of it.
 */
export async function engineOf(name: string): Promise<(kernel: WebAssembly.Module) => CreateEngine> {
  if (name === "kernel") return kernelEngine;
  const prepare = Object.hasOwn(BACKENDS, name) && BACKENDS[name];
  if (!prepare) {
    throw new SurprisalError("malformed-request", expected(`one of the engines ${ENGINES.join(", ")}`, name));
  }
  const tf = await load<Tf>(name, "@tensorflow/tfjs");
  tf.enableProdMode();
  await prepare(tf);
  return () => tensorflowEngine(tf, name);
}

async function wasm(tf: Tf): Promise<void> {
  await load("tfjs-wasm", "@tensorflow/tfjs-backend-wasm");
  await setBackend(tf, "tfjs-wasm", "wasm");
}

async function node(tf: Tf): Promise<void> {
  await loadNative("tfjs-node");
  await setBackend(tf, "tfjs-node", "tensorflow");
}

async function nodeGpu(tf: Tf): Promise<void> {
  await loadNative("tfjs-node-gpu");
  await setBackend(tf, "tfjs-node-gpu", "tensorflow");
  // Where TensorFlow finds no GPU it takes the CPU and says so only in its log.
  if (!(tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice) {
    throw missing(
      "tfjs-node-gpu found no GPU. It needs one of NVIDIA with driver, CUDA and cuDNN; on a CPU, --engine kernel is the fastest.",
    );
  }
}

async function webgpu(tf: Tf): Promise<void> {
  type Gpu = { requestAdapter(): Promise<unknown> };
  type WebGpu = { create(options: string[]): Gpu; globals: object };
  const { create, globals } = await load<WebGpu>("tfjs-webgpu", "webgpu");
  const { gpu = create([]) } = navigator as { gpu?: Gpu };
  if (!(await gpu.requestAdapter())) {
    throw missing("tfjs-webgpu found no GPU. It needs one with a driver for Vulkan, Metal or Direct3D 12.");
  }
  // By the time it is imported, the backend wants these where a browser has them.
  Object.assign(globalThis, globals);
  Object.assign(navigator, { gpu });
  await load("tfjs-webgpu", "@tensorflow/tfjs-backend-webgpu");
  await setBackend(tf, "tfjs-webgpu", "webgpu");
}

/** Versions that work together; packages of TensorFlow.js are all of the version of @tensorflow/tfjs in package.json. */
const PACKAGES: Readonly<Record<string, string>> = {
  "tfjs-webgpu": "webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0",
  "tfjs-node-gpu": "@tensorflow/tfjs-node-gpu@4.22.0",
  "tfjs-node": "@tensorflow/tfjs-node@4.22.0",
  "tfjs-wasm": "@tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0",
};

async function loadNative(engine: "tfjs-node" | "tfjs-node-gpu"): Promise<void> {
  // Version 4.22.0 still calls these two, which Node removed in version 23.
  Object.assign(util, {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  });
  await load(engine, `@tensorflow/${engine}`);
}

/** Imports by a name that the type check does not follow, since most machines lack the package. */
async function load<Module>(engine: string, name: string): Promise<Module> {
  try {
    return await import(name);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND") {
      throw missing(
        `--engine ${engine} needs the package ${name}; install it by \`npm install --no-save ${PACKAGES[engine]}\`.`,
        cause,
      );
    }
    const [reason] = message.split("\n");
    throw missing(`The package ${name} is installed but does not load: ${reason.trim()}`, cause);
  }
}

async function setBackend(tf: Tf, engine: string, backend: string): Promise<void> {
  if (!(await tf.setBackend(backend))) throw missing(`${engine} does not start: TensorFlow.js refuses its backend.`);
}

const missing = (sentence: string, cause?: unknown) => new SurprisalError("missing-engine", sentence, { cause });
