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
import { kernelModule } from "../src/entry/node/kernel.ts";
import { expected } from "../src/errors.ts";
import type { Bucket } from "../src/store/bucket.ts";
import { openBucket, openStore } from "../src/store/open.ts";
import { publish, rollBack } from "../src/store/publish.ts";
import { runScript, UsageError } from "./command.ts";

// `npm publish` runs the package's script of this name as well, once the package is in the registry.
if (process.env.npm_command === "publish" || process.env.npm_command === "stage") {
  console.log("The package is published, no models are: `npm run publish -- --to STORE` publishes models.");
} else {
  await runScript({
    usage: "npm run publish -- --to STORE",
    about: `Publishes models into a folder or s3://bucket/prefix, where every server that follows the store takes them over. With
--rollback an earlier release is the current one again: the one before it, or the one whose name begins as the argument.`,
    options: {
      to: { type: "string", value: "STORE", about: "where they are published" },
      from: { type: "string", value: "STORE", about: "where the models are (default models)" },
      rollback: { type: "boolean", about: "takes an earlier release instead of uploading" },
      "dry-run": { type: "boolean", about: "says what would be done" },
    },
    positionals: 1,
    example: "npm run publish -- --to s3://bucket/prefix --dry-run",
    async run({ to, from, rollback, "dry-run": dryRun }, [release]) {
      if (!to) throw new UsageError(expected("--to STORE", "no --to"));
      if (release !== undefined && !rollback) throw new UsageError(expected("options alone", release));
      if (rollback && from !== undefined) throw new UsageError(expected("--from or --rollback", "both"));
      if (dryRun) console.log("This would be done:");
      const bucket = await openBucket(to);
      console.log(
        rollback ? await rolledBack(bucket, release, dryRun) : await published(from ?? "models", bucket, dryRun),
      );
    },
  });
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
