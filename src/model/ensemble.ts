/**
 * Networks of one set and preset -> Ensemble, their average: p(x_t | past) = Σ_m w_m p_m(x_t | past), which is a distribution
 * since each p_m is. Given the past the pitches of a frame are no longer independent. The weights are even in every frame, so
 * this is not the average of the likelihoods of whole pieces; only adaptive scoring moves them, see member-weights.ts.
 */
import { expected, SurprisalError } from "../errors.ts";
import type { PianoRoll } from "../formats/piano-roll.ts";
import { sum } from "../util/statistics.ts";
import { Work } from "../util/work.ts";
import type { Metrics } from "./checkpoint.ts";
import { FrameDistribution } from "./frame-distribution.ts";
import { averageNll, evenShares, type LogShares, learnedShares } from "./member-weights.ts";
import {
  type Adapted,
  type Advanced,
  keepLast,
  type MusicModel,
  type Outcomes,
  type Scored,
  silenceOf,
} from "./music-model.ts";
import type { MusicNetwork } from "./music-network.ts";

export class Ensemble implements MusicModel {
  readonly kind = "music";
  readonly id: string;
  readonly version: string;
  readonly networks: readonly MusicNetwork[];
  readonly metrics: Metrics;
  readonly stateLimits: Float64Array; // of the networks' states, one after the other
  readonly stepCost: number;
  readonly drawCost: number;
  readonly passCost: number;
  readonly #logShares: LogShares;

  /**
   * @param version must distinguish ensembles of other networks, or of the same in another order: states depend on it.
   * @param logShares of the networks, even unless given
   * @throws SurprisalError `malformed-catalogue` when the networks are not at least two that read the same frames.
   */
  constructor(
    { id, version, metrics = {} }: Pick<MusicModel, "id" | "version"> & Partial<Pick<MusicModel, "metrics">>,
    networks: readonly MusicNetwork[],
    logShares: LogShares = evenShares(networks.length),
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
    this.#logShares = logShares;
    this.stateLimits = Float64Array.from(networks.flatMap(({ stateLimits }) => [...stateLimits]));
    this.stepCost = networks.reduce((sum, network) => sum + network.stepCost, 0);
    this.drawCost = networks.reduce((sum, network) => sum + network.drawCost, 0);
    this.passCost = networks.reduce((sum, network) => sum + network.passCost, 0);
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

  get canAdapt(): boolean {
    return this.networks.every((network) => network.canAdapt);
  }

  async score(roll: PianoRoll, work = new Work()): Promise<Scored> {
    const scored: Scored[] = [];
    for (const network of this.networks) scored.push(await network.score(roll, work));
    return this.#scored(roll, scored, () => this.#logShares);
  }

  async adaptiveScore(roll: PianoRoll, work = new Work()): Promise<Scored> {
    const scored: Scored[] = [];
    for (const network of this.networks) scored.push(await network.adaptiveScore(roll, work));
    const logShares = learnedShares(this.#logShares, scored);
    return this.#scored(roll, scored, (t) => logShares[t]);
  }

  async adapt(roll: PianoRoll, work = new Work()): Promise<Adapted> {
    const adapted: Awaited<ReturnType<MusicNetwork["adapt"]>>[] = [];
    for (const network of this.networks) adapted.push(await network.adapt(roll, work));
    const logShares = learnedShares(this.#logShares, adapted);
    return {
      model: new Ensemble(
        this,
        adapted.map(({ model }) => model),
        logShares[logShares.length - 1],
      ),
      state: Float32Array.from(adapted.flatMap(({ state }) => [...state])),
      nll: averages(adapted, (t) => logShares[t]),
    };
  }

  /** @param logShares in the frame of nll[t] */
  #scored(roll: PianoRoll, scored: readonly Scored[], logShares: (t: number) => LogShares): Scored {
    return {
      nll: averages(scored, logShares),
      outcomes: async (work = new Work()) => {
        const outcomes: Outcomes[] = [];
        for (const each of scored) outcomes.push(await each.outcomes(work));
        return this.#outcomes(roll, outcomes, logShares);
      },
    };
  }

  #outcomes(roll: PianoRoll, scored: readonly Outcomes[], logShares: (t: number) => LogShares): Outcomes {
    const outcomeNll = keepLast((t) => {
      const before = scored.map(() => 0); // by member, of the pitches below
      let averageBefore = 0;
      const outcomes = scored.map((each) => each.outcomeNll(t));
      return Float64Array.from({ length: this.pitches }, (_, d) => {
        outcomes.forEach((outcome, m) => {
          before[m] += outcome[d];
        });
        const average = averageNll(before, logShares(t));
        const term = average - averageBefore;
        averageBefore = average;
        return term;
      });
    });
    return {
      outcomeNll,
      pitchNll(t, pitch) {
        const below = scored.map((each) => sum(each.outcomeNll(t).subarray(0, pitch - 1)));
        const through = scored.map((each, m) => below[m] + each.pitchNll(t, pitch));
        return averageNll(through, logShares(t)) - averageNll(below, logShares(t));
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
    return { state: after, next: new FrameDistribution(parts, this.pitches, this.#logShares.map(Math.exp)) };
  }
}

/** NLL of each frame. @param logShares in the frame of nll[t] */
const averages = (scored: readonly Pick<Scored, "nll">[], logShares: (t: number) => LogShares): Float64Array =>
  scored[0].nll.map((_, t) =>
    averageNll(
      scored.map(({ nll }) => nll[t]),
      logShares(t),
    ),
  );
