/**
 * How fast the kernel trains and scores, beside TensorFlow.js, PyTorch and ONNX Runtime. Prints results.md:
 *
 *   npm ci                       # in the project's root: builds the kernel, brings TensorFlow.js and onnxruntime-web
 *   npm install --no-save @tensorflow/tfjs-node@4.22.0                # there too; without it, it is left out
 *   cd bench && npm ci
 *   python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
 *   npm run -s bench > results.md
 *
 * PYTHON names another interpreter. speech.ts is the bench of speech.
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Cell } from "../src/kernel/config.ts";
import type { Frames } from "../test/support/random.ts";
import { scoringKernel, trainingKernel } from "./peers/kernel.ts";
import { onnxNative, onnxWeb } from "./peers/onnx.ts";
import { pyTorch } from "./peers/pytorch.ts";
import { tfjs } from "./peers/tfjs.ts";
import { line, ROUNDS, RUN_SECONDS, race, table } from "./race.ts";
import { configOf, PIECES, pieces, STEPS, UNITS } from "./task.ts";

const CELLS: readonly Cell[] = ["gru", "lstm", "tanh"];

const versionOf = (name: string, from: string): string =>
  JSON.parse(readFileSync(new URL(`${from}/node_modules/${name}/package.json`, import.meta.url), "utf8")).version;

const training: string[] = [];
let [trainers, torchVersion]: [string[], string] = [[], ""];
for (const cell of CELLS) {
  const config = configOf(cell);
  const torch = [await pyTorch(config, "train", pieces, 1), await pyTorch(config, "train", pieces, 2)];
  const peers = [
    trainingKernel(config),
    trainingKernel(config, true),
    ...(await tfjs("tfjs-wasm", cell)),
    ...(await tfjs("tfjs-node", cell)),
    ...torch,
  ];
  const speeds = await race(peers, PIECES * STEPS);
  training.push(line(`${cell}-${UNITS[cell]}`, speeds));
  trainers = peers.map(({ name }) => name);
  torchVersion = torch[0].version;
}

const scoring: string[] = [];
const groups: [string, readonly Frames[]][] = [
  ["1 piece", pieces.slice(0, 1)],
  [`${PIECES} pieces`, pieces],
];
for (const cell of CELLS) {
  for (const [title, chosen] of groups) {
    const peers = [scoringKernel(configOf(cell), chosen), await onnxWeb(cell, chosen), await onnxNative(cell, chosen)];
    scoring.push(line(`${cell}-${UNITS[cell]}, ${title}`, await race(peers, chosen.length * STEPS)));
  }
}

const nadeTraining: string[] = [];
const nadeScoring: string[] = [];
for (const cell of CELLS) {
  const config = configOf(cell, "nade");
  const byTorch = async (work: "train" | "score", chosen: readonly Frames[]) => [
    await pyTorch(config, work, chosen, 1),
    await pyTorch(config, work, chosen, 2),
  ];
  const training = [trainingKernel(config), ...(await byTorch("train", pieces))];
  nadeTraining.push(line(`${cell}-${UNITS[cell]}`, await race(training, PIECES * STEPS)));
  for (const [title, chosen] of groups) {
    const scoring = [scoringKernel(config, chosen), ...(await byTorch("score", chosen))];
    nadeScoring.push(line(`${cell}-${UNITS[cell]}, ${title}`, await race(scoring, chosen.length * STEPS)));
  }
}
const NADE_PEERS = ["kernel", "PyTorch, 1 thread", "PyTorch, 2 threads"];

const versions = [
  `Node ${process.version.slice(1)}`,
  `TensorFlow.js ${versionOf("@tensorflow/tfjs", "..")}`,
  `PyTorch ${torchVersion}`,
  `onnxruntime-web ${versionOf("onnxruntime-web", "..")}`,
  `onnxruntime-node ${versionOf("onnxruntime-node", ".")}`,
];
console.log(`# Speed of the kernel beside its peers

Written by \`npm run -s bench > results.md\` (see bench.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model}, ${cpus().length} cores; every peer on one thread, unless it says otherwise.
Versions: ${versions.join(", ")}.
Thousand frames per second: median (least–most) of ${ROUNDS} rounds of ${RUN_SECONDS} s, the peers in turn.

## Training

One update: forward, backward through time, gradient-norm rescaling, RMSProp with momentum, on the same batch of
${PIECES} pieces of ${STEPS} frames, about 4 of 96 columns active. PyTorch runs its fused modules; its LSTM has no peepholes and
its GRU applies the reset gate after the product. tfjs-wasm and tfjs-node are the trainer's own engines (\`--engine\`), the
latter with the threads that TensorFlow chooses. The kernel's portable build is the one that serves; the trainer's has fused
multiply-add.

${table("model", trainers, training)}

## Scoring

Forward pass over pieces of ${STEPS} frames. The kernel goes from columns to NLL, ONNX Runtime from dense frames to logits.

${table("model", ["kernel", "onnxruntime-web", "onnxruntime-node"], scoring)}

## The NADE head

The same updates, and the way from frames to NLL, of models whose head has 64 units through which pitches depend on each
other. PyTorch computes it for all pitches at once (peers/pytorch.py). Before a race its NLL is held to the kernel's within
1e-4, under weights with which its fused cells are those of the models here.

${table("model, training", NADE_PEERS, nadeTraining)}

${table("model, scoring", NADE_PEERS, nadeScoring)}`);
