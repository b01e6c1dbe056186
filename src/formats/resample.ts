/**
 * Samples at one rate -> the same sound at another, by a sinc filter under a Kaiser window, one row of taps for each phase
 * (Smith, "Digital Audio Resampling", and Kaiser 1974 for the window). Of the half of the lower rate, seven eighths pass
 * (±0.01 dB); from the half of the lower rate on, all is at least 80 dB down.
 */
import { Work } from "../util/work.ts";

const ATTENUATION = 84; // dB, by design; what is left over 80 covers rows that are interpolated
const PASSES = 7 / 8;
const BETA = 0.1102 * (ATTENUATION - 8.7); // Kaiser's formula above 50 dB
/** To each period of the lower rate; beyond, rows are interpolated between neighbours: -110 dB of error. */
const MAX_PHASES = 512;
const BLOCK = 1024; // samples of output between two pauses
/** What one takes here, in multiply-adds of the kernel (measured, see bench/abuse.md). */
const MULTIPLY_ADD = 10;

/**
 * Resamples without delay: sample n of the result is at the time n / to, for as long as the input lasts. Outside of the
 * input there is silence.
 * @param from Hz, a whole number, as `to`
 */
export async function resample(
  samples: Float32Array,
  from: number,
  to: number,
  work = new Work(),
): Promise<Float32Array> {
  if (from === to) return samples;
  const divisor = gcd(from, to);
  const [up, down] = [to / divisor, from / divisor];
  const band = Math.min(1, to / from);
  // A lower band takes longer rows, and fewer of them: the filter is no larger for a higher rate.
  const phases = Math.min(up, Math.ceil(MAX_PHASES * band));
  const rows = filterRows(phases, band);
  const half = rows[0].length / 2; // taps before the place of an output sample, and after it
  const padded = new Float32Array(samples.length + 2 * half);
  padded.set(samples, half);
  const result = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let start = 0; start < result.length; start += BLOCK) {
    filter(padded, { up, down, rows }, result.subarray(start, start + BLOCK), start);
    await work.step(BLOCK * rows[0].length * MULTIPLY_ADD);
  }
  return result;
}

interface Filter {
  readonly up: number;
  readonly down: number;
  readonly rows: readonly Float32Array[];
}

/** Fills a part of the result, whose first sample is number `start`. */
function filter(padded: Float32Array, { up, down, rows }: Filter, part: Float32Array, start: number): void {
  for (let i = 0; i < part.length; i++) {
    const n = start + i;
    const at = Math.floor((n * down) / up) + 1; // after the input sample before the output sample
    const place = (((n * down) % up) / up) * (rows.length - 1);
    const phase = Math.floor(place);
    const first = dot(rows[phase], padded, at);
    part[i] = place === phase ? first : first + (place - phase) * (dot(rows[phase + 1], padded, at) - first);
  }
}

function dot(taps: Float32Array, samples: Float32Array, start: number): number {
  let [a, b, c, d] = [0, 0, 0, 0]; // four chains run side by side
  for (let i = 0; i < taps.length; i += 4) {
    a += taps[i] * samples[start + i];
    b += taps[i + 1] * samples[start + i + 1];
    c += taps[i + 2] * samples[start + i + 2];
    d += taps[i + 3] * samples[start + i + 3];
  }
  return a + b + (c + d);
}

/**
 * Taps (2 half) of each phase, 0 … phases; the last is the first of the next sample. Each row adds up to 1, so that a
 * constant stays what it is.
 * @param band the lower rate as a share of the input's
 */
function filterRows(phases: number, band: number): Float32Array[] {
  const transition = Math.PI * band * (1 - PASSES); // radians per input sample
  const taps = (ATTENUATION - 7.95) / (2.285 * transition);
  const half = 2 * Math.ceil(taps / 4); // rows of four
  const cutoff = (band * (1 + PASSES)) / 2;
  return Array.from({ length: phases + 1 }, (_, phase) => {
    const row = Float64Array.from({ length: 2 * half }, (_, i) => {
      const x = i - half + 1 - phase / phases; // from the output sample, in input samples
      const u = x / half;
      return Math.abs(u) >= 1 ? 0 : sinc(cutoff * x) * bessel(BETA * Math.sqrt(1 - u * u));
    });
    const sum = row.reduce((a, b) => a + b, 0);
    return Float32Array.from(row, (tap) => tap / sum);
  });
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Modified Bessel function of the first kind and order 0, by its power series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
