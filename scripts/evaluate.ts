/**
 * Says how well the models of a store predict the test pieces of their sets, in nats per frame, or step of ten samples of
 * speech (see training/evaluate.ts). The baseline is the bigram of each pitch, and of speech linear prediction.
 *
 *   npm run evaluate                            every model of models/, or of the folder SURPRISAL_MODELS, and their mixtures
 *   npm run evaluate -- jsb/gru 'nottingham/*'  these
 *   npm run evaluate -- --pieces                and each piece
 *   npm run evaluate -- --json                  as JSON, pieces included, unrounded
 *   npm run evaluate -- --other FOLDER          models of speech on the WAV files of another voice, and on white noise
 */
import { parseArgs } from "node:util";
import type { Model } from "../src/model/model.ts";
import { taggedVersion } from "../src/model/music-model.ts";
import { modelsOfKind } from "../src/model/select.ts";
import { table } from "../src/util/table.ts";
import { baselineOf, evaluateOn, openModels, runCommand, setOf } from "./models.ts";
import { sizeOf } from "./results.ts";
import { bitsPerStep, type Voices, voices } from "./voices.ts";

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    pieces: { type: "boolean", default: false },
    other: { type: "string" },
  },
});

const baselines = new Map<string, Promise<number>>();

await runCommand(async () => {
  const models = await openModels(patterns);
  if (options.other !== undefined) {
    const table = await voices(modelsOfKind(models, "audio"), options.other);
    console.log(options.json ? JSON.stringify(table, null, 2) : voiceReport(table));
    return;
  }
  const results = [];
  for (const model of models) results.push(await evaluateOnItsSet(model));
  console.log(options.json ? JSON.stringify(results, null, 2) : report(results));
});

async function evaluateOnItsSet(model: Model) {
  const set = await setOf(model);
  const baseline = baselines.get(set.name) ?? baselineOf(set);
  baselines.set(set.name, baseline);
  const evaluation = await evaluateOn(model, set.test);
  return {
    model: model.id,
    version: taggedVersion(model.version),
    ...sizeOf(model),
    baseline: await baseline,
    ...(model.kind === "audio" && { bitsPerSample: bitsPerStep(model, evaluation.micro) }),
    ...evaluation,
  };
}

function report(results: readonly Awaited<ReturnType<typeof evaluateOnItsSet>>[]): string {
  const lines = [
    table(
      results.map(({ model, units, recurrentParameters, scoredFrames, micro, macro, baseline, bitsPerSample }) => ({
        model,
        units: units.join("+"),
        "recurrent parameters": String(recurrentParameters),
        frames: String(scoredFrames),
        "test NLL micro": micro.toFixed(4),
        macro: macro.toFixed(4),
        "baseline micro": baseline.toFixed(4),
        "bits/sample": bitsPerSample?.toFixed(3) ?? "-",
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

function voiceReport(measured: readonly Voices[]): string {
  return table(
    measured.flatMap(({ model, sounds }) =>
      sounds.map(({ sound, sequences, deviation, nll, bitsPerSample }) => ({
        model,
        sound,
        sequences: String(sequences),
        deviation: deviation.toFixed(4),
        "NLL per step": nll.toFixed(4),
        "bits/sample": bitsPerSample.toFixed(3),
      })),
    ),
  );
}
