import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addToFolder } from "../../src/store/files.ts";
import { underFileLimit } from "../support/file-limit.ts";
import { randomCheckpoint } from "../support/models.ts";
import { freshPlace, hasS3, s3Environment } from "../support/s3.ts";

let folder: string; // where the scripts run, with models/ in it
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  for (const cell of ["gru", "lstm"] as const) {
    await addToFolder(join(folder, "models"), randomCheckpoint({ set: "jsb", cell }));
  }
});
afterEach(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

const execute = (command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise((done) => {
    execFile(command, args, { cwd: folder, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      done({ code: error ? error.code : 0, stdout, stderr });
    });
  });

const run = (script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  execute(process.execPath, [resolve("scripts", script), ...args], { npm_command: "run", ...env });

/** Publishes, changes a model, publishes again, lists and rolls back, and asserts what is said. */
async function cycle(store: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const publish = (...args: string[]) => run("publish.ts", ["--to", store, ...args], env);
  const release = "\\d{8}T\\d{6}Z-[0-9a-f]{12}";
  const uploaded = "uploaded objects/[0-9a-f]{64}\\.safetensors\n";
  const said = (pattern: string) => ({ code: 0, stdout: expect.stringMatching(RegExp(`^${pattern}\n$`)), stderr: "" });
  expect(await run("releases.ts", [store], env)).toEqual(said("Nothing is published here\\."));
  const current = `(${uploaded}){2}${release} is the current release, after none`;
  expect(await publish("--dry-run")).toEqual(said(`This would be done:\n${current}`));
  expect(await publish()).toEqual(said(current));
  expect(await publish()).toEqual(said(`${release} has these models already`));
  await addToFolder(join(folder, "models"), randomCheckpoint({ set: "jsb", cell: "gru", seed: 2 }));
  expect(await publish()).toEqual(said(`${uploaded}${release} is the current release, after ${release}`));
  const back = `${release} is the current release, after (${release}), with the models of (${release})`;
  const rolledBack = await publish("--rollback");
  expect(rolledBack).toEqual(said(back));
  const [, second, first] = RegExp(back).exec(rolledBack.stdout) ?? [];
  const listed = await run("releases.ts", [store], env);
  const row = (name: string, after: string, end = "") => `${name}  [\\d.:TZ-]{24} +2  ${after}${end}`;
  const rows = [row(release, second, " +current"), row(second, first), row(first, "-")];
  expect(listed).toEqual(said(`release +published +models  after\n${rows.join("\n")}`));
  expect((await publish("--rollback", second)).stdout).toMatch(`with the models of ${second}\n`);
}

test("a folder is published to, listed and rolled back", () => cycle(join(folder, "store")));

describe.skipIf(!hasS3())("with S3", () => {
  test("a bucket is published to, listed and rolled back", async () => {
    const { bucket, prefix } = await freshPlace();
    await cycle(`s3://${bucket}/${prefix}`, s3Environment());
  });

  test("wrong credentials are a sentence, without the secret", async () => {
    const { bucket } = await freshPlace();
    const env = { ...s3Environment(), AWS_SECRET_ACCESS_KEY: "guessed" };
    for (const [script, ...args] of [["publish.ts", "--to"], ["releases.ts"]]) {
      const { code, stdout, stderr } = await run(script, [...args, `s3://${bucket}/x/`], env);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(RegExp(`^s3://${bucket}/x/catalogue\\.json: SignatureDoesNotMatch[^\n]*\\.\n$`));
      expect(stderr).not.toMatch("guessed");
    }
  });
});

test("a model that does not fit on the disk leaves the release as it was, and no part of a file", async () => {
  const publish = [resolve("scripts", "publish.ts"), "--to", "store"];
  expect((await run("publish.ts", ["--to", "store"])).code).toBe(0);
  const before = await readdir(join(folder, "store"), { recursive: true });
  const listed = await run("releases.ts", ["store"]);
  await addToFolder(join(folder, "models"), randomCheckpoint({ set: "jsb", cell: "tanh", units: 200 })); // 0.3 MB
  const failed = await execute(...underFileLimit(2 ** 16, process.execPath, publish), { npm_command: "run" });
  expect(failed).toEqual({ code: 1, stdout: "", stderr: "It grew beyond the largest file that the system allows.\n" });
  expect(await readdir(join(folder, "store"), { recursive: true })).toEqual(before);
  expect(await run("releases.ts", ["store"])).toEqual(listed);
  expect((await run("publish.ts", ["--to", "store"])).code).toBe(0);
});

describe("what is wrong is one sentence, and 1, or 2 for wrong arguments:", () => {
  test.each([
    ["publish.ts", [], "Expected --to STORE, got no --to.\n", 2],
    ["publish.ts", ["--to", "store", "other"], "Expected options alone, got other.\n", 2],
    [
      "publish.ts",
      ["--to", "s3:///prefix"],
      "Expected a store that is s3://BUCKET/PREFIX or a folder, got s3:///prefix.\n",
      2,
    ],
    ["publish.ts", ["--to", "store", "--from", "nowhere"], "catalogue.json is not there.\n", 1],
    ["publish.ts", ["--to", "store", "--rollback"], "There is no earlier release.\n", 1],
    ["publish.ts", ["--to", "store", "--rollback", "a", "b"], "Expected one argument, got a b.\n", 2],
    ["publish.ts", ["--to", "store", "--from", "x", "--rollback"], "Expected --from or --rollback, got both.\n", 2],
    ["publish.ts", ["--to", "store", "--force"], "There is no option --force.\n", 2],
    [
      "publish.ts",
      ["--to", "models/catalogue.json"],
      expect.stringMatching(/^.*: A part of its path is a file, not a folder\.\n$/),
      1,
    ],
    ["releases.ts", [], "Expected one store to list, got none.\n", 2],
    ["releases.ts", ["a", "b"], "Expected one argument, got a b.\n", 2],
  ])("%s %j", async (script, args, stderr, code) => {
    expect(await run(script, args)).toEqual({ code, stdout: "", stderr });
    expect(await readdir(folder)).toEqual(["models"]);
  });
});

test("publishing the package publishes no models, though npm runs the script of that name", async () => {
  const script = resolve("scripts", "publish.ts");
  const scripts = { publish: `"${process.execPath}" "${script}"` };
  await mkdir(join(folder, "package"));
  await writeFile(
    join(folder, "package", "package.json"),
    JSON.stringify({ name: "not-to-be-published", version: "0.0.1", scripts }),
  );
  // No registry is asked: a dry run that is forced needs none.
  const args = [
    "publish",
    "--dry-run",
    "--force",
    "--registry",
    "http://127.0.0.1:9",
    "--prefix",
    join(folder, "package"),
  ];
  const { code, stdout } = await execute("npm", [...args, join(folder, "package")], {});
  expect(code).toBe(0);
  expect(stdout).toMatch("The package is published, no models are: `npm run publish -- --to STORE` publishes models.");
});
