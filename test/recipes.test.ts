/**
 * The programs of docs/recipes.md against a server, those in TypeScript and Go by what is generated from openapi.yaml and
 * type-checked; and openapi.yaml under two linters. What they need of npm is installed into a folder of their own.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_FOLDER } from "../src/entry/node/local.ts";
import { isThere, requires } from "./support/requires.ts";
import { Server } from "./support/server.ts";

const call = promisify(execFile);

let folder = "";
let server: Server;
let expected = 0; // nats per frame of the cadence under jsb/gru

/** What a command prints, also if it fails. */
async function run(program: string, ...args: string[]): Promise<string> {
  const env = {
    ...process.env,
    SURPRISAL_URL: server.url,
    REDOCLY_TELEMETRY: "off",
    REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
  };
  const { stdout, stderr } = await call(program, args, { cwd: folder, env }).catch((error) => error);
  return stdout + stderr;
}
const tool = (name: string, ...args: string[]) => run(join(folder, "node_modules/.bin", name), ...args);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-recipes-"));
  await cp("test/fixtures/openapi", folder, { recursive: true });
  for (const file of ["openapi.yaml", "examples/cadence.mid"]) await cp(file, join(folder, file.replace(/.*\//, "")));
  const blocks = (await readFile("docs/recipes.md", "utf8")).matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm);
  for (const [, name, text] of blocks) await writeFile(join(folder, name), text);
  const installed = call("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
  server = await Server.start({ SURPRISAL_MODELS: DEFAULT_FOLDER });
  const body = await readFile("examples/cadence.mid");
  const response = await fetch(`${server.url}/v1/score?models=jsb/gru`, { method: "POST", body });
  expected = (await response.json()).scores[0].nll;
  await installed;
}, 240_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true });
});

/** Models and scores, one a line. */
const scoresOf = (printed: string) =>
  printed
    .trim()
    .split("\n")
    .map((line) => line.trim().split(" "))
    .map(([model, nll]) => [model, Number(nll)]);

describe("without a generator", () => {
  const python = ["python3", "/usr/bin/python3"].find((program) => isThere(program, "-c", "import httpx"));
  test.skipIf(!requires(isThere("curl", "--version"), "curl is missing; install curl"))("curl", async () => {
    expect(scoresOf(await run("sh", "score.sh"))).toEqual([["jsb/gru", expected]]);
  });
  test.skipIf(!requires(python !== undefined, "Python with httpx is missing; install python3-httpx"))(
    "Python",
    async () => {
      expect(scoresOf(await run(python ?? "", "score.py"))).toEqual([["jsb/gru", expected]]);
    },
  );
  const hasR = isThere("Rscript", "-e", "library(httr2); library(jsonlite)");
  test.skipIf(!requires(hasR, "R with httr2 is missing; install r-base-core, r-cran-httr2 and r-cran-jsonlite"))(
    "R",
    async () => {
      const [[model, nll]] = scoresOf(await run("Rscript", "score.R"));
      expect([model, nll]).toEqual(["jsb/gru", expect.closeTo(expected, 12)]); // of its fifteen digits
    },
  );
});

describe("TypeScript, generated, type-checked and run", () => {
  test.each([
    ["fetch.ts", () => run(process.execPath, "types.mjs"), 2],
    ["hey-api.ts", () => tool("openapi-ts"), 1],
    ["bytes.ts", () => tool("orval"), 1],
  ])("%s uploads a file", async (program, generate, uploads) => {
    await generate();
    await writeFile(
      join(folder, "tsconfig.one.json"),
      JSON.stringify({ extends: "./tsconfig.json", files: [program] }),
    );
    expect(await tool("tsc", "-p", "tsconfig.one.json")).toBe("");
    const outfile = join(folder, `${program}.bundle.mjs`);
    await build({ entryPoints: [join(folder, program)], outfile, bundle: true, format: "esm", platform: "node" });
    const printed = await run(process.execPath, outfile);
    expect(scoresOf(printed)).toEqual(Array(uploads).fill(["jsb/gru", expected]));
  });

  test("a program that sends text for a file is refused by the types", async () => {
    const text = (await readFile(join(folder, "hey-api.ts"), "utf8")).replace("await openAsBlob", "String");
    await writeFile(join(folder, "wrong.ts"), text);
    await writeFile(
      join(folder, "tsconfig.one.json"),
      JSON.stringify({ extends: "./tsconfig.json", files: ["wrong.ts"] }),
    );
    expect(await tool("tsc", "-p", "tsconfig.one.json")).toContain("is not assignable to type 'Blob | File'");
  });
});

describe("Go, its types generated", () => {
  const hasGo = isThere("go", "version");
  test.skipIf(!requires(hasGo, "Go is missing; install golang-go"))("score.go uploads a file", async () => {
    expect(await run("sh", "types.sh")).toBe("");
    const files = ["score.go", "types.go", "problem.go"];
    expect(scoresOf(await run("go", "run", ...files))).toEqual([["jsb/gru", expected]]);
    const wrong = (await readFile(join(folder, "score.go"), "utf8")).replace("cadence.mid", "openapi.yaml");
    await writeFile(join(folder, "score.go"), wrong);
    expect(await run("go", "run", ...files)).toContain('Expected a MIDI file, which begins "MThd"');
  });
});

describe("openapi.yaml has no warning of", () => {
  test("Redocly", async () => {
    expect(await tool("redocly", "lint", "openapi.yaml", "--format=json")).toContain('"problems": []');
  });
  test("Spectral", async () => {
    expect(await tool("spectral", "lint", "openapi.yaml", "--format=json")).toMatch(/^\[\]/);
  });
});
