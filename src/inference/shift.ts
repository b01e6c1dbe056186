/**
 * Piece + models -> by how many semitones it is moved into the key and register of each set. The shift belongs to the piece and
 * the set, not to a model: the set's smallest model finds it, and all models of the set read the piece at it.
 */
import type { Warning } from "../errors.ts";
import { frameCount, type PianoRoll, sliceRoll } from "../formats/piano-roll.ts";
import { MAX_SHIFT_FRAMES } from "../limits.ts";
import { NOTE_COST } from "../model/cost.ts";
import { parameterCount } from "../model/model.ts";
import type { MusicModel } from "../model/music-model.ts";
import { shiftsOf, tonicOdds } from "../model/sets.ts";
import { sum } from "../util/statistics.ts";
import { Work } from "../util/work.ts";
import type { Piece } from "./piece.ts";

export interface Shift {
  readonly semitones: number;
  readonly warnings: readonly Warning[];
}

interface Options {
  readonly transpose?: number | "auto" | undefined;
  readonly framesPerQuarter?: number | undefined;
}

/**
 * The shift of a piece for each set of the chosen models.
 * @param models all at hand: the smallest of a set decides whether or not it is chosen, so that what else is asked for
 * changes nothing
 * @returns by set
 * @throws SurprisalError as Piece.quantize
 */
export async function shiftsBySet(
  piece: Piece,
  chosen: readonly MusicModel[],
  models: readonly MusicModel[],
  { transpose = piece.transpose, framesPerQuarter }: Options,
  work = new Work(),
): Promise<ReadonlyMap<string, Shift>> {
  const shifts = new Map<string, Shift>();
  for (const { set } of chosen) {
    if (shifts.has(set)) continue;
    const shift =
      transpose === "auto"
        ? await findShift(piece, smallestOfSet(set, models), framesPerQuarter, work)
        : { semitones: transpose, warnings: [] };
    shifts.set(set, shift);
  }
  return shifts;
}

/** The model that finds the shift. */
export const smallestOfSet = (set: string, models: readonly MusicModel[]): MusicModel =>
  models
    .filter((model) => model.set === set)
    .reduce((least, model) => (parameterCount(model) < parameterCount(least) ? model : least));

/** What the checkpoint says of the keys of its set. */
const keyOf = ({ networks: [{ checkpoint }] }: MusicModel): string | undefined => checkpoint.metadata.key;

/** On how many frames shifts are compared, and how many of them go on to the next round. */
export const ROUNDS = [
  { frames: 32, kept: 6 },
  { frames: 192, kept: 2 },
  { frames: MAX_SHIFT_FRAMES, kept: 1 },
];

/**
 * Of those that leave out the fewest notes the shift of lowest NLL on the first MAX_SHIFT_FRAMES frames, less what the bass of
 * the first and of the last frame says of the key: the model never scores the first, and does not know that the last is the
 * last. Without the first rule a shift could win by moving notes out of the model's range.
 */
async function findShift(
  piece: Piece,
  model: MusicModel,
  framesPerQuarter = model.framesPerQuarter,
  work: Work,
): Promise<Shift> {
  let candidates: ({ readonly semitones: number; readonly tonic: number } & ReturnType<Piece["quantize"]>)[] = [];
  for (const semitones of shiftsOf(model.set, keyOf(model))) {
    const read = piece.quantize(framesPerQuarter, semitones, model.pitches);
    candidates.push({ semitones, tonic: tonicLogOdds(read.roll, model.set), ...read });
    await work.step(read.roll.pitches.length * NOTE_COST);
  }
  const frames = frameCount(candidates[0].roll);
  if (frames < 2) return { semitones: 0, warnings: [] }; // one frame tells nothing of the key
  for (const { frames: length, kept } of ROUNDS) {
    const tried: { candidate: (typeof candidates)[number]; nll: number }[] = [];
    for (const candidate of candidates) {
      const roll = frames > length ? sliceRoll(candidate.roll, 0, length) : candidate.roll;
      tried.push({ candidate, nll: sum((await model.score(roll, work)).nll) - candidate.tonic });
    }
    candidates = tried
      .toSorted((a, b) => a.candidate.leftOut - b.candidate.leftOut || a.nll - b.nll)
      .map(({ candidate }) => candidate)
      .slice(0, kept);
    if (frames <= length) break;
  }
  const [{ semitones }] = candidates;
  const detail = `The transposition was found on the first ${MAX_SHIFT_FRAMES} of ${frames} frames.`;
  const isExcerpt = frames > MAX_SHIFT_FRAMES;
  return { semitones, warnings: isExcerpt ? [{ code: "shift-from-excerpt", count: MAX_SHIFT_FRAMES, detail }] : [] };
}

/** How much likelier it is, in nats, that a piece of the set begins and ends as this roll than over another bass. */
function tonicLogOdds({ offsets, pitches }: PianoRoll, set: string): number {
  if (pitches.length === 0) return 0;
  const lastSounding = offsets.findLastIndex((offset) => offset < pitches.length);
  const { first, last } = tonicOdds(set);
  return (pitches[0] % 12 === 0 ? first : 0) + (pitches[offsets[lastSounding]] % 12 === 0 ? last : 0);
}
