/** The WASM kernel: the common contract, agreement with its reference implementation, and what only it does: noise and updates. */
import { describe, expect, test } from "vitest";
import type { Config, Tensors } from "../../src/kernel/config.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import type { OptimizerSettings } from "../../src/kernel/optimizer.ts";
import { adam, ReferenceKernel, rescaleNorm, rmsProp } from "../../src/kernel/reference.ts";
import {
  CELLS_AND_HEADS,
  concatenate,
  configOf,
  kernelContract,
  raggedPieces,
  relativeErrors,
  SIZES,
} from "../contracts/kernel.ts";
import { pack, Random, randomFrames, randomTensors } from "../support/random.ts";
import { kernelModule, relaxedKernelModule } from "../support/wasm.ts";

kernelContract("WASM kernel", (config, capacity) => new Kernel(kernelModule, config, capacity));
kernelContract("WASM kernel, relaxed", (config, capacity) => new Kernel(relaxedKernelModule, config, capacity));

const SETTINGS: OptimizerSettings = { maxNorm: 1, learningRate: 0.001, decay: 0.95, momentum: 0.9, floor: 0.01 };
const ADAM: OptimizerSettings = { ...SETTINGS, optimizer: "adam", decay: 0.999, floor: 1e-8 };
const SEED = Uint32Array.from({ length: 16 }, (_, k) => 0x9e3779b9 * (k + 1));

const create = (config: Config): Kernel =>
  new Kernel(kernelModule, config, { rows: 400, sequences: 16, training: true });

/** All tensors in one array, in the order of their names in `like`. */
const flat = (tensors: Tensors, like: Tensors = tensors): Float32Array =>
  concatenate(Object.keys(like).map((name) => tensors[name as keyof Tensors] ?? new Float32Array()));

const worst = (found: Tensors, wanted: Tensors): number => Math.max(...Object.values(relativeErrors(found, wanted)));

describe.each(CELLS_AND_HEADS)("WASM kernel, %s, head %s", (cell, head) => {
  test("agrees with its reference implementation: NLL within 1e-5, gradients within 1e-4", () => {
    const random = new Random(11);
    for (const size of SIZES) {
      const config = configOf(cell, size, head);
      const [kernel, reference] = [create(config), new ReferenceKernel(config)];
      const tensors = randomTensors(config, random);
      const { batch } = pack(raggedPieces(random, config));
      for (const engine of [kernel, reference]) engine.load(tensors);
      const [found, wanted] = [kernel.gradients(batch, 0.1), reference.gradients(batch, 0.1)];
      found.nll.forEach((nll, row) => {
        expect(Math.abs(nll / wanted.nll[row] - 1)).toBeLessThan(1e-5);
      });
      expect(worst(found.tensors, wanted.tensors)).toBeLessThan(1e-4);
    }
  });

  test("adapts as its reference implementation: NLL within 1e-5, weights within 1e-5", () => {
    const random = new Random(16);
    for (const size of SIZES) {
      const config = configOf(cell, size, head);
      const kernel = new Kernel(kernelModule, config, { rows: 40, sequences: 1 });
      const engines = [kernel, new ReferenceKernel(config)];
      const tensors = randomTensors(config, random);
      const { batch } = pack([randomFrames(random, 40, config.inputs)]);
      for (const engine of engines) engine.load(tensors);
      const [found, wanted] = engines.map((engine) => engine.adapt(batch, 0.02));
      found.forEach((nll, row) => {
        expect(Math.abs(nll - wanted[row])).toBeLessThan(1e-5 * Math.max(1, wanted[row]));
      });
      expect(worst(engines[0].tensors(), engines[1].tensors())).toBeLessThan(1e-5);
    }
  });

  test("refuses to adapt where it cannot", () => {
    const config = configOf(cell, [3, 7], head);
    const random = new Random(17);
    const two = pack([randomFrames(random, 3, 7), randomFrames(random, 3, 7)]).batch;
    expect(() => create(config).adapt(two, 0.1)).toThrow("A kernel for training does not adapt.");
    const kernel = new Kernel(kernelModule, config, { rows: 40, sequences: 2 });
    expect(() => kernel.adapt(two, 0.1)).toThrow("Expected one sequence to adapt to, got 2.");
  });

  test.each([
    ["RMSProp", "rescaled", SETTINGS, 0.01],
    ["RMSProp", "unscaled", SETTINGS, 1e6],
    ["Adam", "rescaled", ADAM, 0.01],
    ["Adam", "unscaled", ADAM, 1e6],
  ])("updates by %s as its reference implementation within 1e-5, with the gradient %s", (_, _scaled, rule, maxNorm) => {
    const random = new Random(12);
    const config = configOf(cell, [5, 93], head);
    const kernel = create(config);
    const tensors = randomTensors(config, random);
    kernel.load(tensors);
    const settings = { ...rule, maxNorm };
    const weights = Float64Array.from(flat(tensors));
    const [meanSquare, velocity] = [new Float64Array(weights.length), new Float64Array(weights.length)];
    for (let n = 0; n < 3; n++) {
      const { batch } = pack(raggedPieces(random, config));
      const gradient = Float64Array.from(flat(kernel.gradients(batch, 0.1).tensors, tensors));
      const norm = rescaleNorm(gradient, maxNorm);
      const updated = { weights, gradient, meanSquare, velocity };
      if (rule.optimizer === "adam") adam(settings, updated, n + 1);
      else rmsProp(settings, updated);
      expect(Math.abs(kernel.update(settings) / norm - 1)).toBeLessThan(1e-5);
    }
    const optimizer = kernel.optimizer();
    expect(optimizer.updates).toBe(3);
    for (const [found, wanted] of [
      [kernel.tensors(), weights],
      [optimizer.meanSquare, meanSquare],
      [optimizer.velocity, velocity],
    ] as const) {
      const error = flat(found, tensors).map((value, k) => value - wanted[k]);
      expect(Math.hypot(...error) / Math.hypot(...wanted)).toBeLessThan(1e-5);
    }
  });

  test("changes nothing by an update from a gradient that is not finite, and says so", () => {
    const random = new Random(13);
    const config = configOf(cell, [3, 7], head);
    const kernel = create(config);
    kernel.load(randomTensors(config, random));
    const { batch } = pack(raggedPieces(random, config));
    kernel.backward(batch, 1);
    kernel.update(SETTINGS);
    const before = [kernel.tensors(), kernel.optimizer()];
    kernel.backward(batch, Number.NaN);
    expect(kernel.update(SETTINGS)).toBeNaN();
    expect([kernel.tensors(), kernel.optimizer()]).toEqual(before);
  });

  test.each([
    ["RMSProp", SETTINGS],
    ["Adam", ADAM],
  ])("trains on from copied weights and optimizer state of %s, bit for bit", (_, rule) => {
    const random = new Random(14);
    const config = configOf(cell, [5, 7], head);
    const [first, second] = [create(config), create(config)];
    first.load(randomTensors(config, random));
    const { batch } = pack(raggedPieces(random, config));
    const step = (kernel: Kernel): void => {
      kernel.backward(batch, 0.1);
      kernel.update(rule);
    };
    step(first);
    second.load(first.tensors());
    second.loadOptimizer(first.optimizer());
    for (const kernel of [first, second]) step(kernel);
    expect(second.tensors()).toEqual(first.tensors());
    expect(second.optimizer()).toEqual(first.optimizer());
  });

  test("puts its weights back after noise, to the bit", () => {
    const random = new Random(15);
    const config = configOf(cell, [5, 7], head);
    const kernel = create(config);
    const tensors = randomTensors(config, random);
    kernel.load(tensors);
    kernel.seed(SEED);
    kernel.perturb(0.075);
    expect(worst(kernel.tensors(), tensors)).toBeGreaterThan(0.01);
    kernel.restore();
    expect(kernel.tensors()).toEqual(tensors);
  });

  test("computes with noisy weights as a kernel that had them loaded, so no noise reached the padding", () => {
    const random = new Random(16);
    for (const size of SIZES) {
      const config = configOf(cell, size, head);
      const [noisy, clean] = [create(config), create(config)];
      noisy.load(randomTensors(config, random));
      noisy.seed(SEED);
      const { batch } = pack(raggedPieces(random, config));
      for (let n = 0; n < 3; n++) {
        noisy.perturb(0.5);
        clean.load(noisy.tensors());
        expect(noisy.gradients(batch, 1)).toEqual(clean.gradients(batch, 1));
        noisy.restore();
        noisy.backward(batch, 1);
        noisy.update(SETTINGS);
      }
    }
  });
});

describe("weight noise", () => {
  const config = configOf("gru", [45, 105]);
  const zeros = randomTensors(config, new Random(0));
  for (const values of Object.values(zeros)) values.fill(0);

  /** Noise of every weight over n draws. */
  function draws(seed: Uint32Array, sigma: number, n: number): Float32Array {
    const kernel = create(config);
    kernel.load(zeros);
    kernel.seed(seed);
    return concatenate(
      Array.from({ length: n }, () => {
        kernel.perturb(sigma);
        const noise = flat(kernel.tensors());
        kernel.restore();
        return noise;
      }),
    );
  }

  test("follows its seed", () => {
    expect(draws(SEED, 0.075, 2)).toEqual(draws(SEED, 0.075, 2));
    expect(draws(SEED.toReversed(), 0.075, 2)).not.toEqual(draws(SEED, 0.075, 2));
  });

  test("is drawn anew each time", () => {
    const noise = draws(SEED, 1, 2);
    const half = noise.length / 2;
    expect(Math.abs(correlation(noise.subarray(0, half), noise.subarray(half)))).toBeLessThan(4 / Math.sqrt(half));
  });

  test("is independent from one weight to the next ones", () => {
    const noise = draws(SEED, 1, 5);
    for (let lag = 1; lag <= 16; lag++) {
      const r = correlation(noise.subarray(lag), noise.subarray(0, noise.length - lag));
      expect(Math.abs(r), `lag ${lag}`).toBeLessThan(4.5 / Math.sqrt(noise.length));
    }
  });

  test("has mean 0, deviation sigma and the fourth moment of the normal law", () => {
    const sigma = 0.075;
    const noise = draws(SEED, sigma, 10);
    const n = noise.length;
    expect(n).toBeGreaterThan(2e5);
    const moment = (power: number): number => noise.reduce((sum, x) => sum + (x / sigma) ** power, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  });

  test("passes the test of Kolmogorov and Smirnov against the normal law at 1%", () => {
    const sorted = draws(SEED, 1, 10).sort();
    const n = sorted.length;
    const distance = sorted.reduce((most, x, k) => Math.max(most, Math.abs(normalCdf(x) - (k + 0.5) / n)), 0);
    expect(distance + 0.5 / n).toBeLessThan(1.628 / Math.sqrt(n));
  });
});

describe.each(CELLS_AND_HEADS)("dropout before the output layer of %s, head %s", (cell, head) => {
  const config = configOf(cell, [22, 31], head);
  const tensors = randomTensors(config, new Random(18));
  const { batch } = pack(raggedPieces(new Random(19), config));

  /** Σ NLL and gradient under the masks of one seed. */
  function at(weights: Tensors, dropout: number) {
    const kernel = create(config);
    kernel.load(weights);
    kernel.seed(SEED);
    const nll = kernel.backward(batch, 1, dropout).reduce((sum, x) => sum + x, 0);
    return { nll, gradient: kernel.gradient() };
  }

  test("gives the slope of the NLL that it measures, along the gradient", () => {
    const { gradient } = at(tensors, 0.4);
    const norm = Math.hypot(...flat(gradient));
    const moved = (distance: number): Tensors => {
      const entries = Object.entries(tensors).map(([name, values]: [string, Float32Array]) => {
        const slope = gradient[name as keyof Tensors] ?? values;
        return [name, values.map((x, k) => x + (distance * slope[k]) / norm)];
      });
      return Object.fromEntries(entries);
    };
    const step = 0.02;
    const slope = (at(moved(step), 0.4).nll - at(moved(-step), 0.4).nll) / (2 * step);
    expect(Math.abs(slope / norm - 1)).toBeLessThan(0.01);
    expect(worst(gradient, at(tensors, 0).gradient)).toBeGreaterThan(0.1);
  });

  test("hides the asked share of units and leaves the mean of what is seen", () => {
    // With one row, row j of the gradient of A is h_j mask_j times the gradient of the logits.
    const kernel = create(config);
    kernel.load({ ...tensors, A: tensors.A.map(() => 0), ...(tensors.C && { C: tensors.C.map(() => 0) }) });
    kernel.seed(SEED);
    const { batch: one } = pack([[[1], [2]]]);
    kernel.backward(one, 1, 0);
    const whole = kernel.gradient().A;
    const draws = 400;
    let hidden = 0;
    let sum = 0;
    for (let n = 0; n < draws; n++) {
      kernel.backward(one, 1, 0.3);
      const { A } = kernel.gradient();
      for (let j = 0; j < config.units; j++) {
        const mask = A[j * config.outputs] / whole[j * config.outputs];
        hidden += mask === 0 ? 1 : 0;
        sum += mask;
      }
    }
    const n = draws * config.units;
    expect(Math.abs(hidden / n - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / n));
    expect(Math.abs(sum / n - 1)).toBeLessThan((4 * Math.sqrt(0.21 / n)) / 0.7);
  });
});

describe("WASM kernel", () => {
  test("averages its weights and gives them back", () => {
    const config = configOf("lstm", [5, 7]);
    const random = new Random(20);
    const [first, second] = [randomTensors(config, random), randomTensors(config, random)];
    const kernel = create(config);
    kernel.load(first);
    kernel.accumulate(0);
    kernel.load(second);
    kernel.accumulate(0.75);
    kernel.useAverage();
    const average = flat(kernel.tensors());
    const wanted = flat(second).map((x, k) => 0.75 * flat(first)[k] + 0.25 * x);
    expect(Math.max(...average.map((x, k) => Math.abs(x - wanted[k])))).toBeLessThan(1e-6);
    kernel.restore();
    expect(kernel.tensors()).toEqual(second);
  });

  test.each([
    ["rows whose bytes wrap round 2^32 to few", 46, { rows: 7_460_000, sequences: 32 }],
    ["a sum that wraps although no part does", 46, { rows: 4_000_000, sequences: 32, training: true }],
    ["rows that 32 bits do not hold", 46, { rows: 2 ** 32 + 8, sequences: 2 }],
    ["sequences that wrap", 46, { rows: 8, sequences: 2 ** 26 }],
    ["weights that wrap", 2 ** 15, { rows: 8, sequences: 2 }],
    ["units that 32 bits do not hold", 2 ** 32 + 8, { rows: 8, sequences: 2 }],
  ])("refuses what 4 GB do not hold: %s", (_, units, capacity) => {
    const config: Config = { cell: "gru", inputs: 88, units, outputs: 88 };
    expect(() => new Kernel(kernelModule, config, capacity)).toThrow(/No memory/);
  });

  test("refuses a batch that is larger than its memory was laid out for", () => {
    const config = configOf("gru", [3, 7]);
    const kernel = new Kernel(kernelModule, config, { rows: 8, sequences: 2 });
    const random = new Random(17);
    expect(() => kernel.forward(pack(raggedPieces(random, config, [10])).batch)).toThrow(RangeError);
    expect(() => kernel.forward(pack(raggedPieces(random, config, [2, 2, 2])).batch)).toThrow(RangeError);
    expect(() => kernel.forward(pack(raggedPieces(random, config, [5, 5])).batch)).not.toThrow();
  });
});

/** Φ(x) by formula 7.1.26 of Abramowitz and Stegun, absolute error below 1.5e-7. */
function normalCdf(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce(
    (sum, c) => (sum + c) * t,
    0,
  );
  const upper = 0.5 * series * Math.exp((-x * x) / 2);
  return x < 0 ? upper : 1 - upper;
}

function correlation(x: Float32Array, y: Float32Array): number {
  const product = (p: Float32Array, q: Float32Array): number => p.reduce((sum, value, k) => sum + value * q[k], 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}
