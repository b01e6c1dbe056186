/**
 * Measures the models of models/, or of the folder SURPRISAL_MODELS, on the training and test pieces of their sets, prints the
 * table of results beside the paper's, and writes into that folder README.md (the cards of the models), results.json (the
 * numbers), the learning curves and their pictures. README.md of the working folder gets the table between its marks.
 *
 *   npm run table                        measures and writes
 *   npm run table -- --other FOLDER      and the models of speech on another voice, see voices.ts; else those numbers stay
 *   npm run table -- --check             needs no data: exits with 1 unless what is written agrees with the models and results.json
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SurprisalError } from "../src/errors.ts";
import type { Cell } from "../src/kernel/config.ts";
import { type Model, networksOf } from "../src/model/model.ts";
import type { SpeechNetwork } from "../src/model/speech-network.ts";
import { writeFileAtomically } from "../src/store/files.ts";
import { modelCards, type Report, resultTables } from "./cards.ts";
import { type Curve, keepCurve, keptCurve } from "./curves.ts";
import { FOLDER, openModels, runCommand } from "./models.ts";
import { SETS, TITLES } from "./paper.ts";
import { learningCurves } from "./pictures.ts";
import { inOrder, isPaperCell, measure, type Results } from "./results.ts";
import { type Voices, voices } from "./voices.ts";

const RUNS = "runs"; // where the trainer keeps its logs
const RESULTS = join(FOLDER, "results.json");
const README = "README.md";
const [START, END] = ["<!-- table -->", "<!-- /table -->"];
const COLORS: Readonly<Record<Cell, string>> = { tanh: "#D55E00", lstm: "#0072B2", gru: "#009E73" };

const { check, other } = parseArgs({
  options: { check: { type: "boolean", default: false }, other: { type: "string" } },
}).values;

await runCommand(async () => {
  const opened = await openModels();
  const models = SETS.flatMap((set) => inOrder(opened, set));
  const report = {
    models,
    results: check ? await readResults(models) : await measure(models, await measuredVoices(models)),
    curves: await readCurves(models),
  };
  const files = await render(report);
  if (check) return compare(files);
  for (const [path, text] of files) await writeFileAtomically(path, text);
  console.log(resultTables(report));
});

async function keptResults(): Promise<Results> {
  const text = await readIfThere(RESULTS);
  return { models: [], pairs: [], baselines: {}, voices: [], ...(text !== undefined && JSON.parse(text)) };
}

async function measuredVoices(models: readonly Model[]): Promise<readonly Voices[]> {
  const speech = models.filter((model): model is SpeechNetwork => model.kind === "audio");
  if (other !== undefined) return voices(speech, other);
  return (await keptResults()).voices.filter((kept) => speech.some(({ version }) => version === kept.version));
}

/** The numbers of an earlier measurement, if it was of these models. */
async function readResults(models: readonly Model[]): Promise<Results> {
  const results = await keptResults();
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
  for (const network of models.map(networksOf).flatMap((networks) => (networks.length === 1 ? networks : []))) {
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
  const [before, ...rest] = ((await readIfThere(README)) ?? "").split(START);
  const after = rest.join(START).split(END);
  if (after.length > 1) {
    const table = `${START}\n${resultTables(report)}\n${END}`;
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
