/**
 * GSM 6.10 (ETSI EN 300 961, full-rate speech) in WAV files, as answering machines and PBXs write it -> samples: a long-term and
 * a short-term predictor around a coarse residual, in the standard's 16-bit arithmetic. Two frames of 160 samples share 65 bytes.
 */

import type { BlockCodec } from "./pcm.ts";

const BLOCK_BYTES = 65;
const FRAME = 160; // samples
const SUBFRAME = 40;
const MAX_LAG = 120;

// Tables 4.1, 4.3a and 4.6 of the standard, by coefficient, gain and mantissa.
const AREA_BITS = [6, 6, 5, 5, 4, 4, 3, 3];
const INVERSE_A = [13107, 13107, 13107, 13107, 19223, 17476, 31454, 29708];
const B = [0, 0, 2048, -2560, 94, -1792, -341, -1144];
const GAINS = [3277, 11469, 21299, 32767];
const MANTISSAS = [18431, 20479, 22527, 24575, 26623, 28671, 30719, 32767];

const DEEMPHASIS = 28180; // 0.86 in 1/32768

const saturate = (x: number) => Math.max(-32768, Math.min(32767, x));
const multiply = (a: number, b: number) => saturate((a * b + 16384) >> 15);

/** Two frames a block. The decoder remembers the blocks before, so they are to be decoded in order. */
export function gsmCodec(): BlockCodec {
  const decoder = new Decoder();
  return {
    blockBytes: BLOCK_BYTES,
    blockFrames: 2 * FRAME,
    decode(blocks) {
      const samples = new Float64Array((blocks.length / BLOCK_BYTES) * 2 * FRAME);
      for (let at = 0, t = 0; at < blocks.length; at += BLOCK_BYTES) {
        const next = bitReader(blocks.subarray(at, at + BLOCK_BYTES));
        for (let frame = 0; frame < 2; frame++, t += FRAME) decoder.decode(next, samples.subarray(t, t + FRAME));
      }
      return samples;
    },
  };
}

/** Fields stand in their order, each with its lowest bit first. */
function bitReader(bytes: Uint8Array): (bits: number) => number {
  let at = 0;
  return (bits) => {
    let value = 0;
    for (let i = 0; i < bits; i++, at++) value |= ((bytes[at >> 3] >> (at & 7)) & 1) << i;
    return value;
  };
}

class Decoder {
  #areas = new Int32Array(8); // decoded log area ratios of the frame before
  readonly #residual = new Int32Array(MAX_LAG + FRAME); // of the last 120 samples, then of this frame
  #lag = SUBFRAME;
  readonly #lattice = new Int32Array(9);
  #emphasis = 0;

  /** @param result one frame, full scale = 1 */
  decode(next: (bits: number) => number, result: Float64Array): void {
    const areas = Int32Array.from(AREA_BITS, (bits, i) => {
      const steps = (next(bits) - 2 ** (bits - 1)) * 1024;
      return saturate(2 * multiply(INVERSE_A[i], saturate(steps - 2 * B[i])));
    });
    for (let start = 0; start < FRAME; start += SUBFRAME) this.#decodeResidual(next, MAX_LAG + start);
    this.#synthesize(areas, result);
    this.#areas = areas;
    this.#residual.copyWithin(0, FRAME);
  }

  /** Sections 5.3.1 and 5.3.2: 13 pulses on one of four grids, over the residual one pitch period before. */
  #decodeResidual(next: (bits: number) => number, at: number): void {
    const lag = next(7);
    if (lag >= SUBFRAME && lag <= MAX_LAG) this.#lag = lag;
    const gain = GAINS[next(2)];
    const grid = next(2);
    const [exponent, mantissa] = blockMaximum(next(6));
    const shift = 6 - exponent;
    const rounding = shift === 0 ? 0 : 2 ** (shift - 1);
    const pulses = new Int32Array(SUBFRAME);
    for (let i = 0; i < 13; i++) {
      const pulse = multiply(MANTISSAS[mantissa], (2 * next(3) - 7) * 4096);
      pulses[grid + 3 * i] = saturate(pulse + rounding) >> shift;
    }
    for (let k = 0; k < SUBFRAME; k++) {
      this.#residual[at + k] = saturate(pulses[k] + multiply(gain, this.#residual[at + k - this.#lag]));
    }
  }

  /** Sections 5.3.3 and 5.3.4: the lattice filter, whose coefficients move from the last frame's over the first 40 samples. */
  #synthesize(areas: Int32Array, result: Float64Array): void {
    const v = this.#lattice;
    let reflections = new Int32Array(8);
    for (let k = 0; k < FRAME; k++) {
      if (k === 0 || k === 13 || k === 27 || k === 40) {
        reflections = areas.map((area, i) => reflectionOf(between(this.#areas[i], area, k)));
      }
      let sample = this.#residual[MAX_LAG + k];
      for (let i = 7; i >= 0; i--) {
        sample = saturate(sample - multiply(reflections[i], v[i]));
        v[i + 1] = saturate(v[i] + multiply(reflections[i], sample));
      }
      v[0] = sample;
      this.#emphasis = saturate(sample + multiply(this.#emphasis, DEEMPHASIS));
      result[k] = (saturate(2 * this.#emphasis) & ~7) / 2 ** 15;
    }
  }
}

/** A floating-point number of three bits each, section 5.2.15. */
function blockMaximum(code: number): [exponent: number, mantissa: number] {
  let exponent = code > 15 ? (code >> 3) - 1 : 0;
  let mantissa = code - 8 * exponent;
  if (mantissa === 0) return [-4, 7];
  while (mantissa <= 7) {
    mantissa = 2 * mantissa + 1;
    exponent -= 1;
  }
  return [exponent, mantissa - 8];
}

function between(before: number, now: number, k: number): number {
  if (k < 13) return saturate((before >> 2) + (now >> 2) + (before >> 1));
  if (k < 27) return saturate((before >> 1) + (now >> 1));
  if (k < 40) return saturate((before >> 2) + (now >> 2) + (now >> 1));
  return now;
}

/** Of a log area ratio, by three straight pieces. */
function reflectionOf(area: number): number {
  const size = Math.min(32767, Math.abs(area));
  const reflection = size < 11059 ? 2 * size : size < 20070 ? size + 11059 : saturate((size >> 2) + 26112);
  return area < 0 ? -reflection : reflection;
}
