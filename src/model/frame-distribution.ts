/** Prefixes of one network or of the members of an ensemble -> NextFrame: marginals, samples and likeliest frames. */
import { uniform } from "../util/random.ts";
import type { FramePrefix } from "./frame-prefix.ts";
import { likelyFrames } from "./likely-frames.ts";
import type { Chord, NextFrame } from "./music-model.ts";

/** Frames drawn for the marginals of dependent pitches: an error of 0.01 or less where one draw has a deviation of 0.2. */
export const MARGINAL_DRAWS = 400;
/** Between two pauses. */
const DRAWS_AT_A_TIME = 50;
const MARGINAL_SEED = 1; // the same question has the same answer

/** The average of its parts; one part for a network. */
export class FrameDistribution implements NextFrame {
  readonly parts: readonly FramePrefix[];
  readonly #pitches: number; // D
  readonly shares: readonly number[]; // by part, M times its weight
  #marginals: readonly Marginals[] | undefined; // late, since a continuation only asks for samples

  /**
   * @param parts (M), frames in which no pitch is decided yet
   * @param shares M times the weight of each; even unless given
   */
  constructor(parts: readonly FramePrefix[], pitches: number, shares: readonly number[] = parts.map(() => 1)) {
    this.parts = parts;
    this.#pitches = pitches;
    this.shares = shares;
  }

  async estimate(onDraws: (draws: number) => Promise<void>): Promise<void> {
    const all: Marginals[] = [];
    for (const part of this.parts) {
      const estimating = marginalsOf(part, this.#pitches, MARGINAL_DRAWS, uniform(MARGINAL_SEED));
      let { done, value } = estimating.next();
      while (!done) {
        await onDraws(DRAWS_AT_A_TIME);
        ({ done, value } = estimating.next());
      }
      if (value) all.push(value);
    }
    this.#marginals = all;
  }

  #estimated(): readonly Marginals[] {
    this.#marginals ??= this.parts.map((part) =>
      estimateMarginals(part, this.#pitches, MARGINAL_DRAWS, uniform(MARGINAL_SEED)),
    );
    return this.#marginals;
  }

  get probabilities(): Float64Array {
    const marginals = this.#estimated();
    return Float64Array.from(
      { length: this.#pitches },
      (_, d) =>
        marginals.reduce((sum, { probabilities }, m) => sum + this.shares[m] * probabilities[d], 0) / marginals.length,
    );
  }

  get standardErrors(): Float64Array {
    const marginals = this.#estimated();
    return Float64Array.from(
      { length: this.#pitches },
      (_, d) =>
        Math.hypot(...marginals.map(({ standardErrors }, m) => this.shares[m] * standardErrors[d])) / marginals.length,
    );
  }

  get draws(): number {
    return this.parts.every(({ isIndependent }) => isIndependent) ? 0 : MARGINAL_DRAWS;
  }

  sample(draw: () => number, temperature: number): number[] {
    // All pitches of a frame from one network: drawn from the averages, pitch by pitch, they would lose what one says of
    // another. The temperature acts within the network.
    const part = this.parts.length === 1 ? this.parts[0] : this.#drawPart(draw());
    const sounding: number[] = [];
    let prefix = part;
    // One draw for each pitch, so that equal draws give equal frames whatever sounds.
    for (let d = 0; d < this.#pitches; d++) {
      if (draw() >= sigmoid(prefix.logit(d) / temperature)) continue;
      sounding.push(d + 1);
      prefix = prefix.after(d);
    }
    return sounding;
  }

  /** @param u uniform in [0, 1) */
  #drawPart(u: number): FramePrefix {
    let left = u * this.parts.length;
    const drawn = this.shares.findIndex((share) => {
      left -= share;
      return left < 0;
    });
    return this.parts[drawn === -1 ? this.parts.length - 1 : drawn]; // -1: the shares were rounded down
  }

  chords(count: number, onExpansion = async () => {}): Promise<Chord[]> {
    return likelyFrames(this.parts, this.#pitches, count, { onExpansion, shares: this.shares });
  }
}

/**
 * Probability of each pitch, whatever else sounds, and its standard error: see marginalsOf.
 * @param draws frames drawn if the pitches depend on each other, at least 2
 * @param draw uniform in [0, 1)
 */
export function estimateMarginals(part: FramePrefix, pitches: number, draws: number, draw: () => number): Marginals {
  const estimating = marginalsOf(part, pitches, draws, draw);
  for (;;) {
    const { done, value } = estimating.next();
    if (done) return value;
  }
}

export interface Marginals {
  readonly probabilities: Float64Array; // (D)
  readonly standardErrors: Float64Array; // (D)
}

/**
 * Of independent pitches exact. Of others the mean, over drawn frames, of p(x_d | the drawn pitches below), which varies less
 * than the drawn x_d (Rao and Blackwell).
 */
function* marginalsOf(
  part: FramePrefix,
  pitches: number,
  draws: number,
  draw: () => number,
): Generator<undefined, Marginals> {
  const [probabilities, squares] = [new Float64Array(pitches), new Float64Array(pitches)];
  if (part.isIndependent) {
    return { probabilities: probabilities.map((_, d) => sigmoid(part.logit(d))), standardErrors: squares };
  }
  const undecided = Float64Array.from({ length: pitches }, (_, d) => sigmoid(part.logit(d))); // the same in all draws
  for (let n = 0; n < draws; n++) {
    let prefix = part;
    for (let d = 0; d < pitches; d++) {
      const p = prefix === part ? undecided[d] : sigmoid(prefix.logit(d));
      probabilities[d] += p / draws;
      squares[d] += p ** 2 / draws;
      if (draw() < p) prefix = prefix.after(d);
    }
    if ((n + 1) % DRAWS_AT_A_TIME === 0) yield;
  }
  const standardErrors = squares.map((square, d) =>
    Math.sqrt(Math.max(0, square - probabilities[d] ** 2) / (draws - 1)),
  );
  return { probabilities, standardErrors };
}

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));
