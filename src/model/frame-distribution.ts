/** Prefixes of one network or of the members of an ensemble -> NextFrame: marginals, samples and likeliest frames. */
import { uniform } from "../util/random.ts";
import type { FramePart } from "./frame-prefix.ts";
import { likelyFrames } from "./likely-frames.ts";
import type { Chord, NextFrame } from "./music-model.ts";

/** Frames drawn for the marginals of dependent pitches: an error of 0.01 or less where one draw has a deviation of 0.2. */
export const MARGINAL_DRAWS = 400;
const MARGINAL_SEED = 1; // the same question has the same answer

/** The average of its parts; one part for a network. */
export class FrameDistribution implements NextFrame {
  readonly parts: readonly FramePart[];
  readonly #pitches: number; // D
  readonly shares: readonly number[]; // by part, M times its weight
  #marginals: readonly Marginals[] | undefined; // late, since a continuation only asks for samples

  /**
   * @param parts (M), frames in which no pitch is decided yet
   * @param shares M times the weight of each; even unless given
   */
  constructor(parts: readonly FramePart[], pitches: number, shares: readonly number[] = parts.map(() => 1)) {
    this.parts = parts;
    this.#pitches = pitches;
    this.shares = shares;
  }

  async estimate(onPart: () => Promise<void>): Promise<void> {
    const all: Marginals[] = [];
    for (const part of this.parts) {
      all.push(marginalsOf(part, this.#pitches));
      if (part.drawn) await onPart();
    }
    this.#marginals = all;
  }

  #estimated(): readonly Marginals[] {
    this.#marginals ??= this.parts.map((part) => marginalsOf(part, this.#pitches));
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
    if (part.drawn) return Array.from(part.drawn.frame(draw, temperature), (d) => d + 1);
    const sounding: number[] = [];
    // One draw for each pitch, so that equal draws give equal frames whatever sounds.
    for (let d = 0; d < this.#pitches; d++) if (draw() < sigmoid(part.logit(d) / temperature)) sounding.push(d + 1);
    return sounding;
  }

  /** @param u uniform in [0, 1) */
  #drawPart(u: number): FramePart {
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

interface Marginals {
  readonly probabilities: Float64Array; // (D)
  readonly standardErrors: Float64Array; // (D)
}

/**
 * Of independent pitches exact. Of others the mean, over drawn frames, of p(x_d | the drawn pitches below), which varies less
 * than the drawn x_d (Rao and Blackwell).
 */
function marginalsOf(part: FramePart, pitches: number): Marginals {
  if (!part.drawn) {
    const probabilities = Float64Array.from({ length: pitches }, (_, d) => sigmoid(part.logit(d)));
    return { probabilities, standardErrors: new Float64Array(pitches) };
  }
  const { mean, variance } = part.drawn.marginals(uniform(MARGINAL_SEED), MARGINAL_DRAWS);
  return { probabilities: mean, standardErrors: variance.map((square) => Math.sqrt(square / MARGINAL_DRAWS)) };
}

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));
