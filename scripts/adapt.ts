/**
 * Chooses the rate of adaptive scoring of models on the validation pieces of their sets, and writes it into their checkpoints,
 * whose tensors stay as they are. `npm run train` does so by itself.
 *
 *   npm run adapt                     every model of music of models/, or of the folder SURPRISAL_MODELS
 *   npm run adapt -- 'jsb/*-nade'     these
 */

import { kernelModule } from "../src/entry/node/kernel.ts";
import type { Model } from "../src/model/model.ts";
import { MusicNetwork } from "../src/model/music-network.ts";
import { modelsOfKind } from "../src/model/select.ts";
import { addToFolder } from "../src/store/files.ts";
import { best, tryAdaptiveRates, withAdaptiveRate } from "../src/training/adaptive-rate.ts";
import { isRoll } from "../src/training/batches.ts";
import { evaluateOn } from "../src/training/measure.ts";
import { runScript } from "./command.ts";
import { FOLDER, openModels, setOf, withEach } from "./models.ts";

async function adapt(model: Model): Promise<void> {
  if (!(model instanceof MusicNetwork)) return; // an ensemble learns as its members do
  const valid = (await setOf(model)).valid.filter(isRoll);
  const { micro } = await evaluateOn(model, valid);
  const tried = await tryAdaptiveRates(model.checkpoint, await kernelModule(), valid);
  const { rate } = best(tried);
  const { version } = await addToFolder(FOLDER, withAdaptiveRate(model.checkpoint, rate));
  const figures = tried.map((each) => `${each.rate} ${each.valid.toFixed(3)}`).join(", ");
  console.log(`${model.id}: rate ${rate} of valid ${micro.toFixed(3)} without, ${figures}; sha256 ${version}`);
}

await runScript({
  usage: "npm run adapt -- [MODELS…]",
  about: `Chooses the rate of adaptive scoring of models on the validation pieces of their sets, and writes it into their checkpoints.
MODELS are ids, patterns or sets: all those of models/, or of the folder SURPRISAL_MODELS, unless given. Their files have new
versions then; \`npm run table\` measures them.`,
  options: {},
  positionals: Number.POSITIVE_INFINITY,
  example: "npm run adapt -- jsb 'nottingham/*-nade'",
  async run(_, patterns) {
    await withEach(modelsOfKind(await openModels(patterns), "music", ["*/*"]), adapt);
  },
});
