/**
 * ONNX Runtime as an oracle of the forward pass: weights in, a session over the operators RNN, LSTM or GRU and a linear
 * head out. The model file is written here, field by field after onnx.proto3, so that no Python is needed.
 */
import * as ort from "onnxruntime-web";
import { type Config, GATES, type Tensors } from "../../../src/kernel/config.ts";
import type { Frames } from "../random.ts";

ort.env.wasm.numThreads = 1;

/**
 * Where our gate blocks stand in ONNX's order. The GRU's z weighs the candidate here and the old state there; as
 * 1 - σ(x) = σ(-x), its weights change their sign.
 */
const GATE_ORDER: Record<Config["cell"], { from: number; sign: number }[]> = {
  tanh: [{ from: 0, sign: 1 }],
  lstm: [0, 3, 1, 2].map((from) => ({ from, sign: 1 })), // i, f, c, o -> i, o, f, c
  gru: [
    { from: 0, sign: -1 },
    { from: 1, sign: 1 },
    { from: 2, sign: 1 },
  ],
};
const OPERATOR: Record<Config["cell"], string> = { tanh: "RNN", lstm: "LSTM", gru: "GRU" };
const FLOAT = 1;
const INT64 = 7;

/**
 * Weights of a checkpoint as an ONNX model: "x" (steps, batch, D) -> "logits" (steps, 1, batch, O). With a NADE head the
 * batch is 1, and the frames that follow, "y" (steps, D, 1), go in as well.
 */
export function onnxModel(config: Config, { W, U, b, V, A, a, C, c, N, M }: Tensors): Uint8Array<ArrayBuffer> {
  const { cell, inputs: D, units: H, outputs: O } = config;
  const G = GATES[cell];
  const transposed = (matrix: Float32Array, rows: number): number[] =>
    GATE_ORDER[cell].flatMap(({ from, sign }) =>
      Array.from({ length: H * rows }, (_, k) => sign * matrix[(k % rows) * G * H + from * H + Math.floor(k / rows)]),
    );
  const initializers = [
    tensor("W", [1, G * H, D], transposed(W, D)),
    tensor("R", [1, G * H, H], transposed(U, H)),
    tensor("B", [1, 2 * G * H], [...transposed(b, 1), ...new Float32Array(G * H)]),
    tensor("A", [H, O], A),
    tensor("a", [O], a),
  ];
  const recurrentInputs = ["x", "W", "R", "B"];
  if (V) {
    const [i, f, o] = [0, 1, 2].map((gate) => V.subarray(gate * H, (gate + 1) * H));
    initializers.push(tensor("P", [1, 3 * H], [...i, ...o, ...f]));
    recurrentInputs.push("", "", "", "P"); // no lengths, no initial h, no initial c
  }
  const nodes = [
    node(OPERATOR[cell], recurrentInputs, ["h"], integerAttribute("hidden_size", H)),
    node("MatMul", ["h", "A"], ["hA"]),
    node("Add", ["hA", "a"], [C ? "base" : "logits"]),
  ];
  if (C && c && N && M) {
    const K = c.length;
    initializers.push(tensor("C", [H, K], C), tensor("c", [K], c), tensor("N", [O, K], N), tensor("M", [O, K], M));
    initializers.push(integers("direction", [1]), integers("columns", [1]), integers("hidden", [2]));
    initializers.push(integers("directionAndBatch", [1, 2]));
    nodes.push(
      node("Squeeze", ["h", "direction"], ["hidden1"]), // (steps, 1, H)
      node("MatMul", ["hidden1", "C"], ["hC"]),
      node("Add", ["hC", "c"], ["context"]), // (steps, 1, K)
      node("Mul", ["y", "N"], ["sounding"]), // (steps, D, K)
      node("CumSum", ["sounding", "columns"], ["below"], integerAttribute("exclusive", 1)),
      node("Add", ["below", "context"], ["sums"]),
      node("Tanh", ["sums"], ["tanh"]),
      node("Mul", ["tanh", "M"], ["products"]),
      node("ReduceSum", ["products", "hidden"], ["conditionals"], integerAttribute("keepdims", 0)), // (steps, D)
      node("Unsqueeze", ["conditionals", "directionAndBatch"], ["shaped"]),
      node("Add", ["base", "shaped"], ["logits"]),
    );
  }
  const graph = [
    ...nodes.map((bytes) => field(1, bytes)),
    field(2, utf8("cell")),
    ...initializers.map((bytes) => field(5, bytes)),
    field(11, valueInfo("x", ["steps", "batch", D])),
    ...(C ? [field(11, valueInfo("y", ["steps", D, 1]))] : []),
    field(12, valueInfo("logits", ["steps", 1, "batch", O])),
  ];
  const opset = integer(2, 17);
  return join([integer(1, 8), field(7, join(graph)), field(8, opset)]);
}

/** Logits of every frame but the last, (frames - 1, O), from the zero state. */
export async function onnxLogits(config: Config, tensors: Tensors, frames: Frames): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(onnxModel(config, tensors), { executionProviders: ["wasm"] });
  const steps = frames.length - 1;
  const x = new Float32Array(steps * config.inputs);
  for (let t = 0; t < steps; t++) for (const d of frames[t]) x[t * config.inputs + d] = 1;
  const y = new Float32Array(steps * config.inputs);
  for (let t = 0; t < steps; t++) for (const d of frames[t + 1]) y[t * config.inputs + d] = 1;
  const { logits } = await session.run({
    x: new ort.Tensor("float32", x, [steps, 1, config.inputs]),
    ...(config.nade && { y: new ort.Tensor("float32", y, [steps, config.inputs, 1]) }),
  });
  await session.release();
  return Float32Array.from(logits.data as Float32Array);
}

// The messages of onnx.proto3 that are needed, and below them protobuf's wire format.

function node(operator: string, inputs: string[], outputs: string[], ...attributes: Uint8Array[]): Uint8Array {
  const names = [...inputs.map((name) => field(1, utf8(name))), ...outputs.map((name) => field(2, utf8(name)))];
  return join([...names, field(4, utf8(operator)), ...attributes.map((bytes) => field(5, bytes))]);
}

const integerAttribute = (name: string, value: number): Uint8Array =>
  join([field(1, utf8(name)), integer(3, value), integer(20, 2)]);

function tensor(name: string, dimensions: number[], values: ArrayLike<number>): Uint8Array {
  const raw = new Uint8Array(Float32Array.from(values).buffer);
  return join([...dimensions.map((n) => integer(1, n)), integer(2, FLOAT), field(8, utf8(name)), field(9, raw)]);
}

/** A list of integers, int64. */
function integers(name: string, values: number[]): Uint8Array {
  const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return join([integer(1, values.length), integer(2, INT64), field(8, utf8(name)), field(9, raw)]);
}

function valueInfo(name: string, dimensions: (string | number)[]): Uint8Array {
  const shape = dimensions.map((n) => field(1, typeof n === "number" ? integer(1, n) : field(2, utf8(n))));
  const tensorType = join([integer(1, FLOAT), field(2, join(shape))]);
  return join([field(1, utf8(name)), field(2, field(1, tensorType))]);
}

const integer = (number: number, value: number): Uint8Array => join([varint(number << 3), varint(value)]);

const field = (number: number, bytes: Uint8Array): Uint8Array =>
  join([varint((number << 3) | 2), varint(bytes.length), bytes]);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Uint8Array.from([...bytes, value]);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
