/**
 * A piece as it came in -> the frames that one model reads of it: on the model's grid, shifted into its key, and without
 * the pitches that it does not know.
 */

import { SurprisalError } from "../errors.ts";
import { gridNotes, type MidiNotes } from "../formats/midi.ts";
import { clipRoll, frameCount, type PianoRoll, transposeRoll } from "../formats/piano-roll.ts";
import { LONGEST_SECONDS } from "../formats/wav.ts";
import type { MusicModel } from "../model/music-network.ts";
import type { MusicInput, Warning } from "../schema/schema.ts";

export interface Limits {
  readonly bodyBytes: number;
  readonly jsonBytes: number; // of a body that is JSON: reading it takes many times its size
  readonly frames: number;
  readonly autoFrames: number; // of an input whose transposition is to be found: it is scored in all keys
  readonly seconds: number; // of audio
}

/** 128 MB hold ten minutes of stereo at 48 kHz; 10,000 frames are 83 minutes of quarter notes at 120 a minute. */
export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 2 ** 27,
  jsonBytes: 2 ** 22,
  frames: 10_000,
  autoFrames: 2000,
  seconds: LONGEST_SECONDS,
};

type FrameLimits = Pick<Limits, "frames" | "autoFrames">;

export interface Music {
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

function musicOf(
  input: MusicInput,
  { autoFrames }: Pick<Limits, "autoFrames">,
  frames: (framesPerQuarter: number) => PianoRoll,
): Music {
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
export function rollMusic(roll: PianoRoll, limits: FrameLimits): Music {
  checkFrames(frameCount(roll), limits);
  return musicOf({ kind: "music", notes: onsets(roll).length, warnings: [] }, limits, () => roll);
}

/** Its `fit` throws SurprisalError `too-large` when there are more of them than the limit. */
export function midiMusic(notes: MidiNotes, limits: FrameLimits): Music {
  const warnings: Warning[] = [];
  if (notes.unclosed > 0) {
    const detail = `${notes.unclosed} notes have no end; they last to the end of their track.`;
    warnings.push({ code: "unclosed-notes", count: notes.unclosed, detail });
  }
  if (notes.leftOut > 0) warnings.push(leftOutWarning(notes.leftOut, "no piano roll has pitch 0"));
  const rolls = new Map<number, PianoRoll>();
  const { durationQuarters } = notes;
  return musicOf(
    { kind: "music", notes: notes.pitches.length, durationQuarters, warnings },
    limits,
    (framesPerQuarter) => {
      const roll = rolls.get(framesPerQuarter) ?? gridNotes(notes, framesPerQuarter, limits.frames);
      rolls.set(framesPerQuarter, roll);
      return roll;
    },
  );
}

/** What a model reads of a piece. */
export interface Reading {
  readonly roll: PianoRoll; // in the model's key
  readonly framesPerQuarter: number;
  readonly shift: number; // semitones
  readonly leftOut: number; // notes
}

/**
 * Reads a piece for a model.
 * @throws SurprisalError `nothing-to-score` when the model knows none of its notes.
 */
export function readFor(
  model: MusicModel,
  music: Music,
  { framesPerQuarter = model.framesPerQuarter, shift = 0 }: { framesPerQuarter?: number | undefined; shift?: number },
): Reading {
  const { roll, leftOut } = music.fit(framesPerQuarter, shift, model.pitches);
  if (leftOut > 0 && roll.pitches.length === 0) {
    const range = `MIDI pitches 1 to ${model.pitches}`;
    throw new SurprisalError("nothing-to-score", `All ${leftOut} notes lie outside ${range} that ${model.id} knows.`);
  }
  return { roll, framesPerQuarter, shift, leftOut };
}

export const readingWarnings = (model: MusicModel, { leftOut }: Reading): Warning[] =>
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
