/** `surprisal train`: a folder of someone's own files -> a model in a folder that servers read, or a cross-validation. */
import { join } from "node:path";
import { expected, SurprisalError } from "../../errors.ts";
import type { Checkpoint } from "../../model/checkpoint.ts";
import { modelId } from "../../model/checkpoint.ts";
import { type Model, networkOf } from "../../model/model.ts";
import { writeFileAtomically } from "../../store/atomic.ts";
import { addToFolder, recordMeasured } from "../../store/files.ts";
import { loadModels } from "../../store/load.ts";
import { openStore } from "../../store/open.ts";
import { engineOf } from "../../training/backends.ts";
import { modelCard } from "../../training/corpus/card.ts";
import { type FoldScore, foldsCsv, runFold } from "../../training/corpus/folds.ts";
import { protocolFor, protocolFrom } from "../../training/corpus/protocol.ts";
import { type Corpus, readCorpus } from "../../training/corpus/read.ts";
import { type CorpusParts, countsOf, splitCorpus, trainingSetOf } from "../../training/corpus/set.ts";
import { foldsOf } from "../../training/corpus/split.ts";
import { Diverged } from "../../training/engine.ts";
import { baselineOf, measuredTest } from "../../training/measure.ts";
import type { Protocol } from "../../training/protocol.ts";
import { DamagedSnapshot, type Run, run } from "../../training/run.ts";
import { withSettings } from "../../training/targets.ts";
import { taughtSet } from "../../training/teacher.ts";
import { macroAverage, microAverage } from "../../util/statistics.ts";
import { table } from "../../util/table.ts";
import { kernelBytes, kernelModule } from "../node/kernel.ts";
import { UsageError, type Values } from "./arguments.ts";
import { checkWritable, commandLine, sayHowToGoOn } from "./long-work.ts";
import { type TrainOptions, trainOptions } from "./train-options.ts";
import { showTraining } from "./training-progress.ts";
import { optionNameOf } from "./training-settings.ts";

/** Files that are listed one by one when they cannot be read. */
const MAX_LISTED = 20;

/** @param setting names the store of the model that training goes on from */
export async function train(setting: string, values: Values, folders: readonly string[]): Promise<number> {
  if (folders.length !== 1) throw new UsageError(expected("one FOLDER", folders.join(" ") || "none"));
  try {
    const options = await trainOptions(setting, values);
    const job = await prepare(folders[0], options);
    await (options.folds === undefined ? trainOne(job) : crossValidate(job, options.folds));
    return 0;
  } catch (error) {
    if (error instanceof Diverged || error instanceof DamagedSnapshot) {
      throw new SurprisalError("malformed-data", error.message, { cause: error });
    }
    if (error instanceof SurprisalError && error.code === "malformed-request") {
      throw new UsageError(error.message.replace(/--\w+/, optionNameOf));
    }
    throw error;
  }
}

/** A corpus that was read, and what all its trainings have in common. */
interface Job {
  readonly corpus: Corpus;
  readonly options: TrainOptions;
  readonly id: string; // of the model
  readonly settings: Omit<Run, "set">;
}

async function prepare(folder: string, options: TrainOptions): Promise<Job> {
  const { name, out, key, from, settings: given } = options;
  const music = from?.kind === "music" ? { highestPitch: from.pitches, framesPerQuarter: from.framesPerQuarter } : {};
  const protocolOf = (kind: Model["kind"]) => {
    const { cell, protocol } = from ? protocolFrom(from) : protocolFor(kind, options);
    return { cell, protocol: withSettings(protocol, given) };
  };
  protocolOf("music"); // says what is wrong with the options before a file is read
  const engine = await engineOf(options.engine);
  const corpus = await readCorpus(folder, {
    ...{ name, key, ...music },
    ...(options.framesPerQuarter !== undefined && { framesPerQuarter: options.framesPerQuarter }),
  });
  if (from && from.kind !== corpus.kind) {
    throw new UsageError(expected(`--from a model of ${corpus.kind}`, `${from.id}, which reads ${from.kind}`));
  }
  const { cell, protocol } = protocolOf(corpus.kind);
  const runs = join(out, "runs");
  await checkWritable(runs);
  showReading(corpus);
  sayHowToGoOn("surprisal");
  const kernel = await kernelBytes();
  return {
    ...{ corpus, options, id: modelId({ set: name, cell, preset: protocol.preset }) },
    settings: { kernel, engine, cell, protocol, from, folder: runs, onEpoch: showTraining(protocol) },
  };
}

function showReading({ name, pieces, unread, notes }: Corpus): void {
  console.log(`${name}: ${pieces.length} files read, ${unread.length} passed over`);
  for (const { file, reason } of unread.slice(0, MAX_LISTED)) console.log(`  ${file}: ${reason}`);
  if (unread.length > MAX_LISTED) console.log(`  and ${unread.length - MAX_LISTED} more`);
  for (const note of notes) console.log(note);
}

/** The set of a split, with the soft targets of teachers where the protocol has any. */
function setOf({ corpus, options: { from, out }, settings: { protocol, folder } }: Job, parts: CorpusParts) {
  const open = async () => (await loadModels(await openStore(out), await kernelModule())).models;
  const moments = from?.kind === "audio" ? from : undefined;
  return taughtSet(trainingSetOf(corpus, parts, moments), protocol, { open, folder });
}

async function trainOne(job: Job): Promise<void> {
  const { corpus, options, id, settings } = job;
  const parts = splitCorpus(corpus, options.splitSeed);
  const counts = countsOf(parts);
  console.log(table(counts.rows));
  console.log(`Pieces that equal another: ${counts.duplicates}.`);
  if (counts.onTwoSides > 0) console.log(`Of them training knows what it is measured on: ${counts.onTwoSides}.`);
  const set = await setOf(job, parts);
  showProtocol(id, settings.protocol);
  await run({ ...settings, set }, async (checkpoint) => {
    const entry = await addToFolder(options.out, checkpoint);
    const model = networkOf(checkpoint, entry.version, await kernelModule());
    if (model.kind === "music") await recordMeasured(options.out, [await measuredTest(model, set.test)]);
    const card = modelCard({
      ...{ id, version: entry.version, checkpoint, counts, notes: corpus.notes, unread: corpus.unread.length },
      ...{ baseline: await baselineOf(set), command: commandLine("surprisal") },
    });
    await writeFileAtomically(join(options.out, `${id}.md`), card);
    showResult(checkpoint);
    console.log(`${join(options.out, entry.key)} sha256 ${entry.version}`);
    console.log(`To serve it: SURPRISAL_MODELS=${options.out} surprisal serve`);
  });
}

const showProtocol = (id: string, protocol: Protocol) =>
  console.log(`${id}, ${protocol.units} units: ${JSON.stringify(protocol)}`);

function showResult({ metadata: { bestEpoch, validMicro, testMicro, testMacro } }: Checkpoint): void {
  const [valid, micro, macro] = [validMicro, testMicro, testMacro].map((nll) => Number(nll).toFixed(4));
  console.log(`best epoch ${bestEpoch}: valid ${valid}, test ${micro} micro, ${macro} macro (nats per step)`);
}

async function crossValidate(job: Job, k: number): Promise<void> {
  const { corpus, options, id, settings } = job;
  const { splitSeed, engine, out, csv = join(out, `${id}-folds.csv`) } = options;
  showProtocol(id, settings.protocol);
  const rows: Record<string, string>[] = [];
  const scores: FoldScore[] = [];
  for (const [i, parts] of foldsOf(corpus.pieces, k, splitSeed).entries()) {
    const fold = i + 1;
    console.log(`fold ${fold} of ${k}`);
    const result = await runFold({ ...settings, set: await setOf(job, parts) }, parts, fold, engine);
    scores.push(...result.scores);
    rows.push({
      fold: String(fold),
      "train / valid / test": countsOf(parts)
        .rows.map(({ pieces }) => pieces)
        .join(" / "),
      "best epoch": result.bestEpoch,
      valid: result.valid.toFixed(4),
      ...averages(result.scores),
    });
  }
  rows.push({ fold: "all", "train / valid / test": "", "best epoch": "", valid: "", ...averages(scores) });
  console.log(table(rows));
  await writeFileAtomically(csv, foldsCsv(scores));
  console.log(`NLL in nats per step; each of the ${scores.length} pieces is in ${csv}.`);
}

/** With the 95% interval of the bootstrap over pieces. */
function averages(scores: readonly FoldScore[]): Record<"micro" | "macro", string> {
  const shown = ({ value, low, high }: ReturnType<typeof microAverage>) =>
    `${value.toFixed(4)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return { micro: shown(microAverage(scores)), macro: shown(macroAverage(scores)) };
}
