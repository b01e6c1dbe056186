/**
 * Puts the page and the models into a folder that any static host can serve: a browser fetches those that it is asked for. Needs
 * `npm run build`.
 *
 *   npm run package:page
 */
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_FOLDER } from "../src/entry/node/local.ts";
import { CATALOGUE_KEY, parseCatalogue } from "../src/store/store.ts";
import { runScript } from "./command.ts";

const SITE = "dist/page";

await runScript({
  usage: "npm run package:page",
  about: `Puts the page and the models into ${SITE}, for any static host.`,
  options: {},
  positionals: 0,
  example: "npm run package:page",
  async run() {
    await rm(SITE, { recursive: true, force: true });
    const isServed = (path: string) => path !== join("dist/web", "docs"); // the reference of an API that a static site has not
    await cp("dist/web", SITE, { recursive: true, filter: isServed });
    const { models } = parseCatalogue(await readFile(join(DEFAULT_FOLDER, CATALOGUE_KEY)));
    for (const key of [CATALOGUE_KEY, ...models.map(({ key }) => key)]) {
      await cp(join(DEFAULT_FOLDER, key), join(SITE, "local/models", key));
    }
    console.log(`${SITE} is a site of its own: upload it, or try it by any static server.`);
  },
});
