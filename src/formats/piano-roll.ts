/**
 * What a model reads. Bytes become a Sequence once, in midi.ts or here; everything after trusts it.
 */
import { expected, SurprisalError } from "../errors.ts";

/**
 * Binary frames in compressed rows: frame t sounds the MIDI pitches `pitches[offsets[t]] … pitches[offsets[t + 1] - 1]`,
 * ascending and distinct. An empty frame is a rest.
 */
export interface PianoRoll {
  readonly offsets: Uint32Array; // (frames + 1)
  readonly pitches: Uint8Array; // (sounding notes over all frames), MIDI pitch 1…127
}

export const frameCount = (roll: PianoRoll): number => roll.offsets.length - 1;

/**
 * Builds a roll from lists of pitches, in any order and with repeats.
 * @throws SurprisalError `malformed-piano-roll` when a pitch is not an integer from 1 to 127.
 */
export function pianoRoll(frames: readonly (readonly number[])[]): PianoRoll {
  const rows = frames.map((frame, t) => {
    for (const pitch of frame) {
      if (!Number.isInteger(pitch) || pitch < 1 || pitch > 127) {
        throw new SurprisalError(
          "malformed-piano-roll",
          expected(`integers from 1 to 127 as the pitches of frame ${t}`, pitch),
        );
      }
    }
    return Uint8Array.from(new Set(frame)).sort();
  });
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, t) => {
    offsets[t + 1] = offsets[t] + row.length;
  });
  const pitches = new Uint8Array(offsets[rows.length]);
  rows.forEach((row, t) => {
    pitches.set(row, offsets[t]);
  });
  return { offsets, pitches };
}

/**
 * Builds a roll from a matrix of zeros and ones (frames, columns), row by row; column d is MIDI pitch d + 1.
 * @param first of the frames to take
 * @throws SurprisalError `malformed-piano-roll` for any other value.
 */
export function rollOfMatrix(
  values: ArrayLike<number | bigint | boolean>,
  { columns, first, frames }: { readonly columns: number; readonly first: number; readonly frames: number },
): PianoRoll {
  const offsets = new Uint32Array(frames + 1);
  const pitches: number[] = [];
  for (let t = 0; t < frames; t++) {
    for (let d = 0; d < columns; d++) {
      const value = Number(values[(first + t) * columns + d]);
      if (value === 1) pitches.push(d + 1);
      else if (value !== 0) {
        const got = `${value} in frame ${t}, column ${d}`;
        throw new SurprisalError("malformed-piano-roll", expected("frames of zeros and ones", got));
      }
    }
    offsets[t + 1] = pitches.length;
  }
  return { offsets, pitches: Uint8Array.from(pitches) };
}

/** The roll as lists of pitches, one list a frame. */
export function toFrames(roll: PianoRoll): number[][] {
  return Array.from({ length: frameCount(roll) }, (_, t) =>
    Array.from(roll.pitches.subarray(roll.offsets[t], roll.offsets[t + 1])),
  );
}

/** Frames start … end - 1 of a roll, without copying the pitches. */
export function sliceRoll(roll: PianoRoll, start: number, end: number): PianoRoll {
  const from = roll.offsets[start];
  return {
    offsets: roll.offsets.slice(start, end + 1).map((offset) => offset - from),
    pitches: roll.pitches.subarray(from, roll.offsets[end]),
  };
}

/** A roll that was changed, and how many sounding pitches (a note counts once a frame) found no place in it. */
export interface FittedRoll {
  readonly roll: PianoRoll;
  readonly leftOut: number;
}

/**
 * Moves every pitch by semitones. Pitches that leave 1…127 are left out; frames stay, empty or not.
 * @throws SurprisalError `malformed-request` when semitones is not an integer.
 */
export function transposeRoll(roll: PianoRoll, semitones: number): FittedRoll {
  if (!Number.isInteger(semitones)) {
    throw new SurprisalError("malformed-request", expected("a transposition of whole semitones", semitones));
  }
  return shiftWithin(roll, semitones, 127);
}

/** Leaves out the pitches above maxPitch, such as a model's D. Frames stay, empty or not. */
export function clipRoll(roll: PianoRoll, maxPitch: number): FittedRoll {
  return shiftWithin(roll, 0, maxPitch);
}

function shiftWithin({ offsets, pitches }: PianoRoll, shift: number, highest: number): FittedRoll {
  const kept = new Uint8Array(pitches.length);
  const keptOffsets = new Uint32Array(offsets.length);
  let count = 0;
  for (let t = 0; t + 1 < offsets.length; t++) {
    for (let i = offsets[t]; i < offsets[t + 1]; i++) {
      const pitch = pitches[i] + shift;
      if (pitch >= 1 && pitch <= highest) kept[count++] = pitch;
    }
    keptOffsets[t + 1] = count;
  }
  return { roll: { offsets: keptOffsets, pitches: kept.slice(0, count) }, leftOut: pitches.length - count };
}
