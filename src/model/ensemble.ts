/**
 * Networks of one set and preset -> Ensemble, their average: p(x_t | past) = Σ_m w_m p_m(x_t | past), which is a distribution
 * since each p_m is. Given the past the pitches of a frame are no longer independent. The weights are even in every frame, so
 * this is not the average of the likelihoods of whole pieces; only adaptive scoring moves them towards the members that have
 * predicted the piece well.
 */
import { expected, SurprisalError } from "../errors.ts";
import type { PianoRoll } from "../formats/piano-roll.ts";
import type { Metrics } from "./checkpoint.ts";
import { FrameDistribution } from "./frame-distribution.ts";
import { type Adapted, type Advanced, keepLast, type MusicModel, type Scored, silenceOf } from "./music-model.ts";
import type { MusicNetwork } from "./music-network.ts";

export class Ensemble implements MusicModel {
  readonly kind = "music";
  readonly id: string;
  readonly version: string;
  readonly networks: readonly MusicNetwork[];
  readonly metrics: Metrics;
  readonly stateLimits: Float64Array; // of the networks' states, one behind the other
  readonly #logShares: LogShares;

  /**
   * @param version must distinguish ensembles of other networks, or of the same in another order: states depend on it.
   * @param logShares of the networks, even unless given
   * @throws SurprisalError `malformed-catalogue` when the networks are not at least two that read the same frames.
   */
  constructor(
    { id, version, metrics = {} }: Pick<MusicModel, "id" | "version"> & Partial<Pick<MusicModel, "metrics">>,
    networks: readonly MusicNetwork[],
    logShares: LogShares = networks.map(() => 0),
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

  score(roll: PianoRoll): Scored {
    const scored = this.networks.map((network) => network.score(roll));
    return this.#scored(roll, scored, () => this.#logShares);
  }

  adaptiveScore(roll: PianoRoll): Scored {
    const scored = this.networks.map((network) => network.adaptiveScore(roll));
    const logShares = learnedShares(this.#logShares, scored);
    return this.#scored(roll, scored, (t) => logShares[t]);
  }

  adapt(roll: PianoRoll): Adapted {
    const adapted = this.networks.map((network) => network.adapt(roll));
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
      nll: averages(scored, logShares),
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

  advance(state: Float32Array, roll: PianoRoll): Advanced {
    let start = 0;
    const advanced = this.networks.map((network) => {
      const end = start + network.stateLimits.length;
      const own = network.advance(state.subarray(start, end), roll);
      start = end;
      return own;
    });
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

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

/** NLL of each frame. @param logShares in the frame of nll[t] */
const averages = (scored: readonly Pick<Scored, "nll">[], logShares: (t: number) => LogShares): Float64Array =>
  scored[0].nll.map((_, t) =>
    averageNll(
      scored.map(({ nll }) => nll[t]),
      logShares(t),
    ),
  );

/** Logarithm of M times the weight of each member, so zeros where they are even. */
type LogShares = readonly number[]; // (M)

/**
 * -log of the weighted mean of e^-nll; the smallest is taken out first, so that no likelihood underflows.
 * @param logShares even unless given
 */
function averageNll(nlls: readonly number[], logShares: LogShares): number {
  const weighted = nlls.map((nll, m) => nll - logShares[m]);
  const least = Math.min(...weighted);
  const relative = weighted.reduce((sum, nll) => sum + Math.exp(least - nll), 0);
  return least - Math.log(relative / nlls.length);
}

/**
 * How far the weights follow Bayes' rule, under which w_m grows by the likelihood of each frame (power 1) and forgets nothing
 * (memory 1). Validation chose for the four ensembles with a NADE head; docs/models.md has what they were chosen among.
 */
const POWER = 0.1;
const MEMORY = 0.97;

/** The weights before each frame and behind the last, by what the members gave the frames before: log w = MEMORY · log w - POWER · nll, normalised. */
function learnedShares(start: LogShares, scored: readonly Pick<Scored, "nll">[]): LogShares[] {
  const shares = [start];
  scored[0].nll.forEach((_, t) => {
    const logs = shares[t].map((log, m) => MEMORY * log - POWER * scored[m].nll[t]);
    const mean = averageNll(
      logs.map((log) => -log),
      start.map(() => 0),
    );
    shares.push(logs.map((log) => log + mean));
  });
  return shares;
}
