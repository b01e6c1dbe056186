/**
 * Searches the learning rate of one model on its validation pieces, and ships the best try if it betters the model at hand.
 *
 *   npm run search -- nottingham/gru --tries 10 --workers 2
 *   npm run search -- nottingham/gru --tries 40 --workers 8 --shard 0/5 --folder /shared/search
 *
 * A shard is one in so many of the tries, and each worker thread takes a share of its shard. Logs and checkpoints lie in
 * <folder>/<set>/<model>-<settings>; killed, the same command goes on. The process that finds all tries over puts the best
 * checkpoint and the log of all tries into models/, and the settings into src/training/chosen.json, so that `npm run train`
 * makes it again; with --out FOLDER it puts the first two there, and the shipped model keeps its settings.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { checkWritable, sayHowToGoOn } from "../src/entry/cli/long-work.ts";
import { Progress as Bar } from "../src/entry/cli/progress.ts";
import { settingOptions } from "../src/entry/cli/training-settings.ts";
import { expected, SurprisalError } from "../src/errors.ts";
import { readCheckpoint } from "../src/model/checkpoint.ts";
import { locked, writeFileAtomically } from "../src/store/atomic.ts";
import { addToFolder, catalogueOrEmpty } from "../src/store/files.ts";
import type { Protocol } from "../src/training/protocol.ts";
import { drawn, isOver, type Progress, readProgress, type Shard, search } from "../src/training/search.ts";
import { parseTarget, presetOf, SETTINGS, type Target, withSettings } from "../src/training/targets.ts";
import { runCommand, runScript } from "./command.ts";
import { trainingSetOf } from "./teachers.ts";

const SHIPPED = "models"; // the folder whose settings are in chosen.json

const RUNS = "runs"; // snapshots and logs

// The learning rate is what is searched.
const OPTIONS = SETTINGS.filter((name) => name !== "learningRate");

/** What a worker thread does. */
interface Task {
  readonly target: Target;
  readonly protocol: Protocol;
  readonly tries: number;
  readonly shard: Shard;
  readonly folder: string;
}

interface Arguments {
  readonly tries: string;
  readonly workers: string;
  readonly shard: string;
  readonly folder: string;
  readonly out: string;
  readonly settings: Readonly<Record<string, string>>;
}

async function main(
  id: string,
  { tries: triesText, workers: workersText, shard: shardText, folder: root, out, settings }: Arguments,
): Promise<void> {
  const target = parseTarget(id);
  const tries = count("tries", triesText);
  const workers = count("workers", workersText);
  const shard = parseShard(shardText);
  const protocol = withSettings(presetOf(target), settings);
  const hash = createHash("sha256").update(JSON.stringify(protocol)).digest("hex");
  const folder = `${root}/${target.id}-${hash.slice(0, 8)}`; // another search is another folder
  for (const place of [out, folder, RUNS]) await checkWritable(place);
  await trainingSetOf(target, protocol, RUNS); // missing data are said once, here, and teachers read the pieces once
  sayHowToGoOn("npm run search --");
  const ownTries = Math.ceil((tries - shard.index) / shard.count);
  const before = (await readProgress(folder)).filter(
    (line) => isOver(line) && line.try < tries && line.try % shard.count === shard.index,
  );
  const over = new Set(before.map((line) => line.try));
  const bar = new Bar(ownTries);
  const onProgress = (line: Progress) => {
    if (isOver(line)) over.add(line.try);
    bar.end();
    console.log(describe(line));
    if (process.stderr.isTTY) bar.show(over.size, "tries over");
  };

  const threads = Array.from({ length: workers }, (_, w) => {
    const share = { index: shard.index + w * shard.count, count: shard.count * workers };
    return finished(
      new Worker(new URL(import.meta.url), {
        workerData: { target, protocol, tries, shard: share, folder } satisfies Task,
      }),
      onProgress,
    );
  });
  const ended = await Promise.all(threads);
  bar.end();
  if (ended.includes(false)) process.exitCode = 1;
  else await conclude(target, protocol, { tries, folder, out });
}

/** Whether a worker came to the end of its share; if not, it has said why, and the others go on with theirs. */
function finished(worker: Worker, onProgress: (line: Progress) => void): Promise<boolean> {
  worker.on("message", onProgress);
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => resolve(code === 0));
  });
}

async function work({ target, protocol, tries, shard, folder }: Task): Promise<void> {
  const set = await trainingSetOf(target, protocol, RUNS);
  const kernel = await readFile(new URL("../dist/kernel-relaxed.wasm", import.meta.url));
  const onProgress = (line: Progress) => parentPort?.postMessage(line);
  await search({ kernel, set, cell: target.cell, protocol, folder: RUNS }, { tries, shard, folder, onProgress });
}

/** Ships the best try when all are over, unless the folder has a better model. For one search of a model at a time. */
async function conclude(
  { id }: Target,
  protocol: Protocol,
  { tries, folder, out }: { tries: number; folder: string; out: string },
): Promise<void> {
  const log = (await readProgress(folder)).filter((line) => line.try < tries);
  const over = log.filter(isOver);
  const tried = new Set(over.map((line) => line.try)).size;
  if (tried < tries) {
    console.log(`${tried} of ${tries} tries are over; the shard that ends last ships the best.`);
    return;
  }
  const [best] = over.filter(({ state }) => state === "finished").sort((p, q) => p.valid - q.valid);
  if (!best) throw new SurprisalError("nothing-to-score", `None of the ${tries} tries came to its end.`);
  const present = (await catalogueOrEmpty(out)).models.find((entry) => entry.id === id)?.metrics.valid?.micro;
  if (present !== undefined && present <= best.valid) {
    console.log(
      `${describe(best)}: best of ${tries}; ${out} already has a model at ${present.toFixed(4)}, which stays.`,
    );
    return;
  }
  const { key } = await addToFolder(out, readCheckpoint(await readFile(`${folder}/${best.try}.safetensors`)));
  const lines = log.toSorted((p, q) => p.try - q.try || p.epoch - q.epoch).map((line) => `${JSON.stringify(line)}\n`);
  await writeFileAtomically(`${out}/${id}.search.jsonl`, lines.join(""));
  if (out === SHIPPED) await remember(id, drawn(protocol, best.try));
  console.log(`${describe(best)}: best of ${tries}, now ${out}/${key}`);
}

/** Writes into chosen.json in what a model differs from its preset. */
async function remember(id: string, settings: Protocol): Promise<void> {
  const file = fileURLToPath(new URL("../src/training/chosen.json", import.meta.url));
  const preset = presetOf(parseTarget(id));
  const differing = Object.entries(settings).filter(([name, value]) => preset[name as keyof Protocol] !== value);
  await locked(file, async () => {
    const chosen = JSON.parse(await readFile(file, "utf8"));
    const all = { ...chosen, [id]: Object.fromEntries(differing) };
    const lines = Object.keys(all)
      .sort()
      .map((key) => `  ${JSON.stringify(key)}: ${inline(all[key])}`);
    await writeFileAtomically(file, `{\n${lines.join(",\n")}\n}\n`);
  });
}

const inline = (settings: object): string =>
  `{ ${Object.entries(settings)
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(", ")} }`;

const describe = (line: Progress): string =>
  `try ${line.try}  learning rate ${line.learningRate}  seed ${line.seed}  epoch ${line.epoch}  valid ${line.valid.toFixed(4)}  ${line.seconds} s  ${line.state}`;

function count(name: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new SurprisalError("malformed-request", expected(`a whole number above 0 for --${name}`, text));
  }
  return Number(text);
}

function parseShard(text: string): Shard {
  const [, index, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index === undefined || of === undefined || index >= of) {
    throw new SurprisalError("malformed-request", expected("i/n with i from 0 to n - 1 for --shard", text));
  }
  return { index, count: of };
}

if (isMainThread) {
  await runScript({
    usage: "npm run search -- MODEL",
    about: `Searches the learning rate of one model, such as nottingham/gru, on its validation pieces, and ships the best try if it betters
the model at hand. Stopped at any moment, the same command goes on. The settings, from --units on, are those of the preset.`,
    options: {
      tries: { type: "string", value: "N", default: "10", about: "learning rates to try, over all shards" },
      workers: { type: "string", value: "N", default: "1", about: "threads" },
      shard: { type: "string", value: "I/N", default: "0/1", about: "the share of this process" },
      folder: {
        type: "string",
        value: "FOLDER",
        default: "runs/search",
        about: "logs and checkpoints, shared by all shards",
      },
      out: { type: "string", value: "FOLDER", default: SHIPPED, about: "where the best checkpoint goes" },
      ...settingOptions(OPTIONS),
    },
    positionals: 1,
    example: "npm run search -- nottingham/gru --tries 40 --workers 8 --shard 0/5 --folder /shared/search",
    run: ({ tries, workers, shard, folder, out, ...settings }, [id = ""]) =>
      main(id, { tries, workers, shard, folder, out, settings: settings as Record<string, string> }),
  });
} else await runCommand(() => work(workerData));
