/**
 * How fast the kernel trains and scores, beside TensorFlow.js, PyTorch and ONNX Runtime. Prints results.md:
 *
 *   npm ci                       # in the project's root: builds the kernel, brings TensorFlow.js and onnxruntime-web
 *   npm install --no-save @tensorflow/tfjs-node@4.22.0                # there too; without it, it is left out
 *   cd bench && npm ci
 *   python3 -m venv .venv && .venv/bin/pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
 *   npm run -s bench > results.md
 *
 * PYTHON names another interpreter. The peers take turns within each round, so that a machine that slows down slows all
 * of them; a ratio is the median of the rounds' own ratios.
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Cell } from "../src/checkpoint.ts";
import type { Frames } from "../test/random.ts";
import { scoringKernel, trainingKernel } from "./peers/kernel.ts";
import { onnxNative, onnxWeb } from "./peers/onnx.ts";
import { pyTorch } from "./peers/pytorch.ts";
import { tfjs } from "./peers/tfjs.ts";
import { type Peer, PIECES, pieces, STEPS, UNITS } from "./task.ts";

const ROUNDS = 9;
const WARM_UP_SECONDS = 1;
const RUN_SECONDS = 0.5;
const CELLS: readonly Cell[] = ["gru", "lstm", "tanh"];

/** Frames per second of each peer, by round. */
async function race(peers: readonly Peer[], framesPerRun: number): Promise<number[][]> {
  const repeats: number[] = [];
  for (const peer of peers) {
    let [n, seconds, spent] = [1, 0, 0];
    while (spent < WARM_UP_SECONDS) {
      ({ seconds } = await peer.run(n));
      spent += seconds;
      if (seconds < RUN_SECONDS / 2) n *= 2;
    }
    repeats.push(Math.max(1, Math.round((n * RUN_SECONDS) / seconds)));
  }
  const speeds: number[][] = peers.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [k, peer] of peers.entries()) {
      const { seconds, sink } = await peer.run(repeats[k]);
      if (!Number.isFinite(sink)) throw new Error(`${peer.name} computed ${sink}.`);
      speeds[k].push((repeats[k] * framesPerRun) / seconds);
      if (round === ROUNDS - 1) console.error(`${peer.name}: ${sink}`);
    }
  }
  for (const peer of peers) peer.close();
  return speeds;
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)];
const thousands = (speed: number): string => (speed / 1000).toPrecision(3);

/** One line of a table: median (least–most) thousand frames/s of each peer, then the first peer's ratios to the others. */
function line(title: string, speeds: readonly number[][]): string {
  const cells = speeds.map((values) => {
    const [least, most] = [Math.min(...values), Math.max(...values)].map(thousands);
    return `${thousands(median(values))} (${least}–${most})`;
  });
  const ratios = speeds.slice(1).map((values) => `${median(values.map((v, k) => speeds[0][k] / v)).toPrecision(3)}×`);
  return `| ${[title, ...cells, ...ratios].join(" | ")} |`;
}

function table(first: string, names: readonly string[], lines: readonly string[]): string {
  const heads = [first, ...names, ...names.slice(1).map((name) => `${names[0]} / ${name}`)];
  return [`| ${heads.join(" | ")} |`, `| ${heads.map(() => "---").join(" | ")} |`, ...lines].join("\n");
}

const versionOf = (name: string, from: string): string =>
  JSON.parse(readFileSync(new URL(`${from}/node_modules/${name}/package.json`, import.meta.url), "utf8")).version;

const training: string[] = [];
let [trainers, torchVersion]: [string[], string] = [[], ""];
for (const cell of CELLS) {
  const torch = [await pyTorch(cell, 1), await pyTorch(cell, 2)];
  const peers = [
    trainingKernel(cell),
    trainingKernel(cell, true),
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
    const peers = [scoringKernel(cell, chosen), await onnxWeb(cell, chosen), await onnxNative(cell, chosen)];
    scoring.push(line(`${cell}-${UNITS[cell]}, ${title}`, await race(peers, chosen.length * STEPS)));
  }
}

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

${table("model", ["kernel", "onnxruntime-web", "onnxruntime-node"], scoring)}`);
