/**
 * A piece as it came in -> the frames that one model reads of it: on the model's grid, shifted into its key, and without
 * the pitches that it does not know.
 */

import type { Warning } from "../errors.ts";
import { SurprisalError } from "../errors.ts";
import { type MidiNotes, quantize } from "../formats/midi.ts";
import { clipRoll, frameCount, type PianoRoll, transposeRoll } from "../formats/piano-roll.ts";
import type { Limits } from "../limits.ts";
import type { MusicModel } from "../model/music-model.ts";
import type { MusicInput } from "../schema/common.ts";

type FrameLimits = Pick<Limits, "frames" | "autoFrames">;

export interface Piece {
  readonly input: MusicInput;
  readonly autoFrames: number; // see Limits
  /**
   * The piece on a grid of so many frames a quarter note (a piano roll is the same on every grid), shifted by semitones
   * and without pitches above the highest. The same arguments give the same object, so that models can remember it.
   */
  fit(framesPerQuarter: number, shift: number, highest: number): Fitted;
}

interface Fitted {
  readonly roll: PianoRoll;
  readonly leftOut: number; // notes
}

function pieceOf(
  input: MusicInput,
  { autoFrames }: Pick<Limits, "autoFrames">,
  frames: (framesPerQuarter: number) => PianoRoll,
): Piece {
  const fitted = new Map<string, Fitted>();
  return {
    input,
    autoFrames,
    fit(framesPerQuarter, shift, highest) {
      const key = `${framesPerQuarter} ${shift} ${highest}`;
      const known = fitted.get(key) ?? fitRoll(frames(framesPerQuarter), shift, highest);
      fitted.set(key, known);
      return known;
    },
  };
}

function fitRoll(whole: PianoRoll, shift: number, highest: number): Fitted {
  const shifted = transposeRoll(whole, shift);
  const { roll, leftOut } = clipRoll(shifted.roll, highest);
  if (shifted.leftOut + leftOut === 0) return { roll, leftOut: 0 };
  // Pitches go or stay as a whole, so do their onsets.
  return { roll, leftOut: onsets(whole).length - onsets(roll).length };
}

/** @throws SurprisalError `too-large` when there are more frames than the limit. */
export function checkFrames(frames: number, limits: FrameLimits): void {
  if (frames > limits.frames) {
    throw new SurprisalError("too-large", `The input has ${frames} frames; wanted at most ${limits.frames}.`);
  }
}

/** @throws SurprisalError `too-large` when the roll has more frames than the limit. */
export function pieceOfRoll(roll: PianoRoll, limits: FrameLimits): Piece {
  checkFrames(frameCount(roll), limits);
  return pieceOf({ kind: "music", notes: onsets(roll).length, warnings: [] }, limits, () => roll);
}

/** Its `fit` throws SurprisalError `too-large` when there are more of them than the limit. */
export function pieceOfMidi(notes: MidiNotes, limits: FrameLimits): Piece {
  const rolls = new Map<number, PianoRoll>();
  const { durationQuarters, warnings } = notes;
  return pieceOf(
    { kind: "music", notes: notes.pitches.length, durationQuarters, warnings: [...warnings] },
    limits,
    (framesPerQuarter) => {
      const roll = rolls.get(framesPerQuarter) ?? quantize(notes, framesPerQuarter, { maxFrames: limits.frames }).roll;
      rolls.set(framesPerQuarter, roll);
      return roll;
    },
  );
}

/** What a model reads of a piece. */
export interface ModelInput {
  readonly roll: PianoRoll; // in the model's key
  readonly framesPerQuarter: number;
  readonly shift: number; // semitones
  readonly leftOut: number; // notes
}

/**
 * Reads a piece for a model.
 * @throws SurprisalError `nothing-to-score` when the model knows none of its notes.
 */
export function prepareFor(
  model: MusicModel,
  music: Piece,
  { framesPerQuarter = model.framesPerQuarter, shift = 0 }: { framesPerQuarter?: number | undefined; shift?: number },
): ModelInput {
  const { roll, leftOut } = music.fit(framesPerQuarter, shift, model.pitches);
  if (leftOut > 0 && roll.pitches.length === 0) {
    const range = `MIDI pitches 1 to ${model.pitches}`;
    throw new SurprisalError("nothing-to-score", `All ${leftOut} notes lie outside ${range} that ${model.id} knows.`);
  }
  return { roll, framesPerQuarter, shift, leftOut };
}

export const inputWarnings = (model: MusicModel, { leftOut }: ModelInput): Warning[] =>
  leftOut === 0 ? [] : [leftOutWarning(leftOut, `${model.id} knows MIDI pitches 1 to ${model.pitches} only`)];

export const leftOutWarning = (count: number, reason: string): Warning => ({
  code: "notes-left-out",
  count,
  detail: `${count} ${count === 1 ? "note was" : "notes were"} left out: ${reason}.`,
});

/** Where notes begin: pitches that the frame before does not have. */
export function onsets({ offsets, pitches }: PianoRoll): { frame: number; pitch: number }[] {
  const found: { frame: number; pitch: number }[] = [];
  let before = new Set<number>();
  for (let frame = 0; frame + 1 < offsets.length; frame++) {
    const sounding = new Set(pitches.subarray(offsets[frame], offsets[frame + 1]));
    for (const pitch of sounding) if (!before.has(pitch)) found.push({ frame, pitch });
    before = sounding;
  }
  return found;
}
