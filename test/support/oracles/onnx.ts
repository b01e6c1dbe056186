/** ONNX Runtime as an oracle of the forward pass: weights in, logits out, by the operators RNN, LSTM or GRU. */
import * as ort from "onnxruntime-web";
import { OnnxGraph } from "../../../src/formats/onnx.ts";
import type { Config, Tensors } from "../../../src/kernel/config.ts";
import { addNetwork } from "../../../src/model/onnx.ts";
import type { Frames } from "../random.ts";

ort.env.wasm.numThreads = 1;

export const runtimeOf = (model: Uint8Array): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(model, { executionProviders: ["wasm"] });

/**
 * Weights of a checkpoint as an ONNX model that stops short of the NLL: "x" (steps, batch, D) -> "logits" (steps, batch, O).
 * With a NADE head the frames that follow, "y" (steps, batch, D), go in as well.
 */
export function onnxModel(config: Config, tensors: Tensors): Uint8Array<ArrayBuffer> {
  const graph = new OnnxGraph();
  const port = (name: string, columns: number) => ({ name, shape: ["steps", "batch", columns], about: "" });
  const rows = graph.input(port("x", config.inputs));
  const targets = config.nade && { targets: graph.input(port("y", config.inputs)) };
  const { outputs } = addNetwork(graph, config, tensors, { rows, ...targets });
  graph.output(port("logits", config.outputs), outputs);
  return graph.toBytes({ name: "cell", about: "", producer: "surprisal", producerVersion: "", metadata: {} });
}

/** Logits of every frame but the last, (frames - 1, O), from the zero state. */
export async function onnxLogits(config: Config, tensors: Tensors, frames: Frames): Promise<Float32Array> {
  const session = await runtimeOf(onnxModel(config, tensors));
  const rows = dense(frames.slice(0, -1), config.inputs);
  const targets = dense(frames.slice(1), config.inputs);
  const { logits } = await session.run({ x: rows, ...(config.nade && { y: targets }) });
  await session.release();
  return Float32Array.from(logits.data as Float32Array);
}

/** Frames of one piece as a tensor, (frames, 1, D). */
export function dense(frames: Frames, columns: number): ort.Tensor {
  const values = new Float32Array(frames.length * columns);
  frames.forEach((frame, t) => {
    for (const d of frame) values[t * columns + d] = 1;
  });
  return new ort.Tensor("float32", values, [frames.length, 1, columns]);
}
