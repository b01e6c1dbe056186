/**
 * A piece as it came in -> the frames that one model reads of it: on the model's grid, shifted into the key of its set, and
 * without the pitches that it does not know.
 */
import { expected, SurprisalError, type Warning } from "../errors.ts";
import { gridWarnings, type MidiNotes, type Quantized, quantize, SAMPLE_POINT } from "../formats/midi.ts";
import { clipRoll, frameCount, type PianoRoll, transposeRoll } from "../formats/piano-roll.ts";
import { type Limits, MAX_ADAPTIVE_FRAMES } from "../limits.ts";
import type { MusicModel } from "../model/music-model.ts";
import type { MusicInput } from "../schema/common.ts";

type FrameLimits = Pick<Limits, "frames">;

export interface Piece {
  readonly input: MusicInput;
  /** How it is transposed unless a caller says otherwise: a file stands in its own key, a roll in the model's. */
  readonly transpose: "auto" | 0;
  /** Of a MIDI file: where a frame is sampled, in frames after its grid point. */
  readonly samplePoint?: number;
  /** How many frames it has on a grid. @throws SurprisalError as quantize */
  frames(framesPerQuarter: number): number;
  /** How many notes sound in its frames together, or in its first so many. @throws SurprisalError as quantize */
  notesInFrames(framesPerQuarter: number, first?: number): number;
  /**
   * The piece on a grid of so many frames a quarter note (a piano roll is the same on every grid), shifted by semitones and
   * without pitches above the highest. The same arguments give the same object, so that models can remember it.
   * @throws SurprisalError `too-large` when there are more frames than the limit.
   */
  quantize(framesPerQuarter: number, shift: number, highest: number): QuantizedPiece;
  /** Of a MIDI file: its notes, and where each lies on a grid. */
  readonly file?: { readonly notes: MidiNotes; onGrid(framesPerQuarter: number): Quantized };
}

interface QuantizedPiece {
  readonly roll: PianoRoll;
  readonly leftOut: number; // notes
  readonly warnings: readonly Warning[]; // of the grid
}

interface Framed {
  readonly roll: PianoRoll;
  readonly warnings: readonly Warning[];
}

/** @param read the whole piece on a grid, in its own key */
function pieceOf(
  properties: Omit<Piece, "frames" | "notesInFrames" | "quantize">,
  read: (framesPerQuarter: number) => Framed,
): Piece {
  const framed = new Map<number, Framed>();
  const wholeAt = (framesPerQuarter: number) => {
    const whole = framed.get(framesPerQuarter) ?? read(framesPerQuarter);
    framed.set(framesPerQuarter, whole);
    return whole;
  };
  const known = new Map<string, QuantizedPiece>();
  return {
    ...properties,
    frames: (framesPerQuarter) => frameCount(wholeAt(framesPerQuarter).roll),
    notesInFrames(framesPerQuarter, first = Number.POSITIVE_INFINITY) {
      const { roll } = wholeAt(framesPerQuarter);
      return roll.offsets[Math.min(first, frameCount(roll))];
    },
    quantize(framesPerQuarter, shift, highest) {
      const key = `${framesPerQuarter} ${shift} ${highest}`;
      const before = known.get(key);
      if (before) return before;
      const whole = wholeAt(framesPerQuarter);
      const piece = { ...transposed(whole.roll, shift, highest), warnings: whole.warnings };
      known.set(key, piece);
      return piece;
    },
  };
}

function transposed(whole: PianoRoll, shift: number, highest: number): Pick<QuantizedPiece, "roll" | "leftOut"> {
  const shifted = transposeRoll(whole, shift);
  const { roll, leftOut } = clipRoll(shifted.roll, highest);
  if (shifted.leftOut + leftOut === 0) return { roll, leftOut: 0 };
  // Pitches go or stay as a whole, so do their onsets.
  return { roll, leftOut: onsets(whole).length - onsets(roll).length };
}

/** @throws SurprisalError `too-large` when there are more frames than the limit. */
export function checkFrames(frames: number, limits: FrameLimits): void {
  if (frames > limits.frames) {
    throw new SurprisalError("too-large", expected(`at most ${limits.frames} frames`, frames));
  }
}

/** @throws SurprisalError `too-large` when there are more frames than are scored adaptively. */
export function checkAdaptiveFrames(frames: number): void {
  if (frames > MAX_ADAPTIVE_FRAMES) {
    throw new SurprisalError("too-large", expected(`at most ${MAX_ADAPTIVE_FRAMES} frames with adaptive`, frames));
  }
}

/** @throws SurprisalError `too-large` when the roll has more frames than the limit. */
export function pieceOfRoll(roll: PianoRoll, limits: FrameLimits): Piece {
  checkFrames(frameCount(roll), limits);
  const input = { kind: "music" as const, notes: onsets(roll).length, warnings: [] };
  return pieceOf({ input, transpose: 0 }, () => ({ roll, warnings: [] }));
}

/** The notes of a MIDI file; see `quantize` for the limit of frames. */
export function pieceOfMidi(notes: MidiNotes, limits: FrameLimits): Piece {
  const { pitches, durationQuarters, tempo, timeSignature, warnings } = notes;
  const input = {
    kind: "music" as const,
    notes: pitches.length,
    durationQuarters,
    ...(tempo !== undefined && { tempo }),
    ...(timeSignature && { timeSignature: [...timeSignature] as [number, number] }),
    warnings: [...warnings],
  };
  const onGrid = (framesPerQuarter: number) => quantize(notes, framesPerQuarter, { maxFrames: limits.frames });
  const properties = { input, transpose: "auto", samplePoint: SAMPLE_POINT, file: { notes, onGrid } } as const;
  return pieceOf(properties, (framesPerQuarter) => {
    const quantized = onGrid(framesPerQuarter);
    return { roll: quantized.roll, warnings: gridWarnings(quantized, framesPerQuarter, notes) };
  });
}

/** What a model reads of a piece. */
export interface ModelInput {
  readonly roll: PianoRoll; // in the model's key
  readonly framesPerQuarter: number;
  readonly shift: number; // semitones
  readonly leftOut: number; // notes
  readonly warnings: readonly Warning[];
}

/**
 * Prepares a piece for a model.
 * @throws SurprisalError `nothing-to-score` when the model knows none of its notes.
 */
export function prepareFor(
  model: MusicModel,
  piece: Piece,
  { framesPerQuarter = model.framesPerQuarter, shift = 0 }: { framesPerQuarter?: number | undefined; shift?: number },
): ModelInput {
  const { roll, leftOut, warnings } = piece.quantize(framesPerQuarter, shift, model.pitches);
  if (leftOut > 0 && roll.pitches.length === 0) {
    const range = `MIDI pitches 1 to ${model.pitches}, which ${model.id} knows`;
    throw new SurprisalError("nothing-to-score", expected(range, `${leftOut} notes that all lie outside`));
  }
  const reason = `${model.id} knows MIDI pitches 1 to ${model.pitches} only`;
  const all = leftOut === 0 ? warnings : [leftOutWarning(leftOut, reason), ...warnings];
  return { roll, framesPerQuarter, shift, leftOut, warnings: all };
}

export const leftOutWarning = (count: number, reason: string): Warning => ({
  code: "notes-left-out",
  count,
  detail: `${count} ${count === 1 ? "note was" : "notes were"} left out: ${reason}.`,
});

/** Where notes begin: pitches that the frame before does not have. */
export function onsets({ offsets, pitches }: PianoRoll): { frame: number; pitch: number }[] {
  const found: { frame: number; pitch: number }[] = [];
  const last = new Int32Array(128).fill(-2); // frame in which a pitch last sounded
  for (let frame = 0; frame + 1 < offsets.length; frame++) {
    for (const pitch of pitches.subarray(offsets[frame], offsets[frame + 1])) {
      if (last[pitch] !== frame - 1) found.push({ frame, pitch });
      last[pitch] = frame;
    }
  }
  return found;
}
