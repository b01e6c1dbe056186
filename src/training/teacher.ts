/**
 * Teachers + pieces -> the pieces with soft targets: what the teachers say of each frame, from which a smaller model learns more
 * than from what happened to sound (distillation, Hinton, Vinyals and Dean 2015, arXiv 1503.02531). For independent pitches
 * the best target is the probability of each pitch, which under a NADE head is the mean over some drawn frames.
 */
import { createHash } from "node:crypto";
import { expected, SurprisalError } from "../errors.ts";
import { frameCount, type PianoRoll, sliceRoll } from "../formats/piano-roll.ts";
import type { FramePrefix } from "../model/frame-prefix.ts";
import type { Model } from "../model/model.ts";
import type { MusicModel } from "../model/music-model.ts";
import { selectModels } from "../model/select.ts";
import { writeFileAtomically } from "../store/atomic.ts";
import { uniform } from "../util/random.ts";
import { isRoll, stepCount, type TaughtRoll } from "./batches.ts";
import { readIfThere, type TrainingSet } from "./datasets.ts";
import type { Protocol } from "./protocol.ts";

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
          addMarginals(part, share, targets.subarray((start + t) * D, (start + t + 1) * D), draw);
        });
      }
    }
    start += stepCount(piece);
    onPiece?.(n + 1);
  }
  return targets;
}

/** Adds `share` of the probability of each pitch, whatever else sounds. @param draw uniform in [0, 1) */
function addMarginals(part: FramePrefix, share: number, target: Float32Array, draw: () => number): void {
  const D = target.length;
  const probabilities = new Float64Array(D);
  const draws = part.isIndependent ? 1 : DRAWS;
  for (let n = 0; n < draws; n++) {
    let prefix = part;
    for (let d = 0; d < D; d++) {
      const p = 1 / (1 + Math.exp(-prefix.logit(d)));
      probabilities[d] += p / draws;
      if (!part.isIndependent && draw() < p) prefix = prefix.after(d);
    }
  }
  for (let d = 0; d < D; d++) target[d] += share * probabilities[d];
}

/**
 * The set of a protocol: its pieces as they are, or with the soft targets of the protocol's teachers. What they say takes
 * minutes, so it is kept.
 * @param open the models at hand, among which the teachers are; asked for only where there are teachers
 * @param folder where it is kept, such as runs
 * @param onPiece called with the number of pieces done, and of how many
 * @throws SurprisalError `malformed-request` when the model cannot learn from soft targets, `unknown-model` when there is no
 * such teacher.
 */
export async function taughtSet(
  set: TrainingSet,
  { teachers: names, hidden }: Protocol,
  {
    open,
    folder,
    onPiece,
  }: { open: () => Promise<readonly Model[]>; folder: string; onPiece?: (done: number, of: number) => void },
): Promise<TrainingSet> {
  if (!names) return set;
  if (set.mixture || hidden > 0) {
    throw new SurprisalError(
      "malformed-request",
      expected("independent pitches where there are teachers", "another head"),
    );
  }
  const ids = names.split(",").map((teacher) => `${set.name}/${teacher}`);
  const teachers = selectModels(await open(), ids).filter((model) => model.kind === "music");
  const versions = teachers.map(({ version }) => version).join(",");
  const pieces = set.train.filter(isRoll).filter((piece) => stepCount(piece) > 0);
  const hash = createHash("sha256").update(`${versions} ${set.sha256}`).digest("hex");
  const path = `${folder}/${set.name}/teachers-${hash.slice(0, 8)}.f32`;
  const kept = await readIfThere(path);
  const targets = kept
    ? new Float32Array(Uint8Array.from(kept).buffer)
    : await softTargets(teachers, pieces, (done) => onPiece?.(done, pieces.length));
  if (!kept) await writeFileAtomically(path, new Uint8Array(targets.buffer));
  const described = { ...set.described, teacherVersions: versions };
  return { ...set, described, train: taught(pieces, targets, set.inputs) };
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
