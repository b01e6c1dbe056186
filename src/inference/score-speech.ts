/**
 * Recording + models -> negative log-likelihoods. A density has units: in nats of standardised samples as the paper gives it,
 * and by the Jacobian of the standardisation as the bits that a sample of 16 bits takes, which compares models of other
 * standardisations.
 */

import type { Warning } from "../errors.ts";
import { expected, SurprisalError } from "../errors.ts";
import { STEP_16_BIT } from "../formats/dither.ts";
import { taggedVersion } from "../model/music-model.ts";
import type { SpeechNetwork } from "../model/speech-network.ts";
import type { ScoreOptions } from "../schema/options.ts";
import type { AudioScore, AudioScoreResponse } from "../schema/score.ts";
import { Work } from "../util/work.ts";
import type { Recording } from "./recording.ts";

/** NLL of a standardised sample under the Gaussian of the training samples, on average over those: no model is worse. */
const NLL_OF_NO_MODEL = Math.log(2 * Math.PI * Math.E) / 2;

/**
 * Scores a recording by each model.
 * @throws SurprisalError `nothing-to-score` when it has too few samples, `malformed-request` for a detail of music.
 */
export async function scoreSpeech(
  speech: Recording,
  models: readonly SpeechNetwork[],
  { detail = "none" }: Pick<ScoreOptions, "detail">,
  work = new Work(),
): Promise<AudioScoreResponse> {
  if (detail === "notes" || detail === "comparison") {
    throw new SurprisalError("malformed-request", expected(`detail=${detail} with music only`, "audio"));
  }
  const scores: AudioScore[] = [];
  for (const model of models) scores.push(await scoreOne(speech, model, detail, work));
  const [best] = scores.toSorted((a, b) => a.bitsPerSample - b.bitsPerSample);
  return { input: speech.input, scores, best: best.model };
}

async function scoreOne(
  speech: Recording,
  model: SpeechNetwork,
  detail: "none" | "frames",
  work: Work,
): Promise<AudioScore> {
  const samples = await speech.at(model.sampleRate, work);
  const { nll: perStep } = await model.score(await model.standardised(samples, work), work);
  const total = perStep.reduce((sum, nll) => sum + nll, 0);
  const scoredSamples = samples.length - model.inputs;
  const nllPerSample = total / scoredSamples;
  return {
    model: model.id,
    version: taggedVersion(model.version),
    sampleRate: model.sampleRate,
    samples: samples.length,
    scoredSamples,
    logLikelihood: -total,
    nll: nllPerSample * model.shape.block,
    nllPerSample,
    bitsPerSample: bitsPerSample(nllPerSample, model.std),
    warnings: warningsOf(speech, model, nllPerSample),
    ...(detail === "frames" && { perStep: Array.from(perStep) }),
  };
}

/** Bits by which a sample is coded on the grid of 16 bits. @param nll nats per standardised sample */
export const bitsPerSample = (nll: number, std: number): number => (nll + Math.log(std / STEP_16_BIT)) / Math.LN2;

function warningsOf(speech: Recording, { id, sampleRate }: SpeechNetwork, nllPerSample: number): Warning[] {
  const warnings: Warning[] = [];
  if (speech.input.sampleRate < sampleRate) {
    const detail = `The recording has ${speech.input.sampleRate} Hz and ${id} reads ${sampleRate}: it knows nothing like a recording without its upper band.`;
    warnings.push({ code: "low-sample-rate", count: speech.input.samples, detail });
  }
  if (nllPerSample > NLL_OF_NO_MODEL) {
    const detail = `${id} predicts these samples worse (${nllPerSample.toFixed(2)} nats each) than a Gaussian its own training samples (${NLL_OF_NO_MODEL.toFixed(2)}): they are unlike its speech.`;
    warnings.push({ code: "unlike-speech", count: speech.input.samples, detail });
  }
  return warnings;
}
