/**
 * The floor that a model must beat: each pitch is on its own and follows only its own last frame. p(x_t,d | x_{t-1,d}) is
 * counted on the training pieces, with half a count added to both outcomes.
 */

import { frameCount, type PianoRoll } from "../formats/piano-roll.ts";
import type { Scored } from "../model/music-model.ts";

/** @param pitches D: MIDI pitches 1…D occur */
export function bigram(
  training: readonly PianoRoll[],
  pitches: number,
): { score(roll: PianoRoll): Pick<Scored, "nll"> } {
  const counts = new Float64Array(4 * (pitches + 1)).fill(0.5); // (D + 1, before, after)
  for (const roll of training) {
    eachTransition(roll, pitches, (_, pitch, before, after) => {
      counts[4 * pitch + 2 * before + after] += 1;
    });
  }
  return {
    score(roll) {
      const nll = new Float64Array(frameCount(roll) - 1);
      eachTransition(roll, pitches, (t, pitch, before, after) => {
        const at = 4 * pitch + 2 * before;
        nll[t - 1] -= Math.log(counts[at + after] / (counts[at] + counts[at + 1]));
      });
      return { nll };
    },
  };
}

type Visit = (frame: number, pitch: number, before: 0 | 1, after: 0 | 1) => void;

function eachTransition({ offsets, pitches: sounding }: PianoRoll, pitches: number, visit: Visit): void {
  let before = new Set<number>();
  for (let t = 0; t + 1 < offsets.length; t++) {
    const now = new Set(sounding.subarray(offsets[t], offsets[t + 1]));
    for (let pitch = 1; t > 0 && pitch <= pitches; pitch++) {
      visit(t, pitch, before.has(pitch) ? 1 : 0, now.has(pitch) ? 1 : 0);
    }
    before = now;
  }
}
