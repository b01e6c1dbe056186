/** The commands of the command line on files: the same core as the HTTP API, in process. Each returns its exit code. */

import { readFile, writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { z } from "@hono/zod-openapi";
import type { Warning } from "../../errors.ts";
import { SurprisalError } from "../../errors.ts";
import { decode } from "../../formats/decoders.ts";
import { decodeContent } from "../../http/content.ts";
import { continuationFile } from "../../http/continuation.ts";
import { parse } from "../../http/fault.ts";
import * as answer from "../../inference/answer.ts";
import { DEFAULT_LIMITS, type Limits, MAX_FRAMES } from "../../limits.ts";
import { modelInfo } from "../../model/info.ts";
import type { Model } from "../../model/model.ts";
import { selectModels } from "../../model/select.ts";
import { PredictOptions, ScoreOptions } from "../../schema/options.ts";
import type { AudioPredictResponse, MusicPredictResponse, PredictResponse } from "../../schema/predict.ts";
import type { MusicScoreResponse, ScoreResponse } from "../../schema/score.ts";
import { reporter } from "../../store/report.ts";
import { table } from "../../util/table.ts";
import { openModels } from "../node/local.ts";

/** Wrong arguments; the command line shows the sentence and ends with 2. */
export class UsageError extends Error {}

/** Arguments by name, as parseArgs returns them. */
type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Scores every file it can, and returns 1 when there was one that it could not. */
export async function score(
  setting: string,
  { json, compare, ...values }: Values,
  files: readonly string[],
): Promise<number> {
  if (files.length === 0) throw new UsageError("score wants at least one FILE.");
  if (files.filter((file) => file === "-").length > 1) {
    throw new UsageError("Found - twice or more; wanted it once, since standard input can be read once.");
  }
  const options = optionsOf(ScoreOptions, { ...values, ...(compare && { detail: "comparison" }) });
  const models = await loadedModels(setting, options.models);
  selectModels(models, options.models); // a pattern that names nothing is wrong whatever the files
  const rows: Record<"music" | "audio", Record<string, string>[]> = { music: [], audio: [] };
  let exitCode = 0;
  for (const file of files) {
    try {
      const response = await answer.score(await readInput(file, options.channels), models, options);
      if (json) console.log(JSON.stringify({ file, ...response }));
      for (const { warnings } of [response.input, ...response.scores]) warn(file, warnings);
      rows[response.input.kind].push(...scoreRows(file, response, Boolean(compare)));
    } catch (error) {
      console.error(`${file}: ${fileFault(error)}`);
      exitCode = 1;
    }
  }
  if (!json) printTables([rows.music, rows.audio]);
  return exitCode;
}

function scoreRows(file: string, response: ScoreResponse, compare: boolean): Record<string, string>[] {
  const best = (model: string) => ({ best: model === response.best ? "*" : "" });
  if (isMusic(response)) {
    return response.scores.map((each) => ({
      file,
      model: each.model,
      frames: String(each.scoredFrames),
      "nats/frame": each.nll.toFixed(3),
      "nats/quarter": each.nllPerQuarter.toFixed(3),
      shift: String(each.transposedBy),
      ...best(each.model),
      ...(compare && { "behind the best": behindBest(each.model, response) }),
    }));
  }
  return response.scores.map((each) => ({
    file,
    model: each.model,
    samples: String(each.scoredSamples),
    "nats/step": each.nll.toFixed(3),
    "bits/sample": each.bitsPerSample.toFixed(3),
    ...best(each.model),
  }));
}

/** By how much a model falls behind the best, in nats per frame with the 95% interval, or why that cannot be said. */
function behindBest(model: string, { best, comparisons = [], notCompared = [] }: MusicScoreResponse): string {
  if (model === best) return "";
  const comparison = comparisons.find((each) => each.model === model);
  if (!comparison) return notCompared.find((each) => each.model === model)?.reason ?? "";
  const { difference, interval, better } = comparison;
  const numbers = `${difference.toFixed(3)} [${interval.low.toFixed(3)}, ${interval.high.toFixed(3)}]`;
  return `${numbers}, ${better === null ? "cannot tell" : `${better} better`}`;
}

/** Predicts what follows a file; with `out` the continuation goes there, of music as a MIDI file and of audio as WAV. */
export async function predict(
  setting: string,
  { json, out, ...values }: Values,
  files: readonly string[],
): Promise<number> {
  const [file] = files;
  if (files.length !== 1) throw new UsageError(`predict wants one FILE; found ${files.length}.`);
  const options = optionsOf(PredictOptions, values);
  const models = await loadedModels(setting, options.models);
  const chosen = selectModels(models, options.models);
  if (typeof out === "string" && (!readAlone(chosen) || options.steps === undefined)) throw outWanted(chosen.length);
  let response: PredictResponse;
  try {
    response = await answer.predict(await readInput(file, options.channels), models, options);
  } catch (error) {
    console.error(`${file}: ${fileFault(error)}`);
    return 1;
  }
  for (const { warnings } of [response.input, ...response.predictions]) warn(file, warnings);
  if (typeof out === "string") {
    const { length } = response.predictions;
    if (length !== 1) throw outWanted(length);
    try {
      await writeFile(out, continuationFile(response).bytes);
    } catch (error) {
      console.error(`${out}: ${fileFault(error)}`);
      return 1;
    }
  }
  if (json) console.log(JSON.stringify({ file, ...response }));
  else printTables(isMusicPrediction(response) ? musicRows(response) : audioRows(response));
  return 0;
}

/** Whether there is a kind of input that just one of the models reads. */
const readAlone = (models: readonly Model[]) =>
  ["music", "audio"].some((kind) => models.filter((model) => model.kind === kind).length === 1);

const outWanted = (found: number) =>
  new UsageError(`--out wants --steps and one model (--models); found ${found} models.`);

function musicRows({ predictions }: MusicPredictResponse): Record<string, string>[][] {
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
  return [next, sampled];
}

function audioRows({ predictions }: AudioPredictResponse): Record<string, string>[][] {
  const next = predictions.flatMap(({ model, expected, continuation = [] }) =>
    expected.map((sample, t) => ({
      model,
      sample: String(t + 1),
      expected: sample.toFixed(5),
      sampled: continuation[t]?.toFixed(5) ?? "-",
    })),
  );
  return [next];
}

const printTables = (tables: readonly Record<string, string>[][]) => {
  const written = tables.filter((rows) => rows.length > 0).map(table);
  if (written.length > 0) console.log(written.join("\n\n"));
};

const isMusic = (response: ScoreResponse): response is MusicScoreResponse => response.input.kind === "music";
const isMusicPrediction = (response: PredictResponse): response is MusicPredictResponse =>
  response.input.kind === "music";

/** Lists the models of the store. */
export async function listModels(setting: string, { json }: Values, files: readonly string[]): Promise<number> {
  if (files.length > 0) throw new UsageError(`models takes no file; found ${files[0]}.`);
  const models = (await loadedModels(setting)).map(modelInfo);
  if (json) {
    console.log(JSON.stringify({ models }));
    return 0;
  }
  const rows = models.map(
    ({ id, units = "-", parameters, pitches, framesPerQuarter, sampleRate, metrics, version }) => ({
      model: id,
      units: String(units),
      parameters: String(parameters),
      reads:
        sampleRate === undefined ? `pitches 1-${pitches}, ${framesPerQuarter}/quarter` : `audio at ${sampleRate} Hz`,
      "test nats/step": metrics.test?.micro.toFixed(3) ?? "-",
      version: version.slice(0, "sha256:".length + 12),
    }),
  );
  console.log(table(rows));
  return 0;
}

/** All models, or at least those that patterns name. @throws SurprisalError `no-models` when none can be loaded. */
async function loadedModels(setting: string, patterns?: readonly string[]): Promise<readonly Model[]> {
  const follower = await openModels(setting);
  const models = await follower.models(patterns);
  reporter(follower, setting)();
  if (models.length === 0) throw new SurprisalError("no-models", `Found no model in ${setting}; wanted at least one.`);
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

/** A fault as the API words it, which names the option first, with the name as the command line has it. */
const asWritten = (fault: string) =>
  fault.replace(/(?<=^Expected )\w+/, (name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);

/** Files at hand may be longer than those that a server takes. */
const LIMITS: Limits = { ...DEFAULT_LIMITS, frames: MAX_FRAMES, autoFrames: MAX_FRAMES, seconds: 3600 };

async function readInput(file: string, channels: readonly number[] | undefined): Promise<answer.Input> {
  const bytes = await (file === "-" ? buffer(process.stdin) : readFile(file));
  return decodeContent({ form: "file", bytes, type: "" }, { channels }, { limits: LIMITS, decode });
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
