/**
 * Checkpoint -> ONNX model: frames or samples in, the NLL of each step out, as the kernel has it. The cells are ONNX's RNN, LSTM
 * (with peepholes) and GRU (linear_before_reset = 0); the heads are built from elementary operators.
 */
import { OnnxGraph, type Value } from "../formats/onnx.ts";
import { type Config, GATES, LOG_SCALE_FLOOR, type MixtureShape, type Tensors } from "../kernel/config.ts";
import { stateSize } from "../kernel/engine.ts";
import { version as producerVersion } from "../version.ts";
import type { Trained } from "./music-model.ts";

/** The file of a network. Equal networks give equal bytes. */
export function onnxOf({ id, version, checkpoint }: Trained): Uint8Array<ArrayBuffer> {
  const { config, tensors, metadata } = checkpoint;
  const graph = new OnnxGraph();
  if (config.mixture) addSpeech(graph, config, config.mixture, tensors);
  else addMusic(graph, config, tensors);
  const { cell, units } = config;
  return graph.toBytes({
    name: id,
    about: `The model ${id} of surprisal: the negative log-likelihood of each step, in nats.`,
    producer: "surprisal",
    producerVersion,
    metadata: { ...metadata, id, version, cell, units: String(units) },
  });
}

function addMusic(graph: OnnxGraph, config: Config, tensors: Tensors): void {
  const { inputs: D } = config;
  const frames = graph.input({
    name: "frames",
    shape: ["frames", "batch", D],
    about: "1 where a pitch sounds, else 0; column d is MIDI pitch d + 1, in the key of the model's set",
  });
  const from = (first: number, end: number) =>
    graph.node("Slice", [frames, graph.integers([first]), graph.integers([end]), graph.integers([0])]);
  const [rows, targets] = [from(0, -1), from(1, Number.MAX_SAFE_INTEGER)];
  const { outputs, finalState } = addNetwork(graph, config, tensors, { rows, targets, state: addState(graph, config) });
  const signs = graph.node("Sub", [graph.number(1), graph.node("Mul", [targets, graph.number(2)])]);
  // -log σ(l) where the pitch sounds, -log σ(-l) where not; softplus loses nothing at either end.
  const terms = graph.node("Softplus", [graph.node("Mul", [signs, outputs])]);
  graph.output(
    { name: "nll", shape: ["scored", "batch"], about: "nats, of each frame but the first, given those before it" },
    sumOf(graph, terms, 2),
  );
  const given = config.nade ? ", given the lower pitches of its frame" : "";
  graph.output(
    { name: "logits", shape: ["scored", "batch", D], about: `of each pitch in each frame but the first${given}` },
    outputs,
  );
  addFinalState(graph, config, finalState, "before the last frame, which is to be the first of the frames that follow");
}

function addSpeech(graph: OnnxGraph, config: Config, { components: K, block }: MixtureShape, tensors: Tensors): void {
  const { inputs: D } = config;
  const samples = graph.input({
    name: "samples",
    shape: ["batch", "samples"],
    about: "(sample - mean) / std with mean, std and sampleRate of the metadata; full scale is 1",
  });
  const [rows, targets] = addWindows(graph, samples, D, block);
  const { outputs, finalState } = addNetwork(graph, config, tensors, { rows, state: addState(graph, config) });
  const sizes = graph.integers([K, K * block, K * block]);
  const [weightLogits, flatMeans, flatScales] = graph.nodes("Split", [outputs, sizes], 3, { axis: 2 });
  const shape = graph.integers([0, 0, K, block]); // 0: as it is
  const means = graph.node("Reshape", [flatMeans, shape]);
  const logScales = graph.node("Max", [graph.node("Reshape", [flatScales, shape]), graph.number(LOG_SCALE_FLOOR)]);
  const scales = graph.node("Exp", [logScales]);
  const distances = graph.node("Sub", [graph.node("Unsqueeze", [targets, graph.integers([2])]), means]);
  const z = graph.node("Div", [distances, scales]);
  const halves = graph.node("Mul", [graph.node("Mul", [z, z]), graph.number(0.5)]);
  const exponents = sumOf(graph, graph.node("Add", [halves, logScales]), 3);
  const logWeights = graph.node("LogSoftmax", [weightLogits], { axis: 2 });
  const joint = graph.node("Sub", [logWeights, exponents]);
  const density = graph.node("ReduceLogSumExp", [joint, graph.integers([2])], { keepdims: 0 });
  const constant = graph.number((block * Math.log(2 * Math.PI)) / 2);
  graph.output(
    { name: "nll", shape: ["steps", "batch"], about: `nats, of each ${block} samples after the first ${D}` },
    graph.node("Sub", [constant, density]),
  );
  const weights = graph.node("Exp", [logWeights]);
  graph.output({ name: "weights", shape: ["steps", "batch", K], about: "of the Gaussians; they add up to 1" }, weights);
  graph.output({ name: "means", shape: ["steps", "batch", K, block], about: "of the Gaussians" }, means);
  graph.output({ name: "scales", shape: ["steps", "batch", K, block], about: "standard deviations" }, scales);
  addFinalState(graph, config, finalState, `after the last step; the samples that follow begin ${D} before its end`);
}

/** Samples (batch, n) -> rows (steps, batch, D) and the blocks that follow each, (steps, batch, block). */
function addWindows(graph: OnnxGraph, samples: Value, D: number, block: number): Value[] {
  const length = graph.node("Gather", [graph.node("Shape", [samples]), graph.integers(1)]);
  const steps = graph.node("Div", [graph.node("Sub", [length, graph.integers(D)]), graph.integers(block)]);
  const numbers = graph.node("Range", [graph.integers(0), steps, graph.integers(1)]);
  const starts = graph.node("Unsqueeze", [graph.node("Mul", [numbers, graph.integers(block)]), graph.integers([1])]);
  const offsets = graph.integers(Array.from({ length: D + block }, (_, n) => n));
  const windows = graph.node("Gather", [samples, graph.node("Add", [starts, offsets])], { axis: 1 });
  const bySteps = graph.node("Transpose", [windows], { perm: [1, 0, 2] });
  return graph.nodes("Split", [bySteps, graph.integers([D, block])], 2, { axis: 2 });
}

const addState = (graph: OnnxGraph, config: Config): Value =>
  graph.input({
    name: "state",
    shape: ["batch", stateSize(config)],
    about: "zeros at the beginning of a piece, else the final_state of what came before",
  });

const addFinalState = (graph: OnnxGraph, config: Config, value: Value, about: string): void =>
  graph.output({ name: "final_state", shape: ["batch", stateSize(config)], about }, value);

const sumOf = (graph: OnnxGraph, value: Value, axis: number): Value =>
  graph.node("ReduceSum", [value, graph.integers([axis])], { keepdims: 0 });

/**
 * Adds cell and head to a graph.
 * @param rows (steps, batch, D); targets (steps, batch, D), which a NADE head reads; state (batch, S), zeros unless given
 * @returns outputs of the head, (steps, batch, O), and the state after the last row, (batch, S)
 */
export function addNetwork(
  graph: OnnxGraph,
  config: Config,
  tensors: Tensors,
  { rows, targets, state }: { rows: Value; targets?: Value; state?: Value },
): { outputs: Value; finalState: Value } {
  const { hidden, finalState } = addCell(graph, config, tensors, rows, state);
  const { A, a, C, c, N, M } = tensors;
  const { units: H, outputs: O } = config;
  const outputs = addLinear(graph, hidden, graph.tensor("A", [H, O], A), graph.tensor("a", [O], a));
  if (!(C && c && N && M && targets !== undefined)) return { outputs, finalState };
  const K = c.length;
  const context = addLinear(graph, hidden, graph.tensor("C", [H, K], C), graph.tensor("c", [K], c));
  const column = graph.node("Unsqueeze", [targets, graph.integers([3])]); // (steps, batch, D, 1)
  const sounding = graph.node("Mul", [column, graph.tensor("N", [O, K], N)]); // (steps, batch, D, K)
  const below = graph.node("CumSum", [sounding, graph.integers(2)], { exclusive: 1 });
  const sums = graph.node("Add", [below, graph.node("Unsqueeze", [context, graph.integers([2])])]);
  const products = graph.node("Mul", [graph.node("Tanh", [sums]), graph.tensor("M", [O, K], M)]);
  return { outputs: graph.node("Add", [outputs, sumOf(graph, products, 3)]), finalState };
}

const addLinear = (graph: OnnxGraph, x: Value, matrix: Value, bias: Value): Value =>
  graph.node("Add", [graph.node("MatMul", [x, matrix]), bias]);

const OPERATORS: Readonly<Record<Config["cell"], string>> = { tanh: "RNN", lstm: "LSTM", gru: "GRU" };

/**
 * Our gate blocks in ONNX's order. The GRU's z weighs the candidate here and the old state there; as 1 - σ(x) = σ(-x), its
 * weights change their sign.
 */
const GATE_ORDER: Readonly<Record<Config["cell"], readonly { readonly from: number; readonly sign: 1 | -1 }[]>> = {
  tanh: [{ from: 0, sign: 1 }],
  lstm: [0, 3, 1, 2].map((from) => ({ from, sign: 1 })), // i, f, c, o -> i, o, f, c
  gru: [
    { from: 0, sign: -1 },
    { from: 1, sign: 1 },
    { from: 2, sign: 1 },
  ],
};

/** @returns hidden states (steps, batch, H) and the state after the last, (batch, S) */
function addCell(graph: OnnxGraph, config: Config, { W, U, b, V }: Tensors, rows: Value, state?: Value) {
  const { cell, inputs: D, units: H } = config;
  const G = GATES[cell];
  const byGate = (matrix: Float32Array, width: number): number[] =>
    GATE_ORDER[cell].flatMap(({ from, sign }) =>
      Array.from(
        { length: H * width },
        (_, k) => sign * matrix[(k % width) * G * H + from * H + Math.floor(k / width)],
      ),
    );
  const weights = [
    graph.tensor("W", [1, G * H, D], byGate(W, D)),
    graph.tensor("R", [1, G * H, H], byGate(U, H)),
    graph.tensor("B", [1, 2 * G * H], [...byGate(b, 1), ...new Float32Array(G * H)]), // of W and, zeros, of R
  ];
  const [direction, lengths] = [graph.integers([0]), ""];
  const parts = cell === "lstm" ? 2 : 1;
  const initial = state === undefined ? Array<Value>(parts).fill("") : splitState(graph, state, parts, direction);
  const inputs = [rows, ...weights, lengths, ...initial];
  if (V) {
    const [i, f, o] = [0, 1, 2].map((gate) => V.subarray(gate * H, (gate + 1) * H));
    inputs.push(graph.tensor("P", [1, 3 * H], [...i, ...o, ...f]));
  }
  const [all, ...last] = graph.nodes(OPERATORS[cell], inputs, 1 + parts, { hidden_size: H });
  const joined = parts === 1 ? last[0] : graph.node("Concat", last, { axis: 2 });
  return {
    hidden: graph.node("Squeeze", [all, graph.integers([1])]),
    finalState: graph.node("Squeeze", [joined, direction]),
  };
}

/** A state (batch, S) as the cell reads it: h and, of an LSTM, c, each (1, batch, H). */
function splitState(graph: OnnxGraph, state: Value, parts: number, direction: Value): Value[] {
  const all = graph.node("Unsqueeze", [state, direction]);
  return parts === 1 ? [all] : graph.nodes("Split", [all], parts, { axis: 2, num_outputs: parts });
}
