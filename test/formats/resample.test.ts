import { describe, expect, test } from "vitest";
import { resample } from "../../src/formats/resample.ts";
import { Random } from "../support/random.ts";

const tone = (hertz: number, rate: number, samples: number) =>
  Float32Array.from({ length: samples }, (_, t) => Math.sin((2 * Math.PI * hertz * t) / rate));

/** Largest sample, far enough from both ends for the filter not to reach beyond them. */
const peak = (samples: Float32Array, edge: number) =>
  samples.subarray(edge, samples.length - edge).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

const decibels = (ratio: number) => 20 * Math.log10(ratio);

describe.each([
  [44_100, 8000],
  [48_000, 8000],
  [16_000, 8000],
  [11_025, 8000],
  [8001, 8000],
  [44_101, 8000], // rows between 512 phases
  [192_000, 8000],
  [6000, 8000],
  [4001, 8000],
])("from %i to %i Hz", (from, to) => {
  const lower = Math.min(from, to);
  const seconds = 0.25;
  const samples = Math.round(from * seconds);
  const edge = Math.ceil((150 * to) / lower);

  test.each([0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.87])(
    "a tone at %f of half the lower rate passes as it is",
    async (part) => {
      const hertz = (part * lower) / 2;
      const found = await resample(tone(hertz, from, samples), from, to);
      const wanted = tone(hertz, to, found.length);
      expect(found.length).toBe(Math.ceil((samples * to) / from));
      const error = peak(
        found.map((sample, t) => sample - wanted[t]),
        edge,
      );
      expect(decibels(1 + error)).toBeLessThan(0.01); // 0.0012 of gain, delay or anything else
    },
  );

  if (from > to) {
    test.each([1, 1.01, 1.1, 1.5, 1.9])("a tone at %f of half the lower rate is 80 dB down", async (part) => {
      const hertz = (part * lower) / 2;
      if (hertz >= from / 2) return;
      const found = await resample(tone(hertz, from, samples), from, to);
      expect(decibels(peak(found, edge))).toBeLessThan(-80);
    });
  }

  test("a constant stays what it is", async () => {
    const found = await resample(new Float32Array(samples).fill(0.3), from, to);
    expect(
      peak(
        found.map((sample) => sample - 0.3),
        edge,
      ),
    ).toBeLessThan(1e-6);
  });
});

test("images of a tone are 80 dB down when the rate grows", async () => {
  const [from, to] = [4000, 8000];
  const found = await resample(tone(1000, from, 4000), from, to);
  // By the sampling theorem the image would stand at 3000 Hz; its amplitude by projection under a window.
  let [real, imaginary, weight] = [0, 0, 0];
  found.forEach((sample, t) => {
    const window = Math.sin((Math.PI * t) / found.length) ** 4;
    const angle = (2 * Math.PI * 3000 * t) / to;
    real += window * sample * Math.cos(angle);
    imaginary += window * sample * Math.sin(angle);
    weight += window;
  });
  expect(decibels((2 * Math.hypot(real, imaginary)) / weight)).toBeLessThan(-80);
});

test("is linear", async () => {
  const random = new Random(1);
  const [a, b] = [random.normals(3000), random.normals(3000)];
  const [ra, rb, both] = await Promise.all(
    [a, b, a.map((sample, t) => 2 * sample - 3 * b[t])].map((samples) => resample(samples, 44_100, 8000)),
  );
  both.forEach((sample, t) => {
    expect(Math.abs(sample - (2 * ra[t] - 3 * rb[t]))).toBeLessThan(1e-5);
  });
});

test("keeps a recording at the same rate, and nothing of nothing", async () => {
  const samples = new Random(2).normals(100);
  expect(await resample(samples, 8000, 8000)).toBe(samples);
  expect(await resample(new Float32Array(), 44_100, 8000)).toEqual(new Float32Array());
  expect((await resample(Float32Array.of(1), 44_100, 8000)).length).toBe(1);
});
