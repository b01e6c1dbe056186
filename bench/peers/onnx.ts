/**
 * ONNX Runtime on one thread, in WASM and native: scoring only, from dense frames to logits (it stops short of the NLL).
 */
import * as web from "onnxruntime-web";
import type { Cell } from "../../src/kernel/config.ts";
import { onnxModel } from "../../test/support/oracles/onnx.ts";
import { type Frames, Random, randomTensors } from "../../test/support/random.ts";
import { COLUMNS, configOf, dense, type Peer, STEPS, timed } from "../task.ts";

web.env.wasm.numThreads = 1;

// Named by a variable, so that the type check does not need what only bench/ installs. The two have one interface.
const nativePackage = "onnxruntime-node";
const native: typeof web = await import(nativePackage);

const session = async (
  name: string,
  { InferenceSession, Tensor }: typeof web,
  provider: string,
  cell: Cell,
  chosen: readonly Frames[],
): Promise<Peer> => {
  const config = configOf(cell);
  const runtime = await InferenceSession.create(onnxModel(config, randomTensors(config, new Random(1))), {
    executionProviders: [provider],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const x = new Tensor("float32", dense(chosen, 0), [STEPS, chosen.length, COLUMNS]);
  let logits = new Float32Array();
  const score = async (): Promise<void> => {
    logits = (await runtime.run({ x })).logits.data as Float32Array<ArrayBuffer>;
  };
  return {
    name,
    run: async (n) => ({ seconds: await timed(n, score), sink: logits.at(-1) ?? Number.NaN }),
    close: () => runtime.release(),
  };
};

export const onnxWeb = (cell: Cell, chosen: readonly Frames[]): Promise<Peer> =>
  session("onnxruntime-web", web, "wasm", cell, chosen);

export const onnxNative = (cell: Cell, chosen: readonly Frames[]): Promise<Peer> =>
  session("onnxruntime-node", native, "cpu", cell, chosen);
