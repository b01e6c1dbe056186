import { expect, test } from "vitest";
import { GaussianMixture } from "../../src/model/gaussian-mixture.ts";
import { Random } from "../support/random.ts";

const shape = { components: 3, block: 4 };
const outputs = (seed: number) => new Random(seed).normals(shape.components * (1 + 2 * shape.block), 0.7);

test("the density of a single sample integrates to 1", () => {
  const mixture = GaussianMixture.ofOutputs(outputs(1), { components: 9, block: 1 });
  let sum = 0;
  const step = 0.001;
  for (let x = -30; x < 30; x += step) sum += Math.exp(-mixture.nll([x])) * step;
  expect(sum).toBeCloseTo(1, 6);
});

test("the density of the block's first samples is that of all, integrated over the last", () => {
  const mixture = GaussianMixture.ofOutputs(outputs(2), shape);
  const first = [0.3, -0.2, 0.5];
  let sum = 0;
  const step = 0.001;
  for (let x = -30; x < 30; x += step) sum += Math.exp(-mixture.nll([...first, x])) * step;
  expect(sum / Math.exp(-mixture.nll(first))).toBeCloseTo(1, 6);
});

test("the densities of the first samples, and of the others given those, multiply to that of the block", () => {
  const mixture = GaussianMixture.ofOutputs(outputs(3), shape);
  const block = [0.3, -0.2, 0.5, 1.5];
  for (let known = 0; known <= block.length; known++) {
    const parts = mixture.nll(block.slice(0, known)) + mixture.given(block.slice(0, known)).nll(block.slice(known));
    expect(parts).toBeCloseTo(mixture.nll(block), 10);
  }
});

test("samples that no component is near have a finite density, and leave weights that add up to 1", () => {
  const mixture = GaussianMixture.ofOutputs(
    Float32Array.from(outputs(4), (x) => 40 * x),
    shape,
  );
  const far = [1e4, -1e4];
  expect(mixture.nll(far)).toBeLessThan(1e20);
  expect(mixture.given(far).weights.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
});

test("the mean of many sampled blocks is the expected one, and their deviation that of the mixture", () => {
  const mixture = GaussianMixture.ofOutputs(outputs(5), shape);
  const random = new Random(6);
  const draws = Array.from({ length: 40_000 }, () => mixture.sample(random.uniform, 1));
  mixture.expected().forEach((mean, d) => {
    const values = draws.map((block) => block[d]);
    const variance = mixture.weights.reduce(
      (sum, weight, k) => sum + weight * (mixture.scales[k][d] ** 2 + (mixture.means[k][d] - mean) ** 2),
      0,
    );
    const found = values.reduce((a, b) => a + b) / values.length;
    expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / values.length));
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(squares / variance).toBeCloseTo(1, 1);
  });
});

test("at a temperature of almost nothing a sampled block is the mean of the weightiest component", () => {
  const mixture = GaussianMixture.ofOutputs(outputs(7), shape);
  const weightiest = mixture.weights.indexOf(Math.max(...mixture.weights));
  mixture.sample(new Random(8).uniform, 1e-12).forEach((sample, d) => {
    expect(sample).toBeCloseTo(mixture.means[weightiest][d], 4);
  });
});

test("the density in other units follows by the Jacobian", () => {
  const mixture = GaussianMixture.ofOutputs(outputs(9), shape);
  const block = [0.3, -0.2, 0.5, 1.5];
  const scaled = mixture.scaled(0.1, 0.02);
  expect(scaled.nll(block.map((x) => 0.1 * x + 0.02))).toBeCloseTo(mixture.nll(block) + 4 * Math.log(0.1), 10);
});
