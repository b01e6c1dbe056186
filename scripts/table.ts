/**
 * Measures the models of models/, or of the folder SURPRISAL_MODELS, on the training and test pieces of their sets, prints the
 * table of results beside the paper's, and writes into that folder README.md (the cards of the models), results.json (the
 * numbers), the learning curves and their pictures. README.md of the working folder gets the table between its marks.
 *
 *   npm run table               measures and writes
 *   npm run table -- --check    needs no data: exits with 1 unless what is written agrees with the models and results.json
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Cell } from "../src/checkpoint.ts";
import { SurprisalError } from "../src/errors.ts";
import type { Model } from "../src/model.ts";
import { writeFileAtomically } from "../src/store/files.ts";
import { MUSIC_SETS } from "../src/training/datasets.ts";
import { modelCards, type Report, resultTable, TABLE_NOTES } from "./cards.ts";
import { type Curve, keepCurve, keptCurve } from "./curves.ts";
import { FOLDER, openModels, runCommand, setOf } from "./models.ts";
import { TITLES } from "./paper.ts";
import { learningCurves } from "./pictures.ts";
import { inOrder, isPaperCell, measure, type Results } from "./results.ts";

const RUNS = "runs"; // where the trainer keeps its logs
const RESULTS = join(FOLDER, "results.json");
const README = "README.md";
const [START, END] = ["<!-- table -->", "<!-- /table -->"];
const COLORS: Readonly<Record<Cell, string>> = { tanh: "#D55E00", lstm: "#0072B2", gru: "#009E73" };

const { check } = parseArgs({ options: { check: { type: "boolean", default: false } } }).values;

await runCommand(async () => {
  const opened = await openModels();
  const models = MUSIC_SETS.flatMap((set) => inOrder(opened, set));
  const report = {
    models,
    results: check ? await readResults(models) : await measure(models, setOf),
    curves: await readCurves(models),
  };
  const files = await render(report);
  if (check) return compare(files);
  for (const [path, text] of files) await writeFileAtomically(path, text);
  console.log(`${resultTable(report)}\n\n${TABLE_NOTES}`);
});

/** The numbers of an earlier measurement, if it was of these models. */
async function readResults(models: readonly Model[]): Promise<Results> {
  const text = await readIfThere(RESULTS);
  const results: Results = text === undefined ? { models: [], pairs: [] } : JSON.parse(text);
  const versions = new Map(results.models.map(({ model, version }) => [model, version]));
  const stale = models.filter(({ id, version }) => versions.get(id) !== version).map(({ id }) => id);
  if (stale.length > 0) {
    throw new SurprisalError(
      "missing-data",
      `${RESULTS} has no numbers of ${stale.join(", ")} as it is now; run \`npm run table\` and commit what it writes.`,
    );
  }
  return results;
}

async function readCurves(models: readonly Model[]): Promise<ReadonlyMap<string, Curve>> {
  const curves = new Map<string, Curve>();
  for (const network of models.flatMap(({ networks }) => (networks.length === 1 ? networks : []))) {
    if (!check) await keepCurve(network, FOLDER, RUNS);
    const curve = await keptCurve(network, FOLDER);
    if (curve) curves.set(network.id, curve);
  }
  return curves;
}

/** Every file that is made of a report, by its path. */
async function render(report: Report): Promise<ReadonlyMap<string, string>> {
  const files = new Map([
    [RESULTS, `${JSON.stringify(report.results, null, 2)}\n`],
    [join(FOLDER, "README.md"), modelCards(report)],
  ]);
  for (const set of MUSIC_SETS) {
    const lines = inOrder(report.models, set)
      .filter(isPaperCell)
      .flatMap(({ id, networks: [{ checkpoint }] }) => {
        const { cell } = checkpoint.config;
        const curve = report.curves.get(id);
        return curve ? [{ name: cell, color: COLORS[cell], curve }] : [];
      });
    if (lines.length > 0) files.set(join(FOLDER, `${set}.svg`), learningCurves(TITLES[set], lines));
  }
  const [before, ...rest] = ((await readIfThere(README)) ?? "").split(START);
  const after = rest.join(START).split(END);
  if (after.length > 1) {
    const table = `${START}\n${resultTable(report)}\n\n${TABLE_NOTES}\n${END}`;
    files.set(README, `${before}${table}${after.slice(1).join(END)}`);
  }
  return files;
}

async function compare(files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    if ((await readIfThere(path)) === text) continue;
    console.error(
      `${path} is not what the models and ${RESULTS} say; run \`npm run table\` and commit what it writes.`,
    );
    process.exitCode = 1;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
