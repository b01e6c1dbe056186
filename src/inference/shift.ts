/**
 * Piece + models -> by how many semitones it is moved into the key and register of each set. The shift belongs to the piece and
 * the set, not to a model: the set's smallest model finds it, and all models of the set read the piece at it.
 */
import type { Warning } from "../errors.ts";
import { frameCount, sliceRoll } from "../formats/piano-roll.ts";
import { MAX_SHIFT_FRAMES } from "../limits.ts";
import { NOTE_COST } from "../model/cost.ts";
import { parameterCount } from "../model/model.ts";
import type { MusicModel } from "../model/music-model.ts";
import { shiftsOf } from "../model/sets.ts";
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

/** Which finds the shift. */
export const smallestOfSet = (set: string, models: readonly MusicModel[]): MusicModel =>
  models
    .filter((model) => model.set === set)
    .reduce((least, model) => (parameterCount(model) < parameterCount(least) ? model : least));

/** All shifts are tried on so many frames, and the best few of them on the whole excerpt. */
export const PROBE_FRAMES = 64;
export const FINALISTS = 3;

/**
 * Of those that leave out the fewest notes the shift of lowest NLL, on the first MAX_SHIFT_FRAMES frames. Without the first
 * rule a shift could win by moving notes out of the model's range.
 */
async function findShift(
  piece: Piece,
  model: MusicModel,
  framesPerQuarter = model.framesPerQuarter,
  work: Work,
): Promise<Shift> {
  const candidates: ({ readonly semitones: number } & ReturnType<Piece["quantize"]>)[] = [];
  for (const semitones of shiftsOf(model.set)) {
    const read = piece.quantize(framesPerQuarter, semitones, model.pitches);
    candidates.push({ semitones, ...read });
    await work.step(read.roll.pitches.length * NOTE_COST);
  }
  const frames = frameCount(candidates[0].roll);
  if (frames < 2) return { semitones: 0, warnings: [] }; // one frame tells nothing of the key
  const ranked = async (some: typeof candidates, length: number) => {
    const tried: { candidate: (typeof candidates)[number]; nll: number }[] = [];
    for (const candidate of some) {
      const roll = frames > length ? sliceRoll(candidate.roll, 0, length) : candidate.roll;
      tried.push({ candidate, nll: sum((await model.score(roll, work)).nll) });
    }
    return tried
      .toSorted((a, b) => a.candidate.leftOut - b.candidate.leftOut || a.nll - b.nll)
      .map(({ candidate }) => candidate);
  };
  const finalists = (await ranked(candidates, PROBE_FRAMES)).slice(0, FINALISTS);
  const [{ semitones }] = frames > PROBE_FRAMES ? await ranked(finalists, MAX_SHIFT_FRAMES) : finalists;
  const detail = `The transposition was found on the first ${MAX_SHIFT_FRAMES} of ${frames} frames.`;
  const isExcerpt = frames > MAX_SHIFT_FRAMES;
  return { semitones, warnings: isExcerpt ? [{ code: "shift-from-excerpt", count: MAX_SHIFT_FRAMES, detail }] : [] };
}
