/**
 * The mixture head of the kernel and of its reference implementation, held to TensorFlow.js (gradients), ONNX Runtime (outputs), float64
 * arithmetic (NLL) and to what makes it a density: its integral.
 */
import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import {
  CELLS,
  type Cell,
  type Config,
  LOG_SCALE_FLOOR,
  type MixtureShape,
  mixtureOutputs,
  SPEECH,
  type Tensors,
} from "../../src/kernel/config.ts";
import { type Batch, type Engine, stateSize } from "../../src/kernel/engine.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { concatenate, relativeErrors, sum } from "../contracts/kernel.ts";
import { STEP, variablesOf } from "../support/oracles/tensorflow.ts";
import { Random, randomTensors } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

const relaxed = await WebAssembly.compile(await readFile(new URL("../../dist/kernel-relaxed.wasm", import.meta.url)));
const CAPACITY = { rows: 600, sequences: 8, training: true };
const ENGINES: Record<string, (config: Config) => Engine> = {
  "WASM kernel": (config) => new Kernel(kernelModule, config, CAPACITY),
  "WASM kernel with fused multiply-add": (config) => new Kernel(relaxed, config, CAPACITY),
  "reference implementation": (config) => new ReferenceKernel(config),
};

/** Inputs, units and mixture: below, at and above a few vectors, and the paper's. */
const SHAPES: readonly (readonly [inputs: number, units: number, mixture: MixtureShape])[] = [
  [1, 1, { components: 1, block: 1 }],
  [7, 5, { components: 3, block: 2 }],
  [4, 8, { components: 5, block: 3 }],
  [SPEECH.inputs, 13, SPEECH.mixture],
];

const configOf = (cell: Cell, [inputs, units, mixture]: (typeof SHAPES)[number]): Config => ({
  cell,
  inputs,
  units,
  outputs: mixtureOutputs(mixture),
  mixture,
});

/** A sequence of dense rows: inputs (steps, D) and targets (steps, B). */
interface Sequence {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly start?: Float32Array;
}

const randomSequence = (random: Random, { inputs, mixture }: Config, steps: number): Sequence => ({
  inputs: random.normals(steps * inputs),
  targets: random.normals(steps * (mixture?.block ?? 0)),
});

/** Packs sequences of falling length; `rows[s][t]` is the row of step t of sequence s. */
function packDense({ inputs: D, mixture }: Config, sequences: readonly Sequence[]): { batch: Batch; rows: number[][] } {
  const B = mixture?.block ?? 0;
  const steps = sequences.map(({ inputs }) => inputs.length / D);
  const rows: number[][] = sequences.map(() => []);
  const [batchSizes, inputs, targets]: [number[], number[], number[]] = [[], [], []];
  for (let t = 0; t < steps[0]; t++) {
    const alive = sequences.filter((_, s) => steps[s] > t);
    batchSizes.push(alive.length);
    alive.forEach((sequence, s) => {
      rows[s].push(targets.length / B);
      inputs.push(...sequence.inputs.subarray(t * D, (t + 1) * D));
      targets.push(...sequence.targets.subarray(t * B, (t + 1) * B));
    });
  }
  return {
    batch: {
      batchSizes: Uint32Array.from(batchSizes),
      inputs: Float32Array.from(inputs),
      targets: Float32Array.from(targets),
    },
    rows,
  };
}

/** NLL of one row in float64, from its outputs. */
function plainNll({ components, block }: MixtureShape, outputs: Float32Array, target: Float32Array): number {
  const weights = Array.from(outputs.subarray(0, components));
  const joint = weights.map((weight, k) =>
    target.reduce((sum, x, d) => {
      const at = components + k * block + d;
      const logScale = Math.max(outputs[at + components * block], LOG_SCALE_FLOOR);
      return sum - ((x - outputs[at]) / Math.exp(logScale)) ** 2 / 2 - logScale - Math.log(2 * Math.PI) / 2;
    }, weight),
  );
  const logSum = (values: number[]) => {
    const most = Math.max(...values);
    return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
  };
  return logSum(weights) - logSum(joint);
}

/** Gradient of scale · Σ NLL by TensorFlow.js, each sequence by itself. */
function autodiff(config: Config, tensors: Tensors, sequences: readonly Sequence[], scale: number) {
  const { cell, inputs: D, units: H, mixture: { components: K, block: B } = SPEECH.mixture } = config;
  tf.engine().startScope();
  const values = variablesOf(config, tensors);
  const names = Object.keys(tensors) as (keyof Tensors)[];
  const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => {
    const v = { ...values, ...Object.fromEntries(names.map((name, k) => [name, given[k]])) };
    const losses = sequences.flatMap(({ inputs, targets, start }) => {
      const state = new Float32Array(2 * H);
      state.set(start ?? []);
      let [h, c] = [state.slice(0, H), state.slice(H)].map((part) => tf.tensor2d(part, [1, H]));
      return Array.from({ length: inputs.length / D }, (_, t) => {
        const x = tf.tensor2d(inputs.slice(t * D, (t + 1) * D), [1, D]);
        [h, c] = STEP[cell](v, x.matMul<tf.Tensor2D>(v.W).add(v.b), h, c);
        const [w, means, scales] = tf.split(h.matMul(v.A).add(v.a), [K, K * B, K * B], 1);
        const logScales = scales.reshape([K, B]).maximum(LOG_SCALE_FLOOR);
        const z = tf
          .tensor2d(targets.slice(t * B, (t + 1) * B), [1, B])
          .sub(means.reshape([K, B]))
          .div(logScales.exp());
        const density = z
          .square()
          .div(2)
          .add(logScales)
          .add(Math.log(2 * Math.PI) / 2)
          .sum(1)
          .neg();
        return w.logSumExp().sub(w.reshape([K]).add(density).logSumExp());
      });
    });
    return tf.addN(losses).mul(scale);
  })(names.map((name) => values[name]));
  const gradients = Object.fromEntries(grads.map((gradient, k) => [names[k], gradient.dataSync() as Float32Array]));
  const nll = value.dataSync()[0] / scale;
  tf.engine().endScope();
  return { nll, tensors: gradients as unknown as Tensors };
}

describe.each(Object.entries(ENGINES))("the mixture head of the %s", (_, create) => {
  describe.each(CELLS)("%s", (cell) => {
    const random = new Random(31 + CELLS.indexOf(cell));
    const loaded = (config: Config, tensors = randomTensors(config, random)) => {
      const engine = create(config);
      engine.load(tensors);
      return { engine, tensors };
    };

    test("gives the NLL that its outputs have", () => {
      for (const shape of SHAPES) {
        const config = configOf(cell, shape);
        const { engine } = loaded(config);
        const { batch } = packDense(
          config,
          [9, 5, 5, 1].map((steps) => randomSequence(random, config, steps)),
        );
        const nll = engine.forward(batch).slice();
        const outputs = engine.logits();
        const { block } = shape[2];
        nll.forEach((found, row) => {
          const target = (batch.targets as Float32Array).subarray(row * block, (row + 1) * block);
          const wanted = plainNll(shape[2], outputs.subarray(row * config.outputs, (row + 1) * config.outputs), target);
          expect(Math.abs(found - wanted)).toBeLessThan(2e-5 * Math.max(1, Math.abs(wanted)));
        });
      }
    });

    test("gives the gradients of TensorFlow.js within 1e-3, from start states, on ragged batches", () => {
      for (const shape of SHAPES) {
        const config = configOf(cell, shape);
        const { engine, tensors } = loaded(config);
        const sequences = [6, 4, 4, 1].map((steps) => ({
          ...randomSequence(random, config, steps),
          start: random.normals(stateSize(config), 0.5),
        }));
        engine.setState(concatenate(sequences.map(({ start }) => start)));
        const found = engine.gradients(packDense(config, sequences).batch, 0.25);
        const wanted = autodiff(config, tensors, sequences, 0.25);
        expect(Math.abs(sum(found.nll) / wanted.nll - 1)).toBeLessThan(1e-4);
        expect(Math.max(...Object.values(relativeErrors(found.tensors, wanted.tensors)))).toBeLessThan(1e-3);
      }
    });

    test("gives a batch the NLL of its sequences one by one, bit for bit", () => {
      const config = configOf(cell, SHAPES[3]);
      const { engine } = loaded(config);
      const sequences = [9, 7, 7, 2].map((steps) => randomSequence(random, config, steps));
      const { batch, rows } = packDense(config, sequences);
      const together = engine.forward(batch).slice();
      sequences.forEach((sequence, s) => {
        const alone = engine.forward(packDense(config, [sequence]).batch).slice();
        expect(Float32Array.from(rows[s], (row) => together[row])).toEqual(alone);
      });
    });

    test("continues from its own state as if it had not stopped, bit for bit", () => {
      const config = configOf(cell, SHAPES[3]);
      const { engine } = loaded(config);
      const { inputs, targets } = randomSequence(random, config, 11);
      const { block } = SPEECH.mixture;
      const whole = engine.forward(packDense(config, [{ inputs, targets }]).batch).slice();
      const cut = 4;
      const part = (from: number, to?: number) => ({
        inputs: inputs.slice(from * config.inputs, to && to * config.inputs),
        targets: targets.slice(from * block, to && to * block),
      });
      const head = engine.forward(packDense(config, [part(0, cut)]).batch).slice();
      engine.setState(engine.state());
      const tail = engine.forward(packDense(config, [part(cut)]).batch).slice();
      expect([...head, ...tail]).toEqual([...whole]);
    });
  });

  test.each([1, 2])("is a density: over %s dimensions it integrates to 1 within 1e-3", (block) => {
    const config = configOf("gru", [3, 4, { components: 3, block }]);
    const random = new Random(block);
    const tensors = randomTensors(config, random);
    const engine = create(config);
    engine.load(tensors);
    const inputs = random.normals(config.inputs);
    const [points, width] = block === 1 ? [4000, 40] : [240, 24];
    const spacing = width / points;
    const axis = Array.from({ length: points }, (_, i) => (i + 0.5) * spacing - width / 2);
    const grid = block === 1 ? axis.map((x) => [x]) : axis.flatMap((x) => axis.map((y) => [x, y]));
    let total = 0;
    for (let from = 0; from < grid.length; from += CAPACITY.sequences) {
      const some = grid.slice(from, from + CAPACITY.sequences);
      const sequences = some.map((point) => ({ inputs, targets: Float32Array.from(point) }));
      for (const nll of engine.forward(packDense(config, sequences).batch)) total += Math.exp(-nll) * spacing ** block;
    }
    expect(Math.abs(total - 1)).toBeLessThan(1e-3);
  });

  test("stays finite and right where means, weights and log scales are extreme", () => {
    const mixture = { components: 3, block: 2 };
    const config = configOf("tanh", [2, 3, mixture]);
    const tensors = { ...randomTensors(config, new Random(5)), A: new Float32Array(3 * config.outputs) };
    const extremes = [
      [1e4, -1e4, 0, 0, 0, 1, 1, -1, -1, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 1e4, -1e4, 1e4, 1e4, -1e4, -1e4, 0, 0, 0, 0, 0, 0],
      [0, 1, 2, 0.5, -0.5, 3, 3, 3, 3, -7, -7.5, -100, -1e4, 20, 30],
      [-1e4, 0, -1e4, 5, 5, 5, 5, 5, 5, -1e4, -1e4, -1e4, -1e4, -1e4, -1e4],
    ];
    for (const numbers of extremes) {
      const a = Float32Array.from(numbers);
      const engine = create(config);
      engine.load({ ...tensors, a });
      const targets = Float32Array.of(0.5, -0.5);
      const { nll, tensors: gradient } = engine.gradients(
        packDense(config, [{ inputs: Float32Array.of(1, 2), targets }]).batch,
        1,
      );
      const wanted = plainNll(mixture, a, targets);
      expect(Math.abs(nll[0] - wanted)).toBeLessThan(1e-4 * Math.max(1, Math.abs(wanted)));
      for (const tensor of Object.values(gradient)) expect(tensor.every(Number.isFinite)).toBe(true);
    }
  });

  test("refuses sparse rows", () => {
    const config = configOf("gru", SHAPES[1]);
    const sparse = { offsets: Uint32Array.of(0, 0), columns: new Uint8Array() };
    const batch = { batchSizes: Uint32Array.of(1), inputs: sparse, targets: sparse };
    expect(() => create(config).forward(batch)).toThrow(TypeError);
  });
});
