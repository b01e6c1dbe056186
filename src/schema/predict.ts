/** Answers of /predict. */
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { AudioInput, MusicInput, perModel, perSpeechModel, requestId } from "./common.ts";
import { count, Pitch } from "./values.ts";

export const Prediction = z
  .object({
    ...perModel,
    probabilities: z.array(z.number()).openapi({
      description:
        "p(pitch sounds in the frame after the input's last) for MIDI pitches 1 to D, in the model's key, which is the input's shifted by `transposedBy`.",
    }),
    likely: z
      .array(z.object({ pitch: Pitch, probability: z.number() }))
      .openapi({ description: "The ten most probable pitches, highest first, in the input's own key." }),
    draws: count.openapi({
      description:
        "Frames that were drawn to estimate `probabilities`, where the pitches of a frame depend on each other and no formula gives them; 0 where they are exact.",
    }),
    standardErrors: z.array(z.number()).optional().openapi({
      description: "Standard errors of the `probabilities`, estimated from the draws. Only where `draws` is not 0.",
    }),
    chords: z.array(z.object({ pitches: z.array(Pitch), probability: z.number() })).openapi({
      description:
        "The likeliest whole frames, highest first, in the input's own key, with the probability that exactly these pitches sound. Exact.",
    }),
    state: z.string().openapi({
      description:
        "Opaque token of the hidden state after the input's last frame, before any sampled one. With `adaptive` it cannot be continued from (`stale-state`), since it does not hold the weights that the piece has changed: send the whole sequence again.",
    }),
    continuation: z
      .array(z.array(Pitch))
      .optional()
      .openapi({ description: "The sampled frames, in the input's own key. Only with `steps`." }),
  })
  .openapi("Prediction");
export type Prediction = z.infer<typeof Prediction>;

export const AudioPrediction = z
  .object({
    ...perSpeechModel,
    weights: z.array(z.number()).openapi({ description: "Weights of the Gaussians of the mixture; they add up to 1." }),
    means: z.array(z.array(z.number())).openapi({
      description:
        "For each Gaussian the means of the samples that follow, full scale = 1. Blocks of ten begin at sample 20, so after 20 + 10 k samples there are ten. In the middle of a block only its remaining samples follow, and the mixture is conditioned on those that are known.",
    }),
    scales: z.array(z.array(z.number())).openapi({ description: "Standard deviations, in the order of `means`." }),
    expected: z.array(z.number()).openapi({ description: "The expected samples that follow." }),
    state: z.string().openapi({
      description: "Opaque token of the hidden state after the input's last sample, before any sampled one.",
    }),
    continuation: z.array(z.number()).optional().openapi({
      description:
        "The sampled samples at `sampleRate`, full scale = 1: what is left of the block under way, then blocks of ten. Only with `steps`.",
    }),
  })
  .openapi("AudioPrediction");
export type AudioPrediction = z.infer<typeof AudioPrediction>;

export const MusicPredictResponse = z
  .object({ id: requestId, input: MusicInput, predictions: z.array(Prediction) })
  .openapi("MusicPredictResponse");
export type MusicPredictResponse = z.infer<typeof MusicPredictResponse>;

export const AudioPredictResponse = z
  .object({ id: requestId, input: AudioInput, predictions: z.array(AudioPrediction) })
  .openapi("AudioPredictResponse");
export type AudioPredictResponse = z.infer<typeof AudioPredictResponse>;

export const PredictResponse = z.union([MusicPredictResponse, AudioPredictResponse]).openapi("PredictResponse");
export type PredictResponse = z.infer<typeof PredictResponse>;
