/**
 * Recording + models -> density of the samples that follow, and samples drawn from it, each block of which is fed back.
 */
import { expected, SurprisalError } from "../errors.ts";
import { taggedVersion } from "../model/music-model.ts";
import type { SpeechNetwork, SpeechState } from "../model/speech-network.ts";
import type { PredictOptions } from "../schema/options.ts";
import type { AudioPrediction, AudioPredictResponse } from "../schema/predict.ts";
import { uniform } from "../util/random.ts";
import { Work } from "../util/work.ts";
import type { Recording } from "./recording.ts";
import { speechToken } from "./state-token.ts";

/** A model before it reads the input. */
export interface SpeechSession {
  readonly model: SpeechNetwork;
  readonly stopped?: SpeechState; // at the start of the recording without it
}

/**
 * Predicts what follows a recording.
 * @throws SurprisalError `nothing-to-score` when there are too few samples, `malformed-request` when samples of another rate
 * are to continue a state: they could not be resampled without those before.
 */
export async function predictSpeech(
  speech: Recording,
  runs: readonly SpeechSession[],
  options: PredictOptions,
  work = new Work(),
): Promise<AudioPredictResponse> {
  const predictions: AudioPrediction[] = [];
  for (const run of runs) predictions.push(await predictOne(speech, run, options, work));
  return { input: speech.input, predictions };
}

async function predictOne(
  speech: Recording,
  { model, stopped }: SpeechSession,
  { steps, temperature = 1, seed = 0 }: PredictOptions,
  work: Work,
): Promise<AudioPrediction> {
  const { sampleRate, mean, std } = model;
  if (stopped && speech.input.sampleRate !== sampleRate) {
    throw new SurprisalError(
      "malformed-request",
      expected(
        `samples at ${sampleRate} Hz, the rate of ${model.id}, beside its state`,
        `${speech.input.sampleRate} Hz`,
      ),
    );
  }
  const samples = await speech.at(sampleRate, work);
  const advanced = await model.advance(stopped ?? model.initialState(), samples, work);
  const next = advanced.next.scaled(std, mean);
  const sampled =
    steps === undefined
      ? undefined
      : await model.continuation(advanced, { blocks: steps, draw: uniform(seed), temperature }, work);
  return {
    model: model.id,
    version: taggedVersion(model.version),
    sampleRate,
    samples: samples.length,
    warnings: [],
    weights: [...next.weights],
    means: next.means.map((row) => [...row]),
    scales: next.scales.map((row) => [...row]),
    expected: next.expected(),
    state: speechToken(model, advanced.stopped),
    ...(sampled && { continuation: Array.from(sampled, (sample) => sample * std + mean) }),
  };
}
