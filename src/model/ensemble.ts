/**
 * Networks of one set and preset -> Ensemble, their even average: p(x_t | past) = (1/M) Σ_m p_m(x_t | past), which is a
 * distribution since each p_m is. The weights are even again in every frame and do not learn from the frames before, so this
 * is not the average of the likelihoods of whole pieces. Given the past the pitches of a frame are no longer independent.
 */
import { expected, SurprisalError } from "../errors.ts";
import type { PianoRoll } from "../formats/piano-roll.ts";
import { Work } from "../util/work.ts";
import type { Metrics } from "./checkpoint.ts";
import { FrameDistribution } from "./frame-distribution.ts";
import { type Advanced, keepLast, type MusicModel, type Outcomes, type Scored, silenceOf } from "./music-model.ts";
import type { MusicNetwork } from "./music-network.ts";

export class Ensemble implements MusicModel {
  readonly kind = "music";
  readonly id: string;
  readonly version: string;
  readonly networks: readonly MusicNetwork[];
  readonly metrics: Metrics;
  readonly stateLimits: Float64Array; // of the networks' states, one behind the other
  readonly stepCost: number;

  /**
   * @param version must distinguish ensembles of other networks, or of the same in another order: states depend on it.
   * @throws SurprisalError `malformed-catalogue` when the networks are not at least two that read the same frames.
   */
  constructor(
    { id, version, metrics = {} }: Pick<MusicModel, "id" | "version"> & Partial<Pick<MusicModel, "metrics">>,
    networks: readonly MusicNetwork[],
  ) {
    if (networks.length < 2) {
      throw new SurprisalError("malformed-catalogue", expected(`at least two networks in ${id}`, networks.length));
    }
    for (const property of ["pitches", "framesPerQuarter"] as const) {
      const values = new Set(networks.map((network) => network[property]));
      if (values.size > 1) {
        const found = [...values].join(" and ");
        throw new SurprisalError(
          "malformed-catalogue",
          expected(`networks of one number of ${property} in ${id}`, found),
        );
      }
    }
    this.id = id;
    this.version = version;
    this.metrics = metrics;
    this.networks = networks;
    this.stateLimits = Float64Array.from(networks.flatMap(({ stateLimits }) => [...stateLimits]));
    this.stepCost = networks.reduce((sum, network) => sum + network.stepCost, 0);
  }

  get set(): string {
    return this.networks[0].set;
  }

  get preset(): string {
    return this.networks[0].preset;
  }

  get pitches(): number {
    return this.networks[0].pitches;
  }

  get framesPerQuarter(): number {
    return this.networks[0].framesPerQuarter;
  }

  async score(roll: PianoRoll, work = new Work()): Promise<Scored> {
    const scored: Scored[] = [];
    for (const network of this.networks) scored.push(await network.score(roll, work));
    return {
      nll: scored[0].nll.map((_, t) => averageNll(scored.map(({ nll }) => nll[t]))),
      outcomes: async (work = new Work()) => {
        const outcomes: Outcomes[] = [];
        for (const each of scored) outcomes.push(await each.outcomes(work));
        return this.#outcomes(roll, outcomes);
      },
    };
  }

  #outcomes(roll: PianoRoll, scored: readonly Outcomes[]): Outcomes {
    const outcomeNll = keepLast((t) => {
      const before = scored.map(() => 0); // by member, of the pitches below
      let averageBefore = 0;
      const outcomes = scored.map((each) => each.outcomeNll(t));
      return Float64Array.from({ length: this.pitches }, (_, d) => {
        outcomes.forEach((outcome, m) => {
          before[m] += outcome[d];
        });
        const average = averageNll(before);
        const term = average - averageBefore;
        averageBefore = average;
        return term;
      });
    });
    return {
      outcomeNll,
      pitchNll(t, pitch) {
        const below = scored.map((each) => sum(each.outcomeNll(t).subarray(0, pitch - 1)));
        return averageNll(scored.map((each, m) => below[m] + each.pitchNll(t, pitch))) - averageNll(below);
      },
      silenceNll: (t) => silenceOf(roll, t, outcomeNll(t)),
    };
  }

  initialState(): Float32Array {
    return new Float32Array(this.stateLimits.length);
  }

  async advance(state: Float32Array, roll: PianoRoll, work = new Work()): Promise<Advanced> {
    let start = 0;
    const advanced: Advanced[] = [];
    for (const network of this.networks) {
      const end = start + network.stateLimits.length;
      advanced.push(await network.advance(state.subarray(start, end), roll, work));
      start = end;
    }
    const after = new Float32Array(state.length);
    start = 0;
    for (const own of advanced) {
      after.set(own.state, start);
      start += own.state.length;
    }
    const parts = advanced.flatMap(({ next }) => next.parts);
    return { state: after, next: new FrameDistribution(parts, this.pitches) };
  }
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

/** -log of the mean of e^-nll; the smallest is taken out first, so that no likelihood underflows. */
function averageNll(nlls: readonly number[]): number {
  const least = Math.min(...nlls);
  const relative = nlls.reduce((sum, nll) => sum + Math.exp(least - nll), 0);
  return least - Math.log(relative / nlls.length);
}
