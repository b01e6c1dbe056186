/**
 * Lists the releases of a store, the current one first.
 *
 *   npm run releases -- s3://bucket/prefix
 *   npm run releases -- FOLDER
 */
import { expected } from "../src/errors.ts";
import { openBucket } from "../src/store/open.ts";
import { type PublishedRelease, releases } from "../src/store/publish.ts";
import { table } from "../src/util/table.ts";
import { runScript, UsageError } from "./command.ts";

await runScript({
  usage: "npm run releases -- STORE",
  about: "Lists the releases of a store, a folder or s3://bucket/prefix, the current one first.",
  options: {},
  positionals: 1,
  example: "npm run releases -- s3://bucket/prefix",
  async run(_, [store]) {
    if (!store) throw new UsageError(expected("one store to list", "none"));
    const found = await releases(await openBucket(store));
    console.log(found.length > 0 ? table(found.map(row)) : "Nothing is published here.");
  },
});

function row({ name, catalogue: { models, release } }: PublishedRelease, index: number) {
  return {
    release: name,
    published: release?.published ?? "-",
    models: String(models.length),
    after: release?.previous ?? "-",
    "": index === 0 ? "current" : "",
  };
}
