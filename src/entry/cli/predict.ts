/** `surprisal predict`: a file -> tables or JSON of what comes next, and the continuation as a file. */
import { writeFile } from "node:fs/promises";
import { continuationFile } from "../../http/continuation.ts";
import * as answer from "../../inference/answer.ts";
import type { Model } from "../../model/model.ts";
import { selectModels } from "../../model/select.ts";
import { PredictOptions } from "../../schema/options.ts";
import type { AudioPredictResponse, MusicPredictResponse, PredictResponse } from "../../schema/predict.ts";
import { table } from "../../util/table.ts";
import { UsageError, type Values } from "./arguments.ts";
import { filesOf, problemOf, readInput } from "./files.ts";
import { loadedModels, optionsOf, warn } from "./models.ts";

/** Predicts what follows a file; with `out` the continuation goes there, of music as a MIDI file and of audio as WAV. */
export async function predict(
  setting: string,
  { json, out, ...values }: Values,
  names: readonly string[],
): Promise<number> {
  if (names.length !== 1) throw new UsageError(`Expected one FILE, got ${names.length || "none"}.`);
  const options = optionsOf(PredictOptions, values);
  const models = await loadedModels(setting, options.models);
  const chosen = selectModels(models, options.models);
  if (typeof out === "string" && (!readAlone(chosen) || options.steps === undefined)) throw outWanted(chosen.length);
  const files = await filesOf(names);
  if (files.length !== 1) throw new UsageError(`Expected one FILE, got a list of ${files.length}.`);
  const [{ name, read }] = files;
  const fail = (place: string, error: unknown) => {
    const problem = problemOf(error);
    console.error(`${place}: ${problem.detail}`);
    if (json) console.log(JSON.stringify({ file: place, problem }));
    return 1;
  };
  let response: PredictResponse;
  try {
    response = await answer.predict(await readInput(await read(), options), models, options);
  } catch (error) {
    return fail(name, error);
  }
  warn(name, [response.input, ...response.predictions]);
  if (typeof out === "string") {
    const { length } = response.predictions;
    if (length !== 1) throw outWanted(length);
    try {
      const { bytes } = continuationFile(response);
      await writeFile(out, bytes);
      console.error(`Wrote ${out}, ${bytes.length} bytes.`);
    } catch (error) {
      return fail(out, error);
    }
  }
  if (json) console.log(JSON.stringify({ file: name, ...response }));
  else printTables(isMusicPrediction(response) ? musicRows(response) : audioRows(response));
  return 0;
}

/** Whether there is a kind of input that just one of the models reads. */
const readAlone = (models: readonly Model[]) =>
  ["music", "audio"].some((kind) => models.filter((model) => model.kind === kind).length === 1);

const outWanted = (found: number) =>
  new UsageError(`Expected --steps and one model (--models) with --out, got ${found} models.`);

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

const isMusicPrediction = (response: PredictResponse): response is MusicPredictResponse =>
  response.input.kind === "music";

const NOTES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const noteName = (pitch: number) => `${NOTES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
