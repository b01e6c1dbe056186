/**
 * Weights before the first update: orthogonal recurrent blocks (Saxe et al. 2014), small normal input and output weights,
 * and biases by which an LSTM forgets little at first (Gers et al. 2000) and outputs sound as often as in the data.
 */
import { type Config, GATES, type MixtureShape, mixtureOutputs, type Tensors, tensorShapes } from "../kernel/config.ts";
import { normal } from "../util/random.ts";

const DEVIATION = 0.1;
const MIXTURE_DEVIATION = 0.01; // means and log scales are sums over hundreds of units

/** Equal weights and centred means; log scales from that of the data, 0, down to that of near silence, all ten samples alike. */
function mixtureBiases({ components, block }: MixtureShape): Float32Array {
  const biases = new Float32Array(mixtureOutputs({ components, block }));
  const scales = components * (1 + block);
  for (let k = 0; k < components; k++) {
    biases.fill((MIN_LOG_SCALE * k) / components, scales + k * block, scales + (k + 1) * block);
  }
  return biases;
}

const MIN_LOG_SCALE = -6;

/**
 * @param uniform numbers in [0, 1), the only source of randomness.
 * @param frequencies (O), how often each output is active in the training data, in (0, 1); a mixture head asks for none.
 */
export function initialTensors(config: Config, uniform: () => number, frequencies: Float64Array): Tensors {
  const { cell, units } = config;
  const tensor = (name: string, value: (index: number) => number): Float32Array =>
    Float32Array.from({ length: tensorShapes(config)[name].reduce((product, n) => product * n) }, (_, i) => value(i));

  const W = tensor("W", () => DEVIATION * normal(uniform));
  const U = tensor("U", () => 0);
  for (let gate = 0; gate < GATES[cell]; gate++) {
    orthogonal(units, () => normal(uniform)).forEach((row, i) => {
      U.set(row, i * GATES[cell] * units + gate * units);
    });
  }
  const isForgetGate = (index: number) => cell === "lstm" && Math.floor(index / units) === 1;
  const b = tensor("b", (index) => (isForgetGate(index) ? 1 : 0));
  const { mixture } = config;
  const A = tensor("A", () => (mixture ? MIXTURE_DEVIATION : DEVIATION) * normal(uniform));
  const a = mixture ? mixtureBiases(mixture) : tensor("a", (d) => Math.log(frequencies[d] / (1 - frequencies[d])));
  const V = cell === "lstm" && { V: tensor("V", () => 0) };
  const small = () => DEVIATION * normal(uniform);
  const nade = config.nade && {
    C: tensor("C", small),
    c: tensor("c", () => 0),
    N: tensor("N", small),
    M: tensor("M", small),
  };
  return { W, U, b, ...V, A, a, ...nade };
}

/** A random orthogonal matrix, by Gram-Schmidt on normal draws. */
function orthogonal(n: number, draw: () => number): Float64Array[] {
  const rows: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const row = Float64Array.from({ length: n }, draw);
    // Twice is enough (Giraud et al. 2005): the first pass leaves rounding errors along the earlier rows.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of rows) {
        const overlap = row.reduce((sum, x, j) => sum + x * other[j], 0);
        other.forEach((x, j) => {
          row[j] -= overlap * x;
        });
      }
    }
    const length = Math.hypot(...row);
    rows.push(row.map((x) => x / length));
  }
  return rows;
}
