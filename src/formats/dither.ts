/**
 * Uniform noise of one 16-bit step, so that a density on digital silence is bounded: samples of a 16-bit recording become
 * real numbers that round back to them. Decided by a sample's own position alone (Wellons' 32-bit mixer on a counter, as in
 * util/random.ts).
 */

/** One step of 16 bits; full scale = 1. */
export const STEP_16_BIT = 2 ** -15;

/**
 * Adds noise in ±2^-16 to samples (full scale = 1). Parts of a recording get the noise that the whole gets.
 * @param start position of the first sample in its recording
 */
export function dithered(samples: Float32Array, start: number): Float32Array {
  return samples.map((sample, i) => {
    let mixed = Math.imul(start + i + 1, 0x9e3779b9);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    mixed ^= mixed >>> 15;
    return sample + (mixed / 2 ** 32) * STEP_16_BIT; // the mixed word is signed: ±1/2
  });
}
