/** The kernel's vectorised functions against Math in float64, over all of float32 in steps of its bit patterns. */
import { describe, expect, test } from "vitest";
import { softplus } from "../../src/kernel/reference-heads.ts";
import { kernelModule } from "../support/wasm.ts";

interface MathExports {
  readonly memory: WebAssembly.Memory;
  apply(f: number, target: number, vectors: number): void;
}

// The numbers of apply() in assembly/index.ts.
const FUNCTIONS = { exp: 0, sigmoid: 1, tanh: 2, softplus: 3, log1p: 4 } as const;

const { memory, apply } = new WebAssembly.Instance(kernelModule).exports as unknown as MathExports;

/** Values of a vectorised function. */
function evaluate(name: keyof typeof FUNCTIONS, x: Float32Array): Float32Array {
  const vectors = Math.ceil(x.length / 4);
  const address = memory.grow(Math.ceil(vectors / 4096)) * 65536;
  const values = new Float32Array(memory.buffer, address, vectors * 4);
  values.set(x);
  apply(FUNCTIONS[name], address, vectors);
  return values.slice(0, x.length);
}

/** Every 1021st finite float32 of both signs, denormals among them, and the points where something could break. */
function sweep(): Float32Array {
  const bits: number[] = [];
  for (let pattern = 0; pattern < 0x7f800000; pattern += 1021) bits.push(pattern, pattern + 0x80000000);
  const corners = [1e4, 87, 88, 89, 103, 104, 126.5 * Math.LN2, 0.5 * Math.LN2, Math.LN2, 1, 2 ** -126, 2 ** -149, 0];
  const swept = new Float32Array(Uint32Array.from(bits).buffer);
  return Float32Array.from([
    ...swept,
    ...corners.flatMap((x) => [x, -x]),
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
}

const everywhere = sweep();
const within = (limit: number): Float32Array => everywhere.filter((x) => Math.abs(x) <= limit);

/** The largest of the errors, and where it is; `bound` 1 is allowed. */
function worst(
  x: Float32Array,
  found: Float32Array,
  wanted: (x: number) => number,
  bound: (y: number, x: number) => number,
) {
  let [ratio, at] = [0, 0];
  for (let k = 0; k < x.length; k++) {
    const y = wanted(x[k]);
    const error = found[k] === y ? 0 : Math.abs(found[k] - y) / bound(y, x[k]);
    if (Number.isNaN(error)) return { ratio: error, at: x[k] };
    if (error > ratio) [ratio, at] = [error, x[k]];
  }
  return { ratio, at };
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

describe("the kernel's vectorised functions", () => {
  test("sigmoid is within 4e-7 everywhere", () => {
    const { ratio, at } = worst(everywhere, evaluate("sigmoid", everywhere), logistic, () => 4e-7);
    expect(ratio, `at ${at}`).toBeLessThanOrEqual(1);
  });

  test("tanh is within 4e-7 everywhere", () => {
    const { ratio, at } = worst(everywhere, evaluate("tanh", everywhere), Math.tanh, () => 4e-7);
    expect(ratio, `at ${at}`).toBeLessThanOrEqual(1);
  });

  test("softplus is within 4e-7 of the larger of its value and 1, everywhere", () => {
    const { ratio, at } = worst(everywhere, evaluate("softplus", everywhere), softplus, (y) => 4e-7 * Math.max(1, y));
    expect(ratio, `at ${at}`).toBeLessThanOrEqual(1);
  });

  test("softplus is within (2.5 + 0.75 |x|) · 1e-7, relative, where it is small", () => {
    const x = within(80);
    const { ratio, at } = worst(x, evaluate("softplus", x), softplus, (y, at) => (2.5e-7 + 7.5e-8 * Math.abs(at)) * y);
    expect(ratio, `at ${at}`).toBeLessThanOrEqual(1);
  });

  test("exp is within (1.2 + 0.75 |x|) · 1e-7, relative, from -87 to 87", () => {
    const x = within(87);
    const { ratio, at } = worst(x, evaluate("exp", x), Math.exp, (y, at) => (1.2e-7 + 7.5e-8 * Math.abs(at)) * y);
    expect(ratio, `at ${at}`).toBeLessThanOrEqual(1);
  });

  test("log1p is within 2e-7, relative, from 0 to 1", () => {
    const x = everywhere.filter((value) => value >= 0 && value <= 1);
    const { ratio, at } = worst(x, evaluate("log1p", x), Math.log1p, (y) => 2e-7 * y + 1e-45);
    expect(ratio, `at ${at}`).toBeLessThanOrEqual(1);
  });

  test("sigmoid and tanh stay in their range and softplus above zero", () => {
    for (const y of evaluate("sigmoid", everywhere)) if (!(y >= 0 && y <= 1)) expect.fail(`sigmoid gave ${y}`);
    for (const y of evaluate("tanh", everywhere)) if (!(y >= -1 && y <= 1)) expect.fail(`tanh gave ${y}`);
    for (const y of evaluate("softplus", everywhere)) if (!(y >= 0)) expect.fail(`softplus gave ${y}`);
  });

  test.each(Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[])("%s of NaN is NaN", (name) => {
    expect(evaluate(name, Float32Array.of(Number.NaN))[0]).toBeNaN();
  });
});
