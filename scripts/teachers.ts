/** The training set of a protocol: its pieces as they are, or with the soft targets of the protocol's teachers. */
import { Progress } from "../src/entry/cli/progress.ts";
import type { TrainingSet } from "../src/training/datasets.ts";
import type { Protocol } from "../src/training/protocol.ts";
import type { Target } from "../src/training/targets.ts";
import { taughtSet } from "../src/training/teacher.ts";
import { loadSet, openModels } from "./models.ts";

/**
 * The teachers are those of models/, or of the folder SURPRISAL_MODELS.
 * @param folder where what they say is kept
 * @throws SurprisalError as loadSet and taughtSet
 */
export async function trainingSetOf({ set }: Target, protocol: Protocol, folder: string): Promise<TrainingSet> {
  let progress: Progress | undefined;
  const onPiece = (done: number, of: number) => {
    progress ??= new Progress(of);
    if (done % 10 === 0) progress.show(done, `pieces read by ${protocol.teachers}`);
  };
  const taught = await taughtSet(await loadSet(set), protocol, { open: openModels, folder, onPiece });
  progress?.end();
  return taught;
}
