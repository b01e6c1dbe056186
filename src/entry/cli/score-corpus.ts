/** `surprisal score --out`: a corpus -> a table of its scores, by a thread on each core. A run goes on where an earlier one ended. */
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { expected, SurprisalError } from "../../errors.ts";
import { admission } from "../../http/admission.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { selectModels } from "../../model/select.ts";
import { ScoreOptions } from "../../schema/options.ts";
import type { ScoreResponse } from "../../schema/score.ts";
import type { Problem } from "../../schema/service.ts";
import { reporter } from "../../store/report.ts";
import { ordered } from "../../util/ordered.ts";
import { kernelModule } from "../node/kernel.ts";
import { openModels, version } from "../node/local.ts";
import { type Pool, startPool } from "../node/pool.ts";
import { UsageError, type Values } from "./arguments.ts";
import { type CorpusFile, corpusOf } from "./corpus.ts";
import { LIMITS, listedNames, problemOf } from "./files.ts";
import { optionsOf, queryOf } from "./models.ts";
import { checkUnfinished, rowFileOf, writeParquet } from "./parquet.ts";
import { Progress } from "./progress.ts";
import { formatOf, type Group, groupsOf, openRows, rowsIn } from "./row-file.ts";
import { NOTE_COLUMNS, noteRows, type Row, SCORE_COLUMNS, scoreRows } from "./rows.ts";

/** Every limit of a server that is there because strangers send it work is lifted. */
const CORPUS_LIMITS = {
  ...DEFAULT_LIMITS,
  ...Object.fromEntries(
    (["bodyBytes", "bodiesBytes", "waiting", "waitSeconds", "work", "numbers"] as const).map((name) => [
      name,
      Number.POSITIVE_INFINITY,
    ]),
  ),
  frames: LIMITS.frames,
  seconds: LIMITS.seconds,
};
/** Files that are read ahead for each thread. */
const AHEAD = 2;

interface Run {
  readonly query: string; // options as the API takes them
  readonly run: string;
}

/** Writes a row for every file and model, or note and model, and returns 1 when there is a file that could not be scored. */
export async function scoreCorpus(
  setting: string,
  out: string,
  { threads, ...values }: Values,
  names: readonly string[],
): Promise<number> {
  const { detail, ...options } = optionsOf(ScoreOptions, values);
  const isNotes = detail === "notes";
  if (detail !== undefined && !isNotes) throw new UsageError(expected("--detail notes with --out", detail));
  const columns = isNotes ? NOTE_COLUMNS : SCORE_COLUMNS;
  const rowFile = rowFileOf(out);
  const format = formatOf(rowFile, Object.keys(columns));
  await checkUnfinished(out, rowFile);
  const size = threadsOf(threads);
  const files = (await corpusOf(await listedNames(names))).filter(
    ({ path }) => ![resolve(out), resolve(rowFile)].includes(resolve(path.toString())),
  );
  const kernel = await kernelModule();
  const follower = await openModels(setting, kernel);
  const models = await follower.models();
  reporter(follower, setting)();
  const release = follower.release();
  if (!release || models.length === 0)
    throw new SurprisalError("no-models", expected("at least one model", `none in ${setting}`));
  const chosen = selectModels(models, options.models);
  // What a network expected in each frame is not known of weights that change.
  const query = queryOf({ ...values, ...(isNotes && !options.adaptive && { expected: true }) });
  const identity = JSON.stringify([
    version,
    Object.keys(columns),
    query,
    chosen.map(({ id, version: own }) => [id, own]),
  ]);
  const run = { query, run: `${version}-${sha256Of(Buffer.from(identity)).slice(0, 16)}` };

  const earlier = await groupsOf(rowFile, format);
  checkSame(rowFile, earlier, run);
  const kept = await upToDate(earlier, files);
  const rows = await openRows(rowFile, format, kept);
  const isKept = new Set(kept.map(({ file }) => file));
  const left = files.filter(({ name }) => !isKept.has(name));
  const listed = new Set(files.map(({ name }) => name));
  let failed = kept.filter(({ file, error }) => error !== "" && listed.has(file)).length;
  const pool = await startPool({ release: release.files(), kernel, limits: CORPUS_LIMITS, version }, { size });
  const progress = new Progress(left.length, process.stderr, PROGRESS_MS);
  let done = 0;
  const rowsOf = isNotes ? noteRows : scoreRows;
  try {
    const answers = ordered(
      sourceOf(left),
      (file) => answerTo(file, pool, run.query),
      () => AHEAD * size,
    );
    for await (const { name, sha256, answer } of answers) {
      const isProblem = "code" in answer;
      if (isProblem) {
        failed += 1;
        progress.end();
        console.error(`${name}: ${answer.detail}`);
      }
      const own: Row[] = isProblem ? [{ error: answer.code, detail: answer.detail }] : rowsOf(answer);
      // A thread that was lost says nothing of the file for good: the next run tries it again.
      if (!isProblem || answer.code !== "interrupted") {
        await rows.append(own.map((row) => ({ ...row, file: name, sha256, options: run.query, run: run.run })));
      }
      done += 1;
      progress.show(done, "files");
    }
  } finally {
    progress.end();
    await Promise.all([rows.close(), pool.close(0)]);
  }
  if (rowFile !== out) {
    await writeParquet(out, columns, rowsIn(rowFile, format));
    if (failed === 0) await rm(rowFile); // else a later run goes on from it
  }
  const passed = files.length - left.length;
  console.error(
    `${out}: ${files.length} files, ${failed} of them could not be scored${passed > 0 ? `; ${passed} had their rows already` : ""}.`,
  );
  return failed > 0 ? 1 : 0;
}

function threadsOf(threads: Values[string]): number {
  const size = threads === undefined ? availableParallelism() : Number(threads);
  if (Number.isInteger(size) && size >= 1 && size <= MAX_THREADS) return size;
  throw new UsageError(expected(`an integer from 1 to ${MAX_THREADS} in --threads`, String(threads)));
}
const MAX_THREADS = 256;

/** Between two looks at the progress, on a terminal and elsewhere. */
const PROGRESS_MS = [100, 10_000] as const;

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** @throws UsageError when rows are of other options or models: one table would then hold numbers that cannot be compared. */
function checkSame(out: string, groups: readonly Group[], { query, run }: Run): void {
  const other = groups.find((group) => group.run !== run);
  if (!other) return;
  const difference =
    other.options !== query
      ? expected(`the options of the rows in ${out}, ${other.options || "none"}`, query || "none")
      : expected(`the models and the version of surprisal of the rows in ${out}, ${other.run}`, run);
  throw new UsageError(`${difference} Name another file in --out, or remove this one.`);
}

/** The groups but those of files that have changed since. */
async function upToDate(groups: readonly Group[], files: readonly CorpusFile[]): Promise<Group[]> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const kept: Group[] = [];
  for (const group of groups) {
    const file = byName.get(group.file);
    const bytes = file && (await readFile(file.path).catch(() => undefined));
    const sha256 = bytes ? sha256Of(bytes) : "";
    if (!file || sha256 === group.sha256) kept.push(group);
  }
  return kept;
}

async function* sourceOf(files: readonly CorpusFile[]) {
  yield* files;
}

interface Answered {
  readonly name: string;
  readonly sha256: string; // empty where it could not be read
  readonly answer: ScoreResponse | Pick<Problem, "code" | "detail">;
}

async function answerTo({ path, name }: CorpusFile, pool: Pool, query: string): Promise<Answered> {
  let sha256 = "";
  try {
    const bytes = await readFile(path);
    sha256 = sha256Of(bytes);
    const request = new Request(`http://localhost/score?${query}`, { method: "POST", body: bytes });
    const response = await pool.answer(request, { id: "corpus", share: share(), facts: {} });
    return { name, sha256, answer: await response.json() };
  } catch (error) {
    return { name, sha256, answer: problemOf(error) };
  }
}

const share = admission(Number.POSITIVE_INFINITY);
