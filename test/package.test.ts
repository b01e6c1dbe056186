/** The package as others get it: packed, installed into an empty project, type-checked against, imported and run. */
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { installNode } from "./support/nodes.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const npm = (args: string[], cwd: string) =>
  run("npm", [...args, "--ignore-scripts", "--no-audit", "--no-fund"], { cwd });

interface Packed {
  readonly filename: string;
  readonly size: number; // bytes
  readonly files: readonly { readonly path: string }[];
}

let project: string;
let packed: Packed;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "surprisal-package-"));
  const { stdout } = await npm(["pack", "--json", "--pack-destination", project], root);
  packed = Object.values(JSON.parse(stdout))[0] as Packed;
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
  await copyFile(join(root, "test/fixtures/package/consumer.ts"), join(project, "consumer.ts"));
  const { hono } = manifest.dependencies;
  const types = `@types/node@${manifest.devDependencies["@types/node"]}`;
  await npm(["install", join(project, packed.filename), `hono@${hono}`, types], project);
}, 240_000);
afterAll(() => rm(project, { recursive: true, force: true }));

test("it holds what runs, and nothing of how the models were found or drawn", () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["dist/kernel.wasm", "models/catalogue.json", "dist/web/index.html"]));
  const needless = /\.(jsonl|svg|map)$|results\.json$|relaxed|^dist\/worker|^(test|scripts|bench|data)\//;
  expect(paths.filter((path) => needless.test(path))).toEqual([]);
  expect(packed.size).toBeLessThan(22_000_000); // 21.96 MB, nearly all of it weights
});

test("a strict program in TypeScript compiles against its types", async () => {
  const options = { strict: true, module: "NodeNext", target: "ES2023", noEmit: true, skipLibCheck: false };
  const lib = ["ES2024", "DOM", "DOM.Iterable"];
  const config = { compilerOptions: { ...options, lib, types: ["node"] }, files: ["consumer.ts"] };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(config));
  const { stdout } = await run(join(root, "node_modules/.bin/tsc"), ["-p", project]).catch((error) => error);
  expect(stdout).toBe("");
});

test("surprisal/core needs nothing of Node", async () => {
  const contents = 'export * from "surprisal/core";';
  const { metafile } = await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    write: false,
    metafile: true,
    platform: "neutral",
    format: "esm",
    mainFields: ["module", "main"],
  });
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});

test("surprisal/client is a few kB, and needs nothing else", async () => {
  const { metafile, outputFiles } = await build({
    stdin: { contents: 'export * from "surprisal/client";', resolveDir: project },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: "neutral",
    format: "esm",
  });
  expect(Object.keys(metafile.inputs).filter((path) => path.includes("node_modules"))).toEqual([
    expect.stringMatching(/surprisal\/dist\/entry\/client\/index\.js$/),
  ]);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
  expect(outputFiles[0].contents.length).toBeLessThan(8_000); // 6.3 kB
});

describe.each([22, 24])("on Node %s", (line) => {
  let node: string;
  beforeAll(async () => {
    node = await installNode(line, project);
    expect((await run(node, ["--version"])).stdout).toMatch(`v${line}.`);
  }, 240_000);

  test("it is imported and scores, predicts, and answers under another app", async () => {
    await build({ entryPoints: [join(project, "consumer.ts")], outfile: join(project, "consumer.js"), format: "esm" });
    const { stdout } = await run(node, [join(project, "consumer.js")]);
    const found = JSON.parse(stdout);
    const { models } = JSON.parse(await readFile(join(root, "models/catalogue.json"), "utf8"));
    expect(found.models).toBeGreaterThanOrEqual(models.length); // ensembles come on top
    expect(found.ofRoll.map(([id]: [string]) => id)).toEqual(
      expect.arrayContaining(["jsb/gru", "jsb/lstm", "jsb/tanh"]),
    );
    expect(found.ofHttp).toEqual(found.ofRoll);
    expect(found.ofClient).toEqual(found.ofRoll);
    expect(found).toMatchObject({
      mine: "mine",
      openapi: 200,
      tooLong: 413,
      kindOfSamples: "audio",
      continued: 4,
      mediaType: "audio/midi",
      quarters: expect.any(Number),
      code: "unsupported-media-type",
    });
  });

  test("its command line trains a model of a folder", async () => {
    const main = join(project, "node_modules/surprisal", manifest.bin.surprisal);
    const out = join(project, `trained-on-${line}`);
    const settings = ["--units", "4", "--epochs", "2", "--key", "none"];
    const { stdout } = await run(node, [
      ...[main, "train", join(root, "test/fixtures/chorales"), "--name", "mine", "--out", out],
      ...settings,
    ]);
    expect(stdout).toMatch(/\nbest epoch \d: valid [\d.]+, test [\d.]+ micro/);
    expect((await readFile(join(out, "mine/gru.safetensors"))).length).toBeGreaterThan(1000);
  });

  test("its command line scores a file by the shipped models", async () => {
    const main = join(project, "node_modules/surprisal", manifest.bin.surprisal);
    const file = join(root, "test/fixtures/midi/format-1.mid");
    const { stdout } = await run(node, [main, "score", file, "--models", "nottingham/gru", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ file, best: "nottingham/gru" });
  });
});
