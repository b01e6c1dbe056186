import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cell } from "../../src/checkpoint.ts";
import { addToFolder } from "../../src/store/files.ts";
import { MUSIC_FOLDER, MUSIC_SETS } from "../../src/training/datasets.ts";
import { hasMusicSet } from "../data.ts";
import { Random, randomTensors } from "../random.ts";

let folder: string; // where the scripts run, so that they find no data but what a test brings
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
});
afterEach(() => rm(folder, { recursive: true }));

function run(script: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const path = resolve("scripts", script);
  const env = { ...process.env, SURPRISAL_MODELS: join(folder, "models") };
  return new Promise((done) => {
    execFile(process.execPath, [path, ...args], { cwd: folder, env }, (error, stdout, stderr) => {
      done({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

async function addModel(cell: Cell): Promise<void> {
  const config = { cell, inputs: 96, units: 4, outputs: 96 };
  const metadata = { set: "jsb", preset: "paper", framesPerQuarter: "1" };
  await addToFolder(join(folder, "models"), { config, tensors: randomTensors(config, new Random(1)), metadata });
}

test("data: a folder without the files is an error of one sentence", async () => {
  const missing = join(folder, "Nottingham.mat");
  expect(await run("data.ts", "--from", folder)).toEqual({ code: 1, stdout: "", stderr: `${missing} is not there.\n` });
  expect(await readdir(folder)).toEqual([]);
});

test("evaluate: without models it says where they were looked for", async () => {
  const { code, stderr } = await run("evaluate.ts");
  expect(code).toBe(1);
  expect(stderr).toBe(`${join(folder, "models")}: catalogue.json is not there.\n`);
});

test("evaluate: without data it says how to get them", async () => {
  await addModel("gru");
  const { code, stderr } = await run("evaluate.ts");
  expect(code).toBe(1);
  expect(stderr).toBe("data/music/JSB_Chorales.mat is not there; `npm run data` brings it.\n");
});

describe.skipIf(!MUSIC_SETS.every(hasMusicSet))("with the sets", () => {
  test("data brings and lists them, evaluate scores every test piece", async () => {
    const data = await run("data.ts", "--from", resolve(MUSIC_FOLDER));
    expect(data.stdout).toMatch(/229 \/ 76 \/ 77 +13807 \/ 4602 \/ 4725 +96 +ac0e6085/);
    await addModel("gru");
    await addModel("tanh");
    const [evaluation, , mixture] = JSON.parse((await run("evaluate.ts", "jsb/*", "--json")).stdout);
    // 4,725 frames in 77 pieces, of each of which the first is not scored.
    expect(evaluation).toMatchObject({ model: "jsb/gru", units: [4], scoredFrames: 4725 - 77 });
    expect(mixture).toMatchObject({ model: "jsb/mixture", units: [4, 4], scoredFrames: 4725 - 77 });
    expect(evaluation.pieces).toHaveLength(77);
    const table = (await run("evaluate.ts", "--pieces")).stdout;
    expect(table).toContain(evaluation.micro.toFixed(4));
    expect(table).toContain("test piece 76");
  });
});
