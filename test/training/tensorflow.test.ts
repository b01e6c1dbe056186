import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { CELLS, type Cell, type Config, type Tensors } from "../../src/kernel/config.ts";
import type { UpdateSettings } from "../../src/kernel/optimizer.ts";
import { sigmoid } from "../../src/kernel/reference-cells.ts";
import { ENGINES, engineOf } from "../../src/training/backends.ts";
import { stepCount, tbpttChunks } from "../../src/training/batches.ts";
import { type CreateEngine, Diverged, kernelEngine } from "../../src/training/engine.ts";
import type { Protocol } from "../../src/training/protocol.ts";
import { taught } from "../../src/training/teacher.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { uniform } from "../../src/util/random.ts";
import { sum } from "../../src/util/statistics.ts";
import { isInstalled } from "../support/installed.ts";
import { smallProtocol, smallSet, smallSpeechSet } from "../support/pieces.ts";
import { Random, randomTensors } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

const set = smallSet();
const steps = sum(set.train.map(stepCount));
const lessons = {
  ...set,
  train: taught(set.train, new Random(5).normals(steps * set.inputs).map(sigmoid), set.inputs),
};
const kernel = kernelEngine(kernelModule);
let wasm: CreateEngine;

beforeAll(async () => {
  const engine = await engineOf("tfjs-wasm");
  wasm = engine(kernelModule);
});

/** The same engine, and the NLL of each of its updates. */
function recorded(create: CreateEngine): { create: CreateEngine; losses: number[] } {
  const losses: number[] = [];
  const recording: CreateEngine = (config, capacity) => {
    const engine = create(config, capacity);
    const update = engine.update.bind(engine);
    engine.update = async (part, rule) => {
      const nll = await update(part, rule);
      losses.push(nll);
      return nll;
    };
    return engine;
  };
  return { create: recording, losses };
}

describe.each(CELLS)("TensorFlow.js training %s", (cell) => {
  test.each([
    ["the weights", set, {}],
    ["their average", set, { emaDecay: 0.9 }],
    ["norms that are rescaled", set, { maxNorm: 0.1, learningRate: 0.01 }],
    ["soft targets", lessons, { maxNorm: 100 }],
    ["parts of one step", set, { bpttSteps: 1 }],
    ["Adam", set, { optimizer: "adam", decay: 0.99, floor: 1e-6 } as const],
    ["a NADE head and transposition", set, { hidden: 6, transposedShare: 0.5, maxTransposition: 2 }],
    ["a mixture of Gaussians over speech", smallSpeechSet(), { learningRate: 0.001, floor: 0.01, emaDecay: 0.9 }],
  ])("follows the kernel's loss curve over twenty updates: %s", async (_, pieces, changes) => {
    const protocol: Protocol = { ...smallProtocol, weightNoiseStd: 0, ...changes };
    const [ours, theirs] = [recorded(kernel), recorded(wasm)];
    const trainers = [ours, theirs].map(({ create }) => new Trainer(create, pieces, cell, protocol));
    while (ours.losses.length < 20) {
      const [kernelEpoch, tensorflowEpoch] = [await trainers[0].epoch(), await trainers[1].epoch()];
      expectClose(tensorflowEpoch.valid, kernelEpoch.valid);
    }
    expect(theirs.losses.length).toBe(ours.losses.length);
    expect(ours.losses.at(-1)).not.toBeCloseTo(ours.losses[0], 1);
    ours.losses.forEach((loss, k) => {
      expectClose(theirs.losses[k], loss);
    });
  });

  test("resumed from a snapshot goes on as if it had never stopped, bit for bit", async () => {
    const protocol: Protocol = { ...smallProtocol, optimizer: "adam", epochs: 4, dropout: 0.3, emaDecay: 0.9 };
    const create = () => new Trainer(wasm, set, cell, protocol);
    const whole = create();
    while (!whole.finished) await whole.epoch();
    const first = create();
    await first.epoch();
    await first.epoch();
    const second = create();
    second.resume(structuredClone(await first.snapshot()));
    while (!second.finished) await second.epoch();
    expect(await second.snapshot()).toEqual(await whole.snapshot());
    const otherSeed = new Trainer(wasm, set, cell, { ...protocol, seed: 2 });
    await otherSeed.epoch();
    expect((await otherSeed.snapshot()).tensors).not.toEqual((await first.snapshot()).tensors);
  });

  test("leaves no tensor behind", async () => {
    const protocol = { ...smallProtocol, dropout: 0.3, emaDecay: 0.9 };
    const trainer = new Trainer(wasm, set, cell, protocol);
    await trainer.epoch();
    const { numTensors, numBytes } = tf.memory();
    await trainer.epoch();
    trainer.resume(await trainer.snapshot());
    await trainer.epoch();
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(tf.memory().numBytes).toBe(numBytes);
  });
});

describe("Noise and dropout of TensorFlow.js", () => {
  const config: Config = { cell: "gru", inputs: set.inputs, units: 5, outputs: set.inputs };
  const weights = randomTensors(config, new Random(3));
  const [part] = [...tbpttChunks(set.train, 100)];
  const { seed: _, ...settings } = smallProtocol;
  const still: UpdateSettings = {
    ...settings,
    learningRate: 0,
    momentum: 0,
    weightNoiseStd: 0,
    dropout: 0,
    emaDecay: 0,
  };

  /** An engine that learns nothing, so that each update gives the NLL of the same weights. */
  const engineWith = (tensors: Tensors) => {
    const engine = wasm(config, { rows: part.rows, sequences: set.train.length });
    engine.load(tensors);
    engine.seed(uniform(1));
    return engine;
  };

  test("noise moves the NLL and is taken away again", async () => {
    const engine = engineWith(weights);
    const quiet = await engine.update(part, still);
    const noisy = await engine.update(part, { ...still, weightNoiseStd: 0.075 });
    expect(Math.abs(noisy - quiet)).toBeGreaterThan(1e-3 * quiet);
    expect(await engine.tensors()).toEqual(weights);
  });

  test("with every unit hidden, the output layer's bias alone predicts", async () => {
    const biasAlone = await engineWith({ ...weights, A: new Float32Array(weights.A.length) }).nll(part);
    const hidden = await engineWith(weights).update(part, { ...still, dropout: 1 - 1e-9 });
    expectClose(hidden, biasAlone);
  });

  test("with some hidden, the others make up for them on average", async () => {
    const small = { ...weights, A: weights.A.map((weight) => weight / 100) }; // so that the NLL is linear in the units
    const biasAlone = await engineWith({ ...weights, A: new Float32Array(weights.A.length) }).nll(part);
    const engine = engineWith(small);
    const effect = (await engine.nll(part)) - biasAlone;
    let sum = 0;
    for (let k = 0; k < 200; k++) sum += (await engine.update(part, { ...still, dropout: 0.4 })) - biasAlone;
    expect(sum / 200 / effect).toBeGreaterThan(0.9);
    expect(sum / 200 / effect).toBeLessThan(1.1);
  });
});

test("a gradient that is not finite is told, and the weights stay as they were", async () => {
  const config: Config = { cell: "tanh", inputs: set.inputs, units: 5, outputs: set.inputs };
  const engine = wasm(config, { rows: 1000, sequences: 100 });
  const tensors = randomTensors(config, new Random(1));
  tensors.A.fill(3e38);
  engine.load(tensors);
  const [part] = [...tbpttChunks(set.train, 100)];
  await expect(engine.update(part, { ...smallProtocol, weightNoiseStd: 0 })).rejects.toThrow(Diverged);
  expect(await engine.tensors()).toEqual(tensors);
});

describe("Engines by name", () => {
  const optional = { "tfjs-node": "@tensorflow/tfjs-node", "tfjs-node-gpu": "@tensorflow/tfjs-node-gpu" };

  test.each(Object.entries(optional).filter(([, name]) => !isInstalled(name)))(
    "%s names the package that is missing and how to install it",
    async (engine, name) => {
      await expect(engineOf(engine)).rejects.toMatchObject({
        code: "missing-engine",
        message: `--engine ${engine} needs the package ${name}; install it by \`npm install --no-save ${name}@4.22.0\`.`,
      });
    },
  );

  test("an unknown name is refused with the known ones", async () => {
    await expect(engineOf("toString")).rejects.toMatchObject({
      code: "malformed-request",
      message: `Expected one of the engines ${ENGINES.join(", ")}, got toString.`,
    });
  });

  test.each(["kernel", "tfjs-wasm"])("the checkpoint says that it was %s", async (name) => {
    const engine = await engineOf(name);
    expect(new Trainer(engine(kernelModule), set, "tanh" satisfies Cell, smallProtocol).engine).toBe(name);
  });
});

/** Within a hundred-thousandth, which is what float32 sums in another order leave. */
function expectClose(found: number, wanted: number): void {
  expect(Math.abs(found - wanted)).toBeLessThan(1e-5 * Math.abs(wanted));
}
