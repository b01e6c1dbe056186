/** The reference implementation: the common contract, and finite differences, which only its float64 can answer for. */
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import type { Tensors } from "../../src/kernel/config.ts";
import { stateSize } from "../../src/kernel/engine.ts";
import { adam, backward, forward, ReferenceKernel, rescaleNorm, rmsProp, widen } from "../../src/kernel/reference.ts";
import { softplus } from "../../src/kernel/reference-heads.ts";
import { CELLS_AND_HEADS, configOf, kernelContract, raggedPieces } from "../contracts/kernel.ts";
import { pack, Random, randomTensors } from "../support/random.ts";

kernelContract("reference implementation", (config) => new ReferenceKernel(config));

describe.each(CELLS_AND_HEADS)("reference implementation, %s, head %s", (cell, head) => {
  test("has the gradients of central differences in float64 within 1e-6", () => {
    const random = new Random(1);
    const config = configOf(cell, [3, 5], head);
    const weights = widen(randomTensors(config, random));
    const { batch } = pack(raggedPieces(random, config, [6, 2, 4]));
    const start = random.normals(3 * stateSize(config), 0.5);
    const loss = (): number => 0.25 * forward(config, weights, batch, start).nll.reduce((sum, nll) => sum + nll);
    const gradients = backward(config, weights, batch, forward(config, weights, batch, start), 0.25);
    const step = 1e-5;
    for (const name of Object.keys(weights) as (keyof Tensors)[]) {
      weights[name].forEach((weight, k) => {
        weights[name][k] = weight + step;
        const above = loss();
        weights[name][k] = weight - step;
        const below = loss();
        weights[name][k] = weight;
        expect(Math.abs((above - below) / (2 * step) - gradients[name][k]), `${name}[${k}]`).toBeLessThan(1e-6);
      });
    }
  });
});

describe("softplus", () => {
  test("neither overflows nor cancels", () => {
    expect(softplus(0)).toBe(Math.LN2);
    expect(softplus(1e4)).toBe(1e4);
    expect(softplus(-1e4)).toBe(0);
    expect(softplus(-40)).toBeCloseTo(Math.exp(-40), 30);
  });
});

describe("rescaleNorm", () => {
  test("scales a longer gradient to the norm wanted, and says how long it was", () => {
    const gradient = Float64Array.of(3, -4);
    expect(rescaleNorm(gradient, 1)).toBe(5);
    expect(gradient).toEqual(Float64Array.of(3 * (1 / 5), -4 * (1 / 5)));
  });

  test("leaves a shorter one alone, and zeros too", () => {
    const gradient = Float64Array.of(0.3, 0, -0.4);
    expect(rescaleNorm(gradient, 1)).toBeCloseTo(0.5, 15);
    expect(gradient).toEqual(Float64Array.of(0.3, 0, -0.4));
    expect(rescaleNorm(new Float64Array(3), 1)).toBe(0);
  });
});

describe("rmsProp", () => {
  const settings = { learningRate: 0.1, decay: 0.95, floor: 0.01, momentum: 0.9 };

  test("takes the steps that the formula gives by hand", () => {
    const state = {
      weights: Float64Array.of(1),
      gradient: Float64Array.of(2),
      meanSquare: Float64Array.of(0),
      velocity: Float64Array.of(0),
    };
    rmsProp(settings, state);
    expect(state.meanSquare[0]).toBeCloseTo(0.2, 14); // 0.05 · 4
    expect(state.velocity[0]).toBeCloseTo(-0.2 / Math.sqrt(0.2), 14);
    rmsProp(settings, state);
    expect(state.meanSquare[0]).toBeCloseTo(0.39, 14); // 0.95 · 0.2 + 0.2
    const second = -0.9 * (0.2 / Math.sqrt(0.2)) - 0.2 / Math.sqrt(0.39);
    expect(state.velocity[0]).toBeCloseTo(second, 14);
    expect(state.weights[0]).toBeCloseTo(1 - 0.2 / Math.sqrt(0.2) + second, 14);
  });

  test("divides a small gradient by the floor", () => {
    const state = {
      weights: Float64Array.of(1),
      gradient: Float64Array.of(1e-4),
      meanSquare: Float64Array.of(0),
      velocity: Float64Array.of(0),
    };
    rmsProp(settings, state);
    expect(state.weights[0]).toBeCloseTo(1 - (0.1 * 1e-4) / 0.01, 14);
  });
});

test("adam takes the steps of TensorFlow.js", () => {
  const settings = { learningRate: 0.02, decay: 0.99, floor: 1e-6, momentum: 0.8 };
  const random = new Random(4);
  const start = random.normals(20);
  const theirs = tf.variable(tf.tensor1d(start));
  const optimizer = tf.train.adam(settings.learningRate, settings.momentum, settings.decay, settings.floor);
  const weights = Float64Array.from(start);
  const [meanSquare, velocity] = [new Float64Array(20), new Float64Array(20)];
  for (let n = 1; n <= 10; n++) {
    const gradient = random.normals(20, n); // growing, so that the scales of the first updates matter
    optimizer.applyGradients([{ name: theirs.name, tensor: tf.tensor1d(gradient) }]);
    adam(settings, { weights, gradient: Float64Array.from(gradient), meanSquare, velocity }, n);
  }
  const wanted = theirs.dataSync();
  expect(Math.hypot(...weights.map((w, k) => w - start[k]))).toBeGreaterThan(0.1);
  weights.forEach((w, k) => {
    expect(w).toBeCloseTo(wanted[k], 5);
  });
});
