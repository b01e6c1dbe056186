/** `surprisal score`: files -> rows of a table, or lines of JSON, each as soon as its file is scored. */
import { expected } from "../../errors.ts";
import * as answer from "../../inference/answer.ts";
import { selectModels } from "../../model/select.ts";
import { ScoreOptions } from "../../schema/options.ts";
import type { MusicScoreResponse, ScoreResponse } from "../../schema/score.ts";
import { type Column, heading, line, type Row } from "../../util/table.ts";
import { UsageError, type Values } from "./arguments.ts";
import { filesOf, problemOf, readInput } from "./files.ts";
import { loadedModels, optionsOf, warn } from "./models.ts";

/** Scores every file it can, and returns 1 when there was one that it could not. */
export async function score(
  setting: string,
  { json, compare, out, threads, ...values }: Values,
  names: readonly string[],
): Promise<number> {
  if (names.length === 0) throw new UsageError("Expected at least one FILE, got none.");
  if (names.filter((name) => name === "-").length > 1) {
    throw new UsageError("Expected - once, got it twice or more: standard input can be read only once.");
  }
  if (typeof out === "string") {
    if (json || compare) throw new UsageError(expected("--out without --json and --compare", "both"));
    return (await import("./score-corpus.ts")).scoreCorpus(setting, out, { ...values, threads }, names);
  }
  if (threads !== undefined) throw new UsageError(expected("--threads with --out", "no --out"));
  if (values.detail !== undefined && !json) throw new UsageError(expected("--detail with --out or --json", "neither"));
  const options = optionsOf(ScoreOptions, { ...values, ...(compare && { detail: "comparison" }) });
  const models = await loadedModels(setting, options.models);
  const chosen = selectModels(models, options.models); // a pattern that names nothing is wrong whatever the files
  const files = await filesOf(names);
  const print = tablePrinter(
    widest(files.map(({ name }) => name)),
    widest(chosen.map(({ id }) => id)),
    Boolean(compare),
  );
  let exitCode = 0;
  for (const { name, read } of files) {
    try {
      const response = await answer.score(await readInput(await read(), options), models, options);
      warn(name, [response.input, ...response.scores]);
      if (json) console.log(JSON.stringify({ file: name, ...response }));
      else print(name, response);
    } catch (error) {
      const problem = problemOf(error);
      console.error(`${name}: ${problem.detail}`);
      if (json) console.log(JSON.stringify({ file: name, problem }));
      exitCode = 1;
    }
  }
  return exitCode;
}

const widest = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length));

/** Prints the rows of one file after the other, under a heading for each run of files of one kind. */
function tablePrinter(fileWidth: number, modelWidth: number, compare: boolean) {
  let kind: string | undefined;
  const label = (name: string, width: number): Column => ({ name, width: Math.max(width, name.length) });
  const number = (name: string): Column => ({ name, width: name.length, numeric: true });
  const start = [label("file", fileWidth), label("model", modelWidth)];
  const columns = {
    music: [
      ...start,
      ...["frames", "nats/frame", "nats/quarter", "percentile", "shift"].map(number),
      label("best", 0),
      ...(compare ? [label("behind the best", 0)] : []),
    ],
    audio: [
      ...start,
      { ...number("samples"), width: String(3600 * 8000).length },
      ...["nats/step", "bits/sample"].map(number),
      label("best", 0),
    ],
  };
  return (file: string, response: ScoreResponse) => {
    const own = columns[response.input.kind];
    if (response.input.kind !== kind) console.log(`${kind === undefined ? "" : "\n"}${heading(own)}`);
    kind = response.input.kind;
    for (const row of rowsOf(file, response)) console.log(line(own, row));
  };
}

function rowsOf(file: string, response: ScoreResponse): Row[] {
  if (isMusic(response)) {
    const best = new Set(response.bestByFrameRate.map(({ model }) => model));
    return response.scores.map((each) => ({
      file,
      model: each.model,
      frames: String(each.scoredFrames),
      "nats/frame": each.nll.toFixed(3),
      "nats/quarter": each.nllPerQuarter.toFixed(3),
      percentile: each.percentile?.toFixed(0) ?? "-",
      shift: String(each.transposedBy),
      best: best.has(each.model) ? "*" : "",
      "behind the best": behindBest(each.model, response),
    }));
  }
  return response.scores.map((each) => ({
    file,
    model: each.model,
    samples: String(each.scoredSamples),
    "nats/step": each.nll.toFixed(3),
    "bits/sample": each.bitsPerSample.toFixed(3),
    best: each.model === response.best ? "*" : "",
  }));
}

/** By how much a model falls behind the best, in nats per frame with the 95% interval, or why that cannot be said. */
function behindBest(model: string, { comparisons = [], notCompared = [] }: MusicScoreResponse): string {
  const comparison = comparisons.find((each) => each.model === model);
  if (!comparison) return notCompared.find((each) => each.model === model)?.reason ?? "";
  const { difference, interval, better } = comparison;
  const numbers = `${difference.toFixed(3)} [${interval.low.toFixed(3)}, ${interval.high.toFixed(3)}]`;
  return `${numbers}, ${better === null ? "cannot tell" : `${better} better`}`;
}

const isMusic = (response: ScoreResponse): response is MusicScoreResponse => response.input.kind === "music";
