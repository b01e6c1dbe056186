/**
 * Publishes models: checks that each can be loaded, uploads the files that the store lacks, and then makes them the current
 * release by one conditional write, which every server that follows the store takes over. See store/publish.ts.
 *
 *   npm run publish -- --to s3://bucket/prefix               the models of models/
 *   npm run publish -- --to s3://bucket/prefix --from FOLDER those of another folder or store
 *   npm run publish -- --to FOLDER                           into a folder
 *   npm run publish -- --to s3://bucket/prefix --rollback    the release before the current one again
 *   npm run publish -- --to s3://bucket/prefix --rollback 20250131T12   or the earlier one that begins so
 *
 * With --dry-run it says what it would do. `npm run releases` lists what was published.
 */
import { parseArgs } from "node:util";
import { SurprisalError } from "../src/errors.ts";
import type { Bucket } from "../src/store/bucket.ts";
import { openBucket, openStore } from "../src/store/open.ts";
import { publish, rollBack } from "../src/store/publish.ts";
import { kernelModule, runCommand } from "./models.ts";

// `npm publish` runs the package's script of this name as well, once the package is in the registry.
if (process.env.npm_command === "publish" || process.env.npm_command === "stage") {
  console.log("The package is published, no models are: `npm run publish -- --to STORE` publishes models.");
} else {
  await runCommand(() => main(process.argv.slice(2)));
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      to: { type: "string" },
      from: { type: "string" },
      rollback: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
    },
  });
  const { to, from = "models", rollback, "dry-run": dryRun } = values;
  if (!to) throw new SurprisalError("malformed-request", "Found no --to; wanted `npm run publish -- --to STORE`.");
  if (positionals.length > (rollback ? 1 : 0)) {
    const wanted = rollback ? "one release at most" : "options alone";
    throw new SurprisalError("malformed-request", `Found ${positionals.join(" ")}; wanted ${wanted}.`);
  }
  if (rollback && values.from !== undefined) {
    throw new SurprisalError("malformed-request", "Found --from with --rollback; wanted one of them.");
  }
  if (dryRun) console.log("This would be done:");
  const bucket = await openBucket(to);
  console.log(rollback ? await rolledBack(bucket, positionals.at(0), dryRun) : await published(from, bucket, dryRun));
}

async function published(from: string, bucket: Bucket, dryRun: boolean): Promise<string> {
  const source = await openStore(from);
  const { name, uploaded, previous } = await publish(source, bucket, await kernelModule(), { dryRun });
  const current = name === undefined ? `${previous} has these models already` : became(name, previous);
  return [...uploaded.map((key) => `uploaded ${key}`), current].join("\n");
}

async function rolledBack(bucket: Bucket, wanted: string | undefined, dryRun: boolean): Promise<string> {
  const { name, target, previous } = await rollBack(bucket, wanted, { dryRun });
  return `${became(name, previous)}, with the models of ${target.name}`;
}

function became(name: string, previous = "none"): string {
  return `${name} is the current release, after ${previous}`;
}
