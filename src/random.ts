/**
 * Seeded uniform numbers, the same on every machine: xoshiro128** (Blackman and Vigna, "Scrambled Linear
 * Pseudorandom Number Generators", 2021), its four words filled from the seed by SplitMix32.
 */

/** A stream of numbers in [0, 1) on a grid of 2^-32, decided by a 32-bit seed. */
export function uniform(seed: number): () => number {
  let word = seed | 0;
  const splitMix = () => {
    word = (word + 0x9e3779b9) | 0;
    let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  let [a, b, c, d] = [splitMix(), splitMix(), splitMix(), splitMix()];
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return (result >>> 0) / 2 ** 32;
  };
}

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));
