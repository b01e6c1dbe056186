/**
 * Lays out what the Lambda package takes beside its bundles: the models of music of the paper's sizes, in .lambda/models. The larger
 * models and those of speech would make the zip larger than 5 MB; they come from the bucket.
 *
 *   npm run package:lambda      # this, and the zip: .serverless/surprisal.zip
 */
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readCheckpoint } from "../src/model/checkpoint.ts";
import { fileStore } from "../src/store/files.ts";
import { CATALOGUE_KEY, writeCatalogue } from "../src/store/store.ts";
import { runScript } from "./command.ts";

const FROM = "models";
const TO = ".lambda/models";

await runScript({
  usage: "node scripts/lambda.ts",
  about: `Lays out in ${TO} the models that the Lambda package takes: the models of music of the paper's sizes.`,
  options: {},
  example: "npm run package:lambda",
  async run() {
    const store = fileStore(FROM);
    await rm(TO, { recursive: true, force: true });
    const models = [];
    const { catalogue } = await store.catalogue();
    for (const entry of catalogue.models) {
      const { config } = readCheckpoint(await store.read(entry));
      if (!["paper", "nade"].includes(entry.preset) || config.mixture) continue;
      await mkdir(dirname(join(TO, entry.key)), { recursive: true });
      await cp(join(FROM, entry.key), join(TO, entry.key));
      models.push(entry);
    }
    await writeFile(join(TO, CATALOGUE_KEY), writeCatalogue({ models, ensembles: catalogue.ensembles }));
    console.log(`${TO} has ${models.map(({ id }) => id).join(", ")}.`);
  },
});
