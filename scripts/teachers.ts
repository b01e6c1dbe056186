/** The training set of a protocol: its pieces as they are, or with the soft targets of the protocol's teachers. */
import { createHash } from "node:crypto";
import { expected, SurprisalError } from "../src/errors.ts";
import { selectModels } from "../src/model/select.ts";
import { writeFileAtomically } from "../src/store/atomic.ts";
import { isRoll, stepCount } from "../src/training/batches.ts";
import { readIfThere, type TrainingSet } from "../src/training/datasets.ts";
import type { Protocol, Target } from "../src/training/protocol.ts";
import { softTargets, taught } from "../src/training/teacher.ts";
import { loadSet, openModels } from "./models.ts";
import { Progress } from "./progress.ts";

/**
 * The teachers are those of models/, or of the folder SURPRISAL_MODELS. What they say takes minutes, so it is kept.
 * @param folder where
 * @throws SurprisalError `malformed-request` when the model cannot learn from soft targets, `unknown-model` when there is no
 * such teacher.
 */
export async function trainingSetOf({ set: name }: Target, protocol: Protocol, folder: string): Promise<TrainingSet> {
  const set = await loadSet(name);
  if (!protocol.teachers) return set;
  if (set.mixture || protocol.hidden > 0) {
    throw new SurprisalError(
      "malformed-request",
      expected("independent pitches where there are teachers", "another head"),
    );
  }
  const ids = protocol.teachers.split(",").map((teacher) => `${name}/${teacher}`);
  const teachers = selectModels(await openModels(), ids).filter((model) => model.kind === "music");
  const versions = teachers.map(({ version }) => version).join(",");
  const pieces = set.train.filter(isRoll).filter((piece) => stepCount(piece) > 0);
  const hash = createHash("sha256").update(`${versions} ${set.sha256}`).digest("hex");
  const path = `${folder}/${name}/teachers-${hash.slice(0, 8)}.f32`;
  const kept = await readIfThere(path);
  const progress = new Progress(pieces.length);
  const targets = kept
    ? new Float32Array(Uint8Array.from(kept).buffer)
    : await softTargets(teachers, pieces, (done) => {
        if (done % 10 === 0) progress.show(done, `pieces read by ${ids.join(" and ")}`);
      });
  progress.end();
  if (!kept) await writeFileAtomically(path, new Uint8Array(targets.buffer));
  const described = { ...set.described, teacherVersions: versions };
  return { ...set, described, train: taught(pieces, targets, set.inputs) };
}
