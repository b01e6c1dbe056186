/**
 * Teachers + pieces -> the pieces with soft targets: what the teachers say of each frame, from which a smaller model learns more
 * than from what happened to sound (distillation, Hinton, Vinyals and Dean 2015, arXiv 1503.02531). For independent pitches
 * the best target is the probability of each pitch, which under a NADE head is the mean over some drawn frames.
 */
import { frameCount, type PianoRoll, sliceRoll } from "../formats/piano-roll.ts";
import { estimateMarginals } from "../model/frame-distribution.ts";
import type { MusicModel } from "../model/music-model.ts";
import { uniform } from "../util/random.ts";
import { stepCount, type TaughtRoll } from "./batches.ts";

/** Few, since their errors average out over the frames. */
const DRAWS = 24;
const SEED = 1;

/**
 * Soft targets of the frames of all pieces but the first of each, (frames, D): the average of what the teachers give.
 * @param onPiece called with the number of pieces done
 */
export async function softTargets(
  teachers: readonly MusicModel[],
  pieces: readonly PianoRoll[],
  onPiece?: (done: number) => void,
): Promise<Float32Array> {
  const [{ pitches: D }] = teachers;
  const targets = new Float32Array(D * pieces.reduce((sum, piece) => sum + stepCount(piece), 0));
  const draw = uniform(SEED);
  let start = 0;
  for (const [n, piece] of pieces.entries()) {
    for (const teacher of teachers) {
      let state = teacher.initialState();
      for (let t = 0; t + 1 < frameCount(piece); t++) {
        const { state: after, next } = await teacher.advance(state, sliceRoll(piece, t, t + 1));
        state = after;
        next.parts.forEach((part, m) => {
          const share = next.shares[m] / (next.parts.length * teachers.length);
          const { probabilities } = estimateMarginals(part, D, DRAWS, draw);
          for (let d = 0; d < D; d++) targets[(start + t) * D + d] += share * probabilities[d];
        });
      }
    }
    start += stepCount(piece);
    onPiece?.(n + 1);
  }
  return targets;
}

/** Each piece with its part of the soft targets of all. */
export function taught(pieces: readonly PianoRoll[], targets: Float32Array, pitches: number): TaughtRoll[] {
  let start = 0;
  return pieces.map((piece) => {
    const end = start + stepCount(piece) * pitches;
    const own = targets.subarray(start, end);
    start = end;
    return { ...piece, softTargets: own };
  });
}
