/** The commands of the command line on MIDI files: the same core as the HTTP API, in process. Each returns its exit code. */
import { readFile, writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { z } from "@hono/zod-openapi";
import { SurprisalError } from "../errors.ts";
import { parse } from "../input.ts";
import { MAX_FRAMES, parseMidi, writeMidi } from "../midi.ts";
import type { Model } from "../model.ts";
import { modelInfo } from "../model-info.ts";
import { type Music, midiMusic } from "../music.ts";
import { predictMusic } from "../predict.ts";
import { PredictOptions, type PredictResponse, ScoreOptions, type ScoreResponse, type Warning } from "../schema.ts";
import { scoreMusic } from "../score.ts";
import { selectModels } from "../select.ts";
import { pianoRoll } from "../sequence.ts";
import { localModels } from "./local.ts";
import { table } from "./table.ts";

/** Wrong arguments; the command line shows the sentence and ends with 2. */
export class UsageError extends Error {}

/** Arguments by name, as parseArgs returns them. */
type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Scores every file it can, and returns 1 when there was one that it could not. */
export async function score(
  folder: string,
  { json, compare, ...values }: Values,
  files: readonly string[],
): Promise<number> {
  if (files.length === 0) throw new UsageError("score wants at least one FILE.");
  if (files.filter((file) => file === "-").length > 1) {
    throw new UsageError("Found - twice or more; wanted it once, since standard input can be read once.");
  }
  const options = optionsOf(ScoreOptions, { ...values, ...(compare && { detail: "comparison" }) });
  const models = selectModels(await openModels(folder), options.models);
  const rows: Record<string, string>[] = [];
  let exitCode = 0;
  for (const file of files) {
    try {
      const response = await scoreMusic(await readMusic(file, options.channels), models, options);
      if (json) console.log(JSON.stringify({ file, ...response }));
      warn(file, response.input.warnings);
      for (const each of response.scores) {
        warn(file, each.warnings);
        rows.push({
          file,
          model: each.model,
          frames: String(each.scoredFrames),
          "nats/frame": each.nll.toFixed(3),
          "nats/quarter": each.nllPerQuarter.toFixed(3),
          shift: String(each.transposedBy),
          best: each.model === response.best ? "*" : "",
          ...(compare && { "behind the best": behindBest(each.model, response) }),
        });
      }
    } catch (error) {
      console.error(`${file}: ${fileFault(error)}`);
      exitCode = 1;
    }
  }
  if (!json && rows.length > 0) console.log(table(rows));
  return exitCode;
}

/** By how much a model falls behind the best, in nats per frame with the 95% interval, or why that cannot be said. */
function behindBest(model: string, { best, comparisons = [], notCompared = [] }: ScoreResponse): string {
  if (model === best) return "";
  const comparison = comparisons.find((each) => each.model === model);
  if (!comparison) return notCompared.find((each) => each.model === model)?.reason ?? "";
  const { difference, interval, better } = comparison;
  const numbers = `${difference.toFixed(3)} [${interval.low.toFixed(3)}, ${interval.high.toFixed(3)}]`;
  return `${numbers}, ${better === null ? "cannot tell" : `${better} better`}`;
}

/** Predicts what follows a file; with `out` the continuation goes there as a MIDI file. */
export async function predict(
  folder: string,
  { json, out, ...values }: Values,
  files: readonly string[],
): Promise<number> {
  const [file] = files;
  if (files.length !== 1) throw new UsageError(`predict wants one FILE; found ${files.length}.`);
  const options = optionsOf(PredictOptions, values);
  const models = await openModels(folder);
  const { length } = selectModels(models, options.models);
  if (typeof out === "string" && (length !== 1 || options.steps === undefined)) {
    throw new UsageError(`--out wants --steps and one model (--models); found ${length} models.`);
  }
  let response: PredictResponse;
  try {
    response = await predictMusic(await readMusic(file, options.channels), models, options);
  } catch (error) {
    console.error(`${file}: ${fileFault(error)}`);
    return 1;
  }
  for (const { warnings } of [response.input, ...response.predictions]) warn(file, warnings);
  const [{ continuation, framesPerQuarter }] = response.predictions;
  if (typeof out === "string" && continuation) {
    try {
      await writeFile(out, writeMidi(pianoRoll(continuation), { framesPerQuarter }));
    } catch (error) {
      console.error(`${out}: ${fileFault(error)}`);
      return 1;
    }
  }
  console.log(json ? JSON.stringify({ file, ...response }) : predictionTables(response));
  return 0;
}

function predictionTables({ predictions }: PredictResponse): string {
  const next = predictions.flatMap(({ model, likely }) =>
    likely.map(({ pitch, probability }) => ({
      model,
      pitch: String(pitch),
      note: noteName(pitch),
      probability: probability.toFixed(4),
    })),
  );
  const sampled = predictions.flatMap(({ model, continuation = [] }) =>
    continuation.map((pitches, t) => ({ model, step: String(t + 1), notes: pitches.map(noteName).join(" ") || "-" })),
  );
  return [next, sampled]
    .filter((rows) => rows.length > 0)
    .map(table)
    .join("\n\n");
}

/** Lists the models of the folder. */
export async function listModels(folder: string, { json }: Values, files: readonly string[]): Promise<number> {
  if (files.length > 0) throw new UsageError(`models takes no file; found ${files[0]}.`);
  const models = (await openModels(folder)).map(modelInfo);
  if (json) {
    console.log(JSON.stringify({ models }));
    return 0;
  }
  const rows = models.map(({ id, units = "-", parameters, pitches, framesPerQuarter, metrics, version }) => ({
    model: id,
    units: String(units),
    parameters: String(parameters),
    pitches: String(pitches),
    "frames/quarter": String(framesPerQuarter),
    "test nats/frame": metrics.test?.micro.toFixed(3) ?? "-",
    version: version.slice(0, "sha256:".length + 12),
  }));
  console.log(table(rows));
  return 0;
}

/** @throws SurprisalError `no-models` when none can be loaded. */
async function openModels(folder: string): Promise<readonly Model[]> {
  const { models, faults } = await localModels(folder);
  for (const { log } of faults) console.error(`Not loaded: ${log}`);
  if (models.length === 0) throw new SurprisalError("no-models", `Found no model in ${folder}; wanted at least one.`);
  return models;
}

/** The API's options from arguments such as `frames-per-quarter`. */
function optionsOf<T>(schema: z.ZodType<T>, values: Values): T {
  const { "frames-per-quarter": framesPerQuarter, ...rest } = values;
  try {
    return parse(schema, { ...rest, framesPerQuarter });
  } catch (error) {
    if (error instanceof SurprisalError) throw new UsageError(asWritten(error.message));
    throw error;
  }
}

/** A fault as the API words it, which begins with the option's name, with the name as the command line has it. */
const asWritten = (fault: string) =>
  fault.replace(/^\w+/, (name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);

async function readMusic(file: string, channels: readonly number[] | undefined): Promise<Music> {
  const bytes = await (file === "-" ? buffer(process.stdin) : readFile(file));
  return midiMusic(parseMidi(bytes, channels && { channels }), { frames: MAX_FRAMES, autoFrames: MAX_FRAMES });
}

/** What is wrong with a file, for its user; other errors are not his. */
function fileFault(error: unknown): string {
  if (error instanceof SurprisalError) return error.message;
  if (error instanceof Error && "syscall" in error) return error.message;
  throw error;
}

const warn = (file: string, warnings: readonly Warning[]) => {
  for (const { detail } of warnings) console.error(`${file}: ${detail}`);
};

const NOTES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const noteName = (pitch: number) => `${NOTES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
