/**
 * What a model reads. Bytes become a Sequence once, in midi.ts or here; everything after trusts it.
 */
import { SurprisalError } from "./errors.ts";

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
        throw new SurprisalError("malformed-piano-roll", `Frame ${t} has pitch ${pitch}; wanted an integer from 1 to 127.`);
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
