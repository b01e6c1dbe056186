/** Pieces -> the same pieces, some of them in another key: what a model is to learn of chords and voices holds in every key. */
import { type PianoRoll, transposeRoll } from "../formats/piano-roll.ts";
import { isRoll, isTaught, type Sequence } from "./batches.ts";
import type { Protocol } from "./protocol.ts";

/**
 * Transposes each piece with probability `transposedShare` by up to `maxTransposition` semitones, all shifts equally likely
 * that keep every pitch between the lowest MIDI pitch and the highest of the model. Pieces with soft targets stay in their key.
 * Draws nothing when the share is 0.
 * @param uniform in [0, 1)
 */
export function transposeSome(
  pieces: readonly Sequence[],
  { transposedShare, maxTransposition }: Pick<Protocol, "transposedShare" | "maxTransposition">,
  highest: number,
  uniform: () => number,
): readonly Sequence[] {
  if (transposedShare === 0) return pieces;
  return pieces.map((piece) => {
    if (uniform() >= transposedShare || !isRoll(piece) || isTaught(piece)) return piece;
    const shifts = possibleShifts(piece, maxTransposition, highest);
    const shift = shifts[Math.floor(uniform() * shifts.length)];
    return shift === undefined ? piece : transposeRoll(piece, shift).roll;
  });
}

/** Shifts up and down that keep all pitches from 1 to `highest`, 0 left out. */
function possibleShifts({ pitches }: PianoRoll, most: number, highest: number): number[] {
  const low = pitches.reduce((a, b) => Math.min(a, b), highest);
  const high = pitches.reduce((a, b) => Math.max(a, b), 1);
  const shifts = Array.from({ length: 2 * most + 1 }, (_, k) => k - most);
  return shifts.filter((shift) => shift !== 0 && low + shift >= 1 && high + shift <= highest);
}
