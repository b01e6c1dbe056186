/**
 * The models of models/, or of the folder SURPRISAL_MODELS, measured -> the pages with their numbers: in that folder README.md
 * (the model cards), results.json, the catalogue's record of the test pieces, the learning curves and their pictures; in the working folder, between their marks, the
 * summary in README.md and the result tables in docs/models.md. HELP has the options.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Cell } from "../src/kernel/config.ts";
import { type Model, networksOf } from "../src/model/model.ts";
import { writeFileAtomically } from "../src/store/atomic.ts";
import { catalogueOrEmpty, type MeasuredModel, recordMeasured, withMeasured } from "../src/store/files.ts";
import { CATALOGUE_KEY, writeCatalogue } from "../src/store/store.ts";
import { modelCards } from "./cards.ts";
import { type Curve, keepCurve, keptCurve } from "./curves.ts";
import { checkComplete, measureWhatCanBe, NO_RESULTS, stillValid } from "./measured.ts";
import { FOLDER, openModels, runCommand } from "./models.ts";
import { SETS, TITLES } from "./paper.ts";
import { learningCurves } from "./pictures.ts";
import { inOrder, isPaperCell, type Results } from "./results.ts";
import { type Report, resultTables, summaryTable } from "./tables.ts";

const HELP = `Measures the models of models/, or of the folder SURPRISAL_MODELS, on the training and test pieces of their sets;
prints the result tables, and writes them, the model cards and the learning curves.

Usage: npm run table -- [options]

Options:
  --other FOLDER  measures the models of speech on the WAV files of another voice too; else those numbers stay
  --check         measures nothing and needs no data: exits with 1 unless the pages agree with the models and results.json
  --help          shows this

Where the data of a set are missing, its models keep the numbers of an earlier measurement of the same files, and standard
error says so. Exit code 1: a model has no numbers. \`npm run data\` brings the data.

Example: npm run table -- --other /usr/share/asterisk/sounds/fr_CA_f_June`;

const RUNS = "runs"; // where the trainer keeps its logs
const RESULTS = join(FOLDER, "results.json");
const CATALOGUE = join(FOLDER, CATALOGUE_KEY);
const [START, END] = ["<!-- table -->", "<!-- /table -->"];
/** Pages of the working folder that have a table between the marks. */
const PAGES: Readonly<Record<string, (report: Report) => string>> = {
  "README.md": summaryTable,
  "docs/models.md": resultTables,
};
const COLORS: Readonly<Record<Cell, string>> = { tanh: "#D55E00", lstm: "#0072B2", gru: "#009E73" };

await runCommand(async () => {
  const { check, other, help } = parseArgs({
    options: {
      check: { type: "boolean", default: false },
      other: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
  if (help) return console.log(HELP);
  const opened = await openModels();
  const models = SETS.flatMap((set) => inOrder(opened, set));
  const kept = stillValid(models, await readResults());
  if (check) checkComplete(models, kept, RESULTS);
  const results = check ? kept : await measureWhatCanBe(models, kept, other);
  const report = { models, results, curves: await readCurves(models, { keep: !check }) };
  const files = await render(report);
  if (check) return compare(files);
  for (const [path, text] of files) if (path !== CATALOGUE) await writeFileAtomically(path, text);
  await recordMeasured(FOLDER, testsOf(report)); // a training may be adding to it
  console.log(resultTables(report));
});

async function readResults(): Promise<Results> {
  const text = await readIfThere(RESULTS);
  return { ...NO_RESULTS, ...(text !== undefined && JSON.parse(text)) };
}

/** @param keep whether the curves of runs that are at hand are put beside their models first */
async function readCurves(models: readonly Model[], { keep }: { keep: boolean }): Promise<ReadonlyMap<string, Curve>> {
  const curves = new Map<string, Curve>();
  for (const network of models.map(networksOf).flatMap((networks) => (networks.length === 1 ? networks : []))) {
    if (keep) await keepCurve(network, FOLDER, RUNS);
    const curve = await keptCurve(network, FOLDER);
    if (curve) curves.set(network.id, curve);
  }
  return curves;
}

/** Every file that is made of a report, by its path. Pages without marks are left alone. */
async function render(report: Report): Promise<ReadonlyMap<string, string>> {
  const files = new Map([
    [RESULTS, `${JSON.stringify(report.results, null, 2)}\n`],
    [join(FOLDER, "README.md"), modelCards(report)],
    [CATALOGUE, writeCatalogue(withMeasured(await catalogueOrEmpty(FOLDER), testsOf(report)))],
  ]);
  for (const set of SETS) {
    const lines = inOrder(report.models, set)
      .filter(isPaperCell)
      .flatMap((model) => {
        const [{ checkpoint }] = networksOf(model);
        const { cell } = checkpoint.config;
        const curve = report.curves.get(model.id);
        return curve ? [{ name: cell, color: COLORS[cell], curve }] : [];
      });
    if (lines.length > 0)
      files.set(
        join(FOLDER, `${set}.svg`),
        learningCurves(TITLES[set], lines, set.startsWith("speech") ? "step" : "frame"),
      );
  }
  for (const [path, table] of Object.entries(PAGES)) {
    const page = await readIfThere(path);
    const [before, , after] = page?.split(/<!-- \/?table -->/) ?? [];
    if (after !== undefined) files.set(path, `${before}${START}\n${table(report)}\n${END}${after}`);
  }
  return files;
}

/** What the catalogue keeps of the test pieces of music: where a score lies among them is told by it. */
function testsOf({ results }: Report): MeasuredModel[] {
  return results.models.flatMap(({ model: id, version, test: { micro, macro }, deciles, adaptive }) =>
    deciles
      ? [
          {
            id,
            version,
            test: { micro: micro.value, macro: macro.value, deciles },
            ...(adaptive && {
              adaptiveTest: {
                micro: adaptive.micro.value,
                macro: adaptive.macro.value,
                deciles: adaptive.deciles,
              },
            }),
          },
        ]
      : [],
  );
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
