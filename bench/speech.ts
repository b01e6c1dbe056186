/**
 * How fast models of speech score a recording, beside ONNX Runtime, and how long ten minutes of it take. Prints speech.md:
 *
 *   npm ci                       # in the project's root
 *   cd bench && ONNXRUNTIME_NODE_INSTALL=skip npm ci && npm run -s speech > speech.md
 *
 * Weights are random, as they do not matter to the time; both sides read the same minute of noise from the zero state. The
 * kernel goes from samples to NLL in chunks as the server does; ONNX Runtime stops at the head's outputs.
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import type * as web from "onnxruntime-web";
import { type Cell, type Config, mixtureOutputs, SPEECH } from "../src/kernel/config.ts";
import { SpeechNetwork } from "../src/model/speech-network.ts";
import { PAPER_SPEECH_UNITS } from "../src/training/protocol.ts";
import { onnxModel } from "../test/support/oracles/onnx.ts";
import { Random, randomTensors } from "../test/support/random.ts";
import { line, median, ROUNDS, race, table } from "./race.ts";
import { type Peer, timed } from "./task.ts";

const RATE = 8000;
const SAMPLES = 60 * RATE;
const { inputs, mixture } = SPEECH;
const STEPS = (SAMPLES - inputs) / mixture.block;

// Named by a variable, so that the type check does not need what only bench/ installs. The two have one interface.
const nativePackage = "onnxruntime-node";
const { InferenceSession, Tensor }: typeof web = await import(nativePackage);
const module = new WebAssembly.Module(readFileSync(new URL("../dist/kernel.wasm", import.meta.url)));
const samples = new Random(2).normals(SAMPLES);

const configOf = (cell: Cell): Config => ({
  cell,
  inputs,
  units: PAPER_SPEECH_UNITS[cell],
  outputs: mixtureOutputs(mixture),
  mixture,
});

function kernel(cell: Cell): Peer {
  const config = configOf(cell);
  const metadata = { set: "speech-long", preset: "paper", sampleRate: String(RATE), mean: "0", std: "1" };
  const model = new SpeechNetwork({ config, tensors: randomTensors(config, new Random(1)), metadata }, "", module);
  let sink = Number.NaN;
  const score = async (): Promise<void> => {
    sink = (await model.score(samples)).nll.at(-1) ?? Number.NaN;
  };
  return { name: "kernel", run: async (n) => ({ seconds: await timed(n, score), sink }), close: () => {} };
}

async function onnx(cell: Cell): Promise<Peer> {
  const config = configOf(cell);
  const runtime = await InferenceSession.create(onnxModel(config, randomTensors(config, new Random(1))), {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const rows = new Float32Array(STEPS * inputs);
  for (let k = 0; k < STEPS; k++) {
    rows.set(samples.subarray(k * mixture.block, k * mixture.block + inputs), k * inputs);
  }
  const x = new Tensor("float32", rows, [STEPS, 1, inputs]);
  let sink = Number.NaN;
  const score = async (): Promise<void> => {
    sink = Number((await runtime.run({ x })).logits.data.at(-1));
  };
  return {
    name: "onnxruntime-node",
    run: async (n) => ({ seconds: await timed(n, score), sink }),
    close: () => runtime.release(),
  };
}

const lines: string[] = [];
let tenMinutes = 0;
for (const cell of ["lstm", "gru", "tanh"] as const) {
  const speeds = await race([kernel(cell), await onnx(cell)], STEPS);
  const realTime = (median(speeds[0]) * mixture.block) / RATE;
  tenMinutes += 600 / realTime;
  lines.push(`${line(`${cell}-${PAPER_SPEECH_UNITS[cell]}`, speeds)} ${realTime.toFixed(0)}× |`);
}
const [head, rule, ...rows] = table("model", ["kernel", "onnxruntime-node"], lines).split("\n");

console.log(`# Speed of the models of speech

Written by \`npm run -s speech > speech.md\` (see speech.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model}, ${cpus().length} cores; both on one thread. Node ${process.version.slice(1)}, onnxruntime-node 1.30.0.
Thousand steps of ten samples per second over one minute of audio: median (least–most) of ${ROUNDS} rounds, the two in turn. A
recording is one sequence, so its steps can only follow each other. Real time is 0.8 thousand steps per second.

${head} real time |
${rule} --- |
${rows.join("\n")}

Ten minutes of audio under all three, one after the other: ${tenMinutes.toFixed(0)} s.`);
