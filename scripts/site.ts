/**
 * Puts the page and the models that it needs to score by itself into a folder that any static host can serve. Needs `npm run
 * build`.
 *
 *   npm run package:page
 */
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_FOLDER } from "../src/entry/node/local.ts";
import { recommendedModels } from "../src/model/select.ts";
import { parseCatalogue } from "../src/store/store.ts";
import { runScript } from "./command.ts";

const SITE = "dist/page";

await runScript({
  usage: "npm run package:page",
  about: `Puts the page and the models that answer by default into ${SITE}, for any static host.`,
  options: {},
  positionals: 0,
  example: "npm run package:page",
  async run() {
    await rm(SITE, { recursive: true, force: true });
    await cp("dist/web", SITE, { recursive: true });
    const catalogue = join(DEFAULT_FOLDER, "catalogue.json");
    const { models } = parseCatalogue(await readFile(catalogue));
    const smallest = [...Map.groupBy(models, ({ set }) => set).values()].map(
      (own) => own.reduce((least, entry) => (entry.size < least.size ? entry : least)), // finds the transposition
    );
    await cp(catalogue, join(SITE, "local/models/catalogue.json"));
    for (const { key } of new Set([...recommendedModels(models), ...smallest])) {
      await cp(join(DEFAULT_FOLDER, key), join(SITE, "local/models", key));
    }
    console.log(`${SITE} is a site of its own: upload it, or try it by any static server.`);
  },
});
