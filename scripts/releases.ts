/**
 * Lists the releases of a store, the current one first.
 *
 *   npm run releases -- s3://bucket/prefix
 *   npm run releases -- FOLDER
 */
import { parseArgs } from "node:util";
import { SurprisalError } from "../src/errors.ts";
import { openBucket } from "../src/store/open.ts";
import { type PublishedRelease, releases } from "../src/store/publish.ts";
import { table } from "../src/util/table.ts";
import { runCommand } from "./models.ts";

await runCommand(async () => {
  const { positionals } = parseArgs({ allowPositionals: true, options: {} });
  const [store, ...rest] = positionals;
  if (!store || rest.length > 0) {
    throw new SurprisalError("malformed-request", `Found ${positionals.length} stores; wanted one to list.`);
  }
  const found = await releases(await openBucket(store));
  console.log(found.length > 0 ? table(found.map(row)) : "Nothing is published here.");
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
