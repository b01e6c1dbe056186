/**
 * Says how well the models of a store predict the test pieces of their sets, in nats per frame (see training/evaluate.ts).
 *
 *   npm run evaluate                            every model of models/, or of the folder SURPRISAL_MODELS
 *   npm run evaluate -- jsb/gru 'nottingham/*'  these
 *   npm run evaluate -- --pieces                and each piece
 *   npm run evaluate -- --json                  as JSON, pieces included, unrounded
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { countParameters } from "../src/checkpoint.ts";
import { SurprisalError } from "../src/errors.ts";
import type { Model } from "../src/model.ts";
import { selectModels } from "../src/select.ts";
import { fileStore } from "../src/store/files.ts";
import { loadModels } from "../src/store/load.ts";
import { loadMusicSet, MUSIC_SETS } from "../src/training/datasets.ts";
import { evaluate } from "../src/training/evaluate.ts";
import { table } from "./table.ts";

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, pieces: { type: "boolean", default: false } },
});

try {
  const kernel = await WebAssembly.compile(await readFile(new URL("../dist/kernel.wasm", import.meta.url)));
  const { models, failures } = await loadModels(fileStore(process.env.SURPRISAL_MODELS ?? "models"), kernel);
  for (const { id, error } of failures) {
    console.error(`${id}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
  const results = [];
  for (const model of selectModels(models, patterns.length > 0 ? patterns : undefined)) {
    results.push(await evaluateOnItsSet(model));
  }
  console.log(options.json ? JSON.stringify(results, null, 2) : report(results));
} catch (error) {
  if (!(error instanceof SurprisalError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function evaluateOnItsSet(model: Model) {
  const { config, metadata } = model.checkpoint;
  const name = MUSIC_SETS.find((known) => known === metadata.set);
  if (name === undefined) {
    throw new SurprisalError("missing-data", `${model.id} is of no known set; wanted one of ${MUSIC_SETS.join(", ")}.`);
  }
  return {
    model: model.id,
    version: `sha256:${model.version}`,
    units: config.units,
    recurrentParameters: countParameters(config),
    ...evaluate(model, (await loadMusicSet(name)).test),
  };
}

function report(results: readonly Awaited<ReturnType<typeof evaluateOnItsSet>>[]): string {
  const lines = [
    table(
      results.map(({ model, units, recurrentParameters, scoredFrames, micro, macro }) => ({
        model,
        units: String(units),
        "recurrent parameters": String(recurrentParameters),
        frames: String(scoredFrames),
        "test NLL micro": micro.toFixed(4),
        macro: macro.toFixed(4),
      })),
    ),
  ];
  if (options.pieces) {
    for (const { model, pieces } of results) {
      const rows = pieces.map(({ scoredFrames, nll }, index) => ({
        [model]: `test piece ${index}`,
        frames: String(scoredFrames),
        NLL: nll.toFixed(6),
      }));
      lines.push("", table(rows));
    }
  }
  return lines.join("\n");
}
