import { expect, test } from "vitest";
import { normal, uniform, xoshiro128 } from "../../src/util/random.ts";

test("xoshiro128** gives the numbers of an implementation in 64-bit integers", () => {
  const mask = 0xffffffffn;
  const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  let [a, b, c, d] = [1n, 2n, 3n, 0xfffffff0n];
  const next = xoshiro128([1, 2, 3, 0xfffffff0]);
  for (let i = 0; i < 1000; i++) {
    expect(next()).toBe(Number((rotate((b * 5n) & mask, 7n) * 9n) & mask));
    const t = (b << 9n) & mask;
    [c, d] = [c ^ a, d ^ b];
    [b, a] = [b ^ c, a ^ d];
    [c, d] = [c ^ t, rotate(d, 11n)];
  }
});

test("xoshiro128** begins 11520, 0, 5927040, 70819200 from the state 1, 2, 3, 4, as its authors' C does", () => {
  const next = xoshiro128([1, 2, 3, 4]);
  expect([next(), next(), next(), next()]).toEqual([11520, 0, 5927040, 70819200]);
});

test("uniform numbers lie in [0, 1), average 1/2, and differ between seeds", () => {
  const draw = uniform(1);
  const numbers = Array.from({ length: 100_000 }, draw);
  expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
  expect(numbers.reduce((a, b) => a + b) / 100_000).toBeCloseTo(0.5, 2);
  expect(new Set(Array.from({ length: 1000 }, (_, seed) => uniform(seed)())).size).toBe(1000);
});

test("normal draws have the mean 0, the deviation 1 and the tails of the normal law", () => {
  const source = uniform(1);
  const draws = Array.from({ length: 100_000 }, () => normal(source));
  const share = (condition: (z: number) => boolean) => draws.filter(condition).length / draws.length;
  expect(draws.reduce((a, b) => a + b) / draws.length).toBeCloseTo(0, 2);
  expect(draws.reduce((a, b) => a + b * b) / draws.length).toBeCloseTo(1, 1);
  expect(share((z) => z < -1)).toBeCloseTo(0.1587, 2);
  expect(share((z) => z > 2)).toBeCloseTo(0.0228, 2);
});
