/**
 * Publishes models into the local R2 of `wrangler dev`, as scripts/publish.ts does into a real one. What it holds already
 * is not written again.
 *
 *   node scripts/worker-models.ts [FOLDER]
 *
 * FOLDER holds the models, models/ unless given.
 */
import { getPlatformProxy } from "wrangler";
import { kernelModule } from "../src/entry/node/kernel.ts";
import { DEFAULT_FOLDER } from "../src/entry/node/local.ts";
import { fileStore } from "../src/store/files.ts";
import { publish } from "../src/store/publish.ts";
import { type R2Binding, r2Bucket } from "../src/store/r2.ts";
import { runScript } from "./command.ts";

await runScript({
  usage: "node scripts/worker-models.ts [FOLDER]",
  about: "Publishes the models of a folder, models/ unless given, into the local R2 of `wrangler dev`.",
  options: {},
  positionals: 1,
  example: "node scripts/worker-models.ts models",
  async run(_, [folder = DEFAULT_FOLDER]) {
    const { env, dispose } = await getPlatformProxy<{ MODELS: R2Binding; SURPRISAL_PREFIX: string }>();
    try {
      const bucket = r2Bucket(env.MODELS, env.SURPRISAL_PREFIX);
      const { name, uploaded } = await publish(fileStore(folder), bucket, await kernelModule());
      console.log(
        name === undefined
          ? `The local R2 has the models of ${folder} already.`
          : `Put ${uploaded.length} models of ${folder} into the local R2, release ${name}.`,
      );
    } finally {
      await dispose();
    }
  },
});
