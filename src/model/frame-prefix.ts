/**
 * A distribution of the frames that can follow, taken pitch by pitch from low to high: Π_d p(x_d | x_<d, past). Both heads
 * of binary frames have this form; with independent pitches p(x_d) does not depend on those below.
 */
import type { Tensors } from "../kernel/config.ts";

/** A frame decided up to some pitch. Columns are 0-based: column d is MIDI pitch d + 1. */
export interface FramePrefix {
  /** Whether the logits are the same whatever sounds below. */
  readonly isIndependent: boolean;
  /** Log odds that column d sounds, given that every column between the last sounding one and d is silent. */
  logit(d: number): number;
  /** The prefix in which column d sounds as well, and those between the last sounding one and d are silent. */
  after(d: number): FramePrefix;
}

/** What one network says of a frame, of which nothing is decided yet. */
export interface FramePart extends FramePrefix {
  /** How frames are drawn where the pitches depend on each other. */
  readonly drawn?: DrawnFrames;
}

/** Seeded draws from a network; the same number of uniform ones each time, whatever sounds. */
export interface DrawnFrames {
  /** A frame, as columns. @param draw uniform in [0, 1) @param temperature divides the logits */
  frame(draw: () => number, temperature: number): Uint8Array;
  /** Over some frames, (D): the probability of each pitch given the drawn ones below it. */
  marginals(draw: () => number, frames: number): { readonly mean: Float64Array; readonly variance: Float64Array };
}

/** A frame of which nothing is decided, of independent pitches. @param logits (D) */
export function independentPrefix(logits: Float32Array): FramePrefix {
  const prefix: FramePrefix = { isIndependent: true, logit: (d) => logits[d], after: () => prefix };
  return prefix;
}

/** Weights of a NADE head; see Tensors. */
export type NadeTensors = Pick<Tensors, "A" | "a"> & Required<Pick<Tensors, "C" | "c" | "N" | "M">>;

/**
 * A frame of which nothing is decided, under a NADE head: see kernel/reference-nade.ts. Float64.
 * @param h hidden state (H)
 */
export function nadePrefix({ A, a, C, c, N, M }: NadeTensors, h: Float32Array): FramePrefix {
  const K = c.length;
  const base = affine(h, A, a); // (D)
  const prefix = (s: Float64Array): FramePrefix => {
    const t = s.map(Math.tanh);
    return {
      isIndependent: false,
      logit(d) {
        let sum = base[d];
        for (let k = 0, at = d * K; k < K; k++, at++) sum += M[at] * t[k];
        return sum;
      },
      after: (d) => prefix(s.map((value, k) => value + N[d * K + k])),
    };
  };
  return prefix(affine(h, C, c));
}

/** b + x A, with A (x.length, b.length). */
function affine(x: Float32Array, A: Float32Array, b: Float32Array): Float64Array {
  const y = Float64Array.from(b);
  x.forEach((value, i) => {
    for (let j = 0; j < y.length; j++) y[j] += value * A[i * y.length + j];
  });
  return y;
}
