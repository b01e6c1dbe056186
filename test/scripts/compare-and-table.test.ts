import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TITLES } from "../../scripts/paper.ts";
import type { Cell } from "../../src/kernel/config.ts";
import { addToFolder } from "../../src/store/files.ts";
import { MUSIC_FOLDER } from "../../src/training/datasets.ts";
import { hasMusicSet } from "../support/data.ts";
import { randomCheckpoint } from "../support/models.ts";

let folder: string; // where the scripts run, so that they find no data but what a test brings
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
});
afterEach(() => rm(folder, { recursive: true }));

function run(script: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { ...process.env };
  delete env.SURPRISAL_MODELS;
  return new Promise((done) => {
    execFile(process.execPath, [resolve("scripts", script), ...args], { cwd: folder, env }, (error, stdout, stderr) => {
      done({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

/** A small JSB model with random weights, with the log of a run that ended with it. */
async function addModel(cell: Cell, { seed = 1, preset = "paper", valid = `8.${cell.length}` } = {}): Promise<void> {
  const { metadata, ...checkpoint } = randomCheckpoint({ set: "jsb", cell, units: 4, seed });
  const measured = { bestEpoch: "2", validMicro: valid, validMacro: "8" };
  await addToFolder(join(folder, "models"), { ...checkpoint, metadata: { ...metadata, ...measured, preset } });
  const epoch = (number: number, valid: number) =>
    JSON.stringify({ epoch: number, train: 9, valid, seconds: number * 10 });
  await mkdir(join(folder, "runs/jsb"), { recursive: true });
  const lines = [epoch(1, 9), epoch(2, Number(measured.validMicro)), epoch(3, 8.9)];
  await writeFile(join(folder, `runs/jsb/${cell}-${preset}.jsonl`), `${lines.join("\n")}\n`);
}

const bringData = async () => {
  await mkdir(join(folder, "data"));
  await symlink(resolve(MUSIC_FOLDER), join(folder, MUSIC_FOLDER));
};
const read = (path: string) => readFile(join(folder, path), "utf8");

test.each(["compare.ts", "table.ts"])(
  "%s without models, without data or of an unknown set says what is missing",
  async (script) => {
    expect(await run(script)).toMatchObject({ code: 1, stderr: "models: catalogue.json is not there.\n" });
    await addModel("gru");
    await addModel("lstm");
    const missing = "data/music/JSB_Chorales.mat is not there; `npm run data` brings it.\n";
    expect(await run(script)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(missing) });
    expect(await readdir(join(folder, "models"))).toEqual(["catalogue.json", "jsb"]);
  },
);

test("table --help says how it is called", async () => {
  const { code, stdout, stderr } = await run("table.ts", "--help");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^Measures the models [\s\S]*--other[\s\S]*--check/);
});

test("compare: one model is nothing to compare", async () => {
  await addModel("gru");
  const unknown = await run("compare.ts", "foo");
  expect(unknown).toMatchObject({ code: 2, stderr: 'Expected one of the models jsb/gru, got "foo/*".\n' });
});

describe.skipIf(!hasMusicSet("jsb"))("with the data", () => {
  test("compare has for each pair the difference of what evaluate finds, and a verdict by its interval", async () => {
    await bringData();
    await addModel("gru", { seed: 1 });
    await addModel("tanh", { seed: 2 });
    const evaluated: { model: string; micro: number; macro: number }[] = JSON.parse(
      (await run("evaluate.ts", "--json")).stdout,
    );
    const compared = JSON.parse((await run("compare.ts", "jsb", "--json")).stdout);
    expect(compared.map(({ models }: { models: string[] }) => models.join())).toEqual([
      "jsb/gru,jsb/tanh",
      "jsb/gru,jsb/mixture",
      "jsb/tanh,jsb/mixture",
    ]);
    for (const { models, micro, macro } of compared) {
      const [first, second] = models.map((id: string) => evaluated.find(({ model }) => model === id));
      expect(micro.value).toBeCloseTo(first.micro - second.micro, 10);
      expect(macro.value).toBeCloseTo(first.macro - second.macro, 10);
      for (const { low, high, better } of [micro, macro]) {
        expect(better).toBe(high < 0 ? first.model : low > 0 ? second.model : null);
      }
    }
    // Random weights differ by far more than pieces do.
    expect(compared[0].micro.better).not.toBeNull();
    const { stdout } = await run("compare.ts", "jsb/gru", "jsb/tanh");
    expect(stdout).toMatch(new RegExp(`${compared[0].micro.better} better`));
    expect(await run("compare.ts", "jsb/gru")).toMatchObject({
      code: 2,
      stderr: "1/1  jsb/gru\nExpected at least two models of one set, got jsb/gru.\n",
    });
  });

  test("table measures what evaluate measures, names what is missing, and writes the same bytes again", async () => {
    await bringData();
    await addModel("gru");
    await addModel("gru", { seed: 2, preset: "distilled", valid: "8.2" }); // the better one
    await addModel("lstm", { preset: "large" });
    await addModel("lstm", { seed: 3, preset: "distilled" });
    const marked = "before\n<!-- table -->\nold\n<!-- /table -->\nafter\n";
    await mkdir(join(folder, "docs"));
    for (const page of ["README.md", "docs/models.md"]) await writeFile(join(folder, page), marked);
    const { code, stdout, stderr } = await run("table.ts");
    expect([code, stderr]).toEqual([0, ""]);
    const [gru, distilled, lstmDistilled, lstm] = JSON.parse((await run("evaluate.ts", "--adaptive", "--json")).stdout);
    const rows = stdout.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    const row = (id: string) => rows.find(([, model]) => model === id) ?? [];
    // 3 gates of 4 units with 96 inputs, 4 states and a bias.
    expect(row("jsb/gru").slice(2, 4)).toEqual(["4", "1,212"]);
    expect(row("jsb/gru")[5]).toMatch(new RegExp(`^${gru.micro.toFixed(2)} \\[`));
    expect(row("jsb/gru")[6]).toMatch(new RegExp(`^${gru.macro.toFixed(2)} \\[`));
    expect(row("jsb/gru").slice(7, -1)).toEqual([
      `${gru.adaptive.micro.toFixed(2)} / ${gru.adaptive.macro.toFixed(2)}`,
      "6.94 / 8.54",
      `+${(gru.micro - 8.54).toFixed(2)} / +${(gru.macro - 8.54).toFixed(2)}`,
      "3, 2",
      "30",
    ]);
    expect(row("jsb/lstm-large")[5]).toMatch(new RegExp(`^${lstm.micro.toFixed(2)} \\[`));
    expect(row("jsb/lstm").slice(5, 7)).toEqual(["missing", "missing"]);
    expect(rows.filter((cells) => cells.includes("missing"))).toHaveLength(11);
    type Measured = typeof gru;
    const averages = ({ micro, macro }: Measured) => `${micro.toFixed(2)} / ${macro.toFixed(2)}`;
    const trainings = (id: string) => rows.findLast(([, model]) => model === id)?.slice(2, -1);
    const best = (model: Measured) => [averages(model), averages(model.adaptive), "distilled"];
    expect(trainings("jsb/gru")).toEqual(["8.54", averages(gru), ...best(distilled)]);
    expect(trainings("jsb/lstm")).toEqual(["8.67", "–", ...best(lstmDistilled)]);
    expect(trainings("jsb/tanh")).toEqual(["9.10", "–", "–", "–", "–"]);

    const written = ["README.md", "jsb.svg", "results.json", "jsb/gru.jsonl"].map((name) => `models/${name}`);
    const texts = await Promise.all(written.map(read));
    expect(texts[0]).toContain("![Learning curves on JSB Chorales](jsb.svg)");
    const page = await read("docs/models.md");
    expect(page).toBe(`before\n<!-- table -->\n${stdout.trimEnd()}\n<!-- /table -->\nafter\n`);
    const readme = await read("README.md");
    expect(readme).toMatch(/^before\n<!-- table -->\n\|[\s\S]*\n<!-- \/table -->\nafter\n$/);
    const sets = readme
      .split("\n")
      .flatMap((line) => (line.startsWith("| ") ? [line.split("|").map((x) => x.trim())] : []));
    expect(sets.slice(2).map(([, title]) => title)).toEqual(Object.values(TITLES));
    // The paper's numbers for a set stand behind ours.
    const shown = ["missing (9.10)", "missing (8.67)", `${gru.micro.toFixed(2)} (8.54)`];
    expect(sets.find(([, title]) => title === "JSB Chorales")?.slice(2, 5)).toEqual(shown);
    await run("table.ts");
    expect(await Promise.all([...written, "README.md", "docs/models.md"].map(read))).toEqual([...texts, readme, page]);
  });

  test("table --check needs no data, and finds a page or a model that has changed", async () => {
    await bringData();
    await addModel("gru");
    await run("table.ts");
    await rm(join(folder, "data"), { recursive: true });
    await rm(join(folder, "runs"), { recursive: true });
    expect(await run("table.ts", "--check")).toEqual({ code: 0, stdout: "", stderr: "" });
    await writeFile(join(folder, "models/README.md"), (await read("models/README.md")).replace("95%", "96%"));
    const page = await run("table.ts", "--check");
    expect([page.code, page.stderr]).toEqual([1, expect.stringMatching(/^models\/README\.md is not what the models/)]);
    await addModel("gru", { seed: 2 });
    const model = await run("table.ts", "--check");
    expect([model.code, model.stderr]).toEqual([
      1,
      expect.stringMatching(/^Expected numbers of jsb\/gru as it is now in .*, got none\. Run/),
    ]);
  });

  test("table measures what has data, names what was left out, and keeps earlier numbers of the same models only", async () => {
    await bringData();
    await addModel("gru");
    await run("table.ts");
    const [measured] = JSON.parse(await read("models/results.json")).models;
    await rm(join(folder, "data"), { recursive: true });
    await addModel("tanh");
    const kept = await run("table.ts");
    expect(kept).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Left out: data\/music\/JSB_Chorales.mat .*\n.*jsb\/tanh/),
    });
    expect(JSON.parse(await read("models/results.json")).models).toEqual([measured]);
    await bringData();
    await run("table.ts");
    await rm(join(folder, "data"), { recursive: true });
    const both = await run("table.ts");
    expect([both.code, both.stderr]).toEqual([
      0,
      expect.stringContaining("keeps the numbers of an earlier measurement"),
    ]);
    const results = JSON.parse(await read("models/results.json"));
    expect(results.models.map(({ model }: { model: string }) => model)).toEqual(["jsb/tanh", "jsb/gru", "jsb/mixture"]);
    expect(results.pairs).toHaveLength(1);
    // Another file is another model: the earlier numbers are not its own.
    await addModel("gru", { seed: 2 });
    await run("table.ts");
    const models = JSON.parse(await read("models/results.json")).models;
    expect(models.map(({ model }: { model: string }) => model)).toEqual(["jsb/tanh"]);
  });
});
