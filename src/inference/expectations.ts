/**
 * Model + roll -> what the model expected before it heard each frame: the likeliest whole frames, at each onset the likeliest
 * pitches in its place, and where a formula gives it the entropy of the frame.
 */
import { frameCount, sliceRoll } from "../formats/piano-roll.ts";
import type { FramePrefix } from "../model/frame-prefix.ts";
import type { Chord, MusicModel, NextFrame } from "../model/music-model.ts";
import { Work } from "../util/work.ts";
import type { ModelInput } from "./piece.ts";

const CHORDS = 3;
const ALTERNATIVES = 3;

/** A note in its place: the next pitch that sounds above the lower notes of its frame. */
export interface Place {
  readonly pitch: number | null; // in the model's key; null: no further note
  readonly probability: number;
  /** The likeliest pitches of the place. */
  readonly likeliest: readonly { readonly pitch: number | null; readonly probability: number }[];
}

/** For each frame; null for the first, before which the model has heard nothing. Pitches are in the model's key. */
export interface Expectations {
  readonly places: readonly (readonly Place[] | null)[]; // from low to high; the last is that nothing else sounds
  readonly chords: readonly (readonly Chord[] | null)[];
  readonly entropy?: (number | null)[]; // nats
}

export async function expectationsOf(model: MusicModel, { roll }: ModelInput, work: Work): Promise<Expectations> {
  const places: (Place[] | null)[] = [null];
  const chords: (Chord[] | null)[] = [null];
  const entropy: (number | null)[] = [null];
  const ofFrame = new Work({ pause: async () => {} }); // a whole frame is one step: pauses within it would take longer than its work
  let [state, done] = [model.initialState(), 0];
  for (let t = 0; t + 1 < frameCount(roll); t++) {
    let next: NextFrame;
    ({ state, next } = await model.advance(state, sliceRoll(roll, t, t + 1), ofFrame));
    const sounding = roll.pitches.subarray(roll.offsets[t + 1], roll.offsets[t + 2]);
    places.push(placesOf(next, sounding, model.pitches));
    let cost = (sounding.length + 1) * model.passCost;
    chords.push(
      await next.chords(CHORDS, async () => {
        cost += model.passCost;
      }),
    );
    const [part] = next.parts;
    if (next.parts.length === 1 && part.isIndependent) entropy.push(entropyOf(part, model.pitches));
    await work.step(ofFrame.done - done + cost);
    done = ofFrame.done;
  }
  return { places, chords, ...(entropy.length === places.length && { entropy }) };
}

/**
 * The probability of each sounding pitch among all that could sound next above the lower ones of its frame, silences between
 * them included; last, the probability that no further pitch sounds. Their product is the probability of the frame.
 */
export function placesOf(
  { parts, shares }: Pick<NextFrame, "parts" | "shares">,
  sounding: Iterable<number>,
  pitches: number,
): Place[] {
  let prefixes = parts;
  let weights = shares.map((share) => share / parts.length); // of each part, given what sounds below
  let from = 0; // column
  return [...sounding, null].map((pitch) => {
    const column = pitch === null ? pitches : pitch - 1;
    const ofParts = prefixes.map((prefix) => nextColumn(prefix, from, pitches));
    const next = Array.from({ length: pitches + 1 }, (_, d) =>
      ofParts.reduce((sum, own, m) => sum + weights[m] * own[d], 0),
    );
    const likeliest = next
      .map((probability, d) => ({ pitch: d < pitches ? d + 1 : null, probability }))
      .toSorted((a, b) => b.probability - a.probability)
      .slice(0, ALTERNATIVES);
    const probability = next[column];
    if (pitch !== null) {
      weights = weights.map((weight, m) => (weight * ofParts[m][column]) / probability);
      prefixes = prefixes.map((prefix) => prefix.after(column));
      from = pitch;
    }
    return { pitch, probability, likeliest };
  });
}

/** Of one part: p(the lowest sounding column from `from` on is d); the last entry is that there is none. */
function nextColumn(prefix: FramePrefix, from: number, columns: number): Float64Array {
  const next = new Float64Array(columns + 1);
  let silent = 1;
  for (let d = from; d < columns; d++) {
    const odds = Math.exp(prefix.logit(d));
    const sounds = odds === Number.POSITIVE_INFINITY ? 1 : odds / (1 + odds);
    next[d] = silent * sounds;
    silent /= 1 + odds;
  }
  next[columns] = silent;
  return next;
}

/** Expected NLL of a frame of independent pitches: Σ_d H(p_d), nats. */
function entropyOf(part: FramePrefix, pitches: number): number {
  let total = 0;
  for (let d = 0; d < pitches; d++) {
    const l = Math.abs(part.logit(d)); // H(σ(l)) = H(σ(-l)) = log(1 + e^-l) + l σ(-l)
    total += Math.log1p(Math.exp(-l)) + l / (1 + Math.exp(l));
  }
  return total;
}

/** The expectations as answers hold them, in the input's own key. */
export async function expectations(model: MusicModel, input: ModelInput, work: Work) {
  const { places, chords, entropy } = await expectationsOf(model, input, work);
  const { shift } = input;
  const inOwnKey = (pitch: number | null) => (pitch === null ? null : pitch - shift);
  return {
    /** Of a pitch that sounds in a frame. @param pitch in the input's own key */
    at(frame: number, pitch: number) {
      const place = places[frame]?.find((each) => inOwnKey(each.pitch) === pitch);
      return {
        probability: place?.probability ?? null,
        expected: place?.likeliest.map(({ pitch, probability }) => ({ pitch: inOwnKey(pitch), probability })) ?? null,
      };
    },
    ofFrames: {
      expected: chords.map(
        (some) =>
          some?.map(({ pitches, probability }) => ({ pitches: pitches.map((p) => p - shift), probability })) ?? null,
      ),
      ...(entropy && { entropy }),
    },
  };
}
