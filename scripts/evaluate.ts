/**
 * Says how well the models of a store predict the test pieces of their sets, in nats per frame, or step of ten samples of
 * speech (see training/evaluate.ts). The baseline is the bigram of each pitch, and of speech linear prediction.
 *
 *   npm run evaluate                            every model of models/, or of the folder SURPRISAL_MODELS, and their mixtures
 *   npm run evaluate -- jsb/gru 'nottingham/*'  these
 *   npm run evaluate -- --pieces                and each piece
 *   npm run evaluate -- --adaptive              and what they cost under weights that learn from each piece
 *   npm run evaluate -- --json                  as JSON, pieces included, unrounded
 *   npm run evaluate -- --other FOLDER          models of speech on the WAV files of another voice, and on white noise
 *   npm run evaluate -- --keys                  models of music on their test pieces in all twelve keys
 *   npm run evaluate -- --continuations         how often models of music sample a chord of their training pieces
 */

import type { Model } from "../src/model/model.ts";
import { taggedVersion } from "../src/model/music-model.ts";
import { modelsOfKind } from "../src/model/select.ts";
import { baselineOf, evaluateAdaptively, evaluateOn } from "../src/training/measure.ts";
import { table } from "../src/util/table.ts";
import { runScript } from "./command.ts";
import { type Continuations, continuations } from "./continuations.ts";
import { type Keys, keys } from "./keys.ts";
import { openModels, setOf, withEach } from "./models.ts";
import { sizeOf } from "./results.ts";
import { bitsPerStep, type Voices, voices } from "./voices.ts";

const baselines = new Map<string, Promise<number>>();

async function evaluateOnItsSet(model: Model, { adaptive }: { adaptive: boolean }) {
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
    ...(adaptive && { adaptive: await evaluateAdaptively(model, set.test) }),
  };
}

function report(
  results: readonly Awaited<ReturnType<typeof evaluateOnItsSet>>[],
  { pieces: withPieces, adaptive: withAdaptive }: { pieces: boolean; adaptive: boolean },
): string {
  const lines = [
    table(
      results.map(
        ({ model, units, recurrentParameters, scoredFrames, micro, macro, adaptive, baseline, bitsPerSample }) => ({
          model,
          units: units.join("+"),
          "recurrent parameters": String(recurrentParameters),
          frames: String(scoredFrames),
          "test NLL micro": micro.toFixed(4),
          macro: macro.toFixed(4),
          ...(withAdaptive && {
            "adaptive micro": adaptive?.micro.toFixed(4) ?? "-",
            "adaptive macro": adaptive?.macro.toFixed(4) ?? "-",
          }),
          "baseline micro": baseline.toFixed(4),
          "bits/sample": bitsPerSample?.toFixed(3) ?? "-",
        }),
      ),
    ),
  ];
  if (withPieces) {
    for (const { model, pieces, adaptive } of results) {
      const rows = pieces.map(({ scoredFrames, nll }, index) => ({
        [model]: `test piece ${index}`,
        frames: String(scoredFrames),
        NLL: nll.toFixed(6),
        ...(withAdaptive && { adaptive: adaptive?.pieces[index]?.nll.toFixed(6) ?? "-" }),
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

const keysReport = (measured: readonly Keys[]): string =>
  table(
    measured.map(({ model, pieces, inSetsKey, inAllKeys }) => ({
      model,
      pieces: String(pieces),
      "NLL in the set's key": inSetsKey.toFixed(2),
      "in all twelve": inAllKeys.toFixed(2),
      difference: (inAllKeys - inSetsKey).toFixed(2),
    })),
  );

const continuationsReport = (measured: readonly Continuations[]): string =>
  table(
    measured.map(({ model, frames, known, knownInTest }) => ({
      model,
      "frames sampled": String(frames),
      "chords known from training": `${(100 * known).toFixed(1)}%`,
      "of the test pieces' own": `${(100 * knownInTest).toFixed(1)}%`,
    })),
  );

await runScript({
  usage: "npm run evaluate -- [MODELS…]",
  about: `How well models predict the test pieces of their sets, in nats per frame. MODELS are ids, patterns or sets: all those of
models/, or of the folder SURPRISAL_MODELS, unless given. What cannot be measured is left out and named; the exit code is then 1.`,
  options: {
    pieces: { type: "boolean", about: "each test piece as well" },
    adaptive: { type: "boolean", about: "adaptive scoring as well: weights that learn from each piece of music" },
    json: { type: "boolean", about: "JSON, pieces included, unrounded" },
    other: {
      type: "string",
      value: "FOLDER",
      about: "models of speech on the WAV files of another voice, and on white noise",
    },
    keys: { type: "boolean", about: "models of music on their test pieces in all twelve keys" },
    continuations: { type: "boolean", about: "how often models of music sample a chord of their training pieces" },
  },
  positionals: Number.POSITIVE_INFINITY,
  example: "npm run evaluate -- jsb 'nottingham/*'",
  async run({ json, pieces, adaptive, other, keys: inKeys, continuations: sampled }, patterns) {
    const models = await openModels(patterns);
    const print = <T>(measured: T, report: (measured: T) => string) =>
      console.log(json ? JSON.stringify(measured, null, 2) : report(measured));
    const ofMusic = () => modelsOfKind(models, "music", ["*/*"]);
    if (inKeys) return print(await withEach(ofMusic(), keys), keysReport);
    if (sampled) return print(await withEach(ofMusic(), continuations), continuationsReport);
    if (other !== undefined) {
      return print(await voices(modelsOfKind(models, "audio"), other), voiceReport);
    }
    const results = await withEach(models, (model) => evaluateOnItsSet(model, { adaptive }));
    print(results, (measured) => report(measured, { pieces, adaptive }));
  },
});
