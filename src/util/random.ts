/**
 * Seeded uniform numbers, the same on every machine: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled Linear
 * Pseudorandom Number Generators", 2021), its state filled from the seed by a counter through Wellons' 32-bit mixer.
 */

/** A stream of numbers in [0, 1) on a grid of 2^-32, decided by a 32-bit seed. */
export function uniform(seed: number): () => number {
  let counter = seed | 0;
  const word = () => {
    counter = (counter + 0x9e3779b9) | 0; // 2^32 over the golden ratio, as in SplitMix
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  const next = xoshiro128([word(), word(), word(), word()]);
  return () => next() / 2 ** 32;
}

/** A draw from the normal law of mean 0 and deviation 1 (Box and Muller 1958), of two uniform numbers. */
export const normal = (uniform: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** xoshiro128** from a state that is not all zero; whole numbers from 0 to 2^32 - 1. */
export function xoshiro128([a, b, c, d]: [number, number, number, number]): () => number {
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result >>> 0;
  };
}

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));
