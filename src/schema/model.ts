/** The catalogue as /models shows it. */
import { CELLS } from "../kernel/config.ts";
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { modelId, version } from "./common.ts";
import { count } from "./values.ts";

export const Measured = z
  .object({ micro: z.number(), macro: z.number(), deciles: z.array(z.number()).readonly().optional() })
  .optional()
  .openapi({
    description:
      "NLL in nats per frame, or step of 10 samples: over all of them, and the mean over pieces; `deciles` of music are those of the mean NLL of each test piece, from the lowest to the highest.",
  });

export const ModelInfo = z
  .object({
    id: modelId,
    version,
    kind: z.enum(["music", "audio"]).openapi({ description: "Of the input that it reads." }),
    set: z.string().openapi({ description: "The data set that it was trained on.", example: "jsb" }),
    preset: z.string().openapi({
      description:
        "The settings that it was trained by; `paper`: sizes and protocol of Chung et al. (2014); `nade`: the same sizes with a NADE head; `large`: more units.",
      example: "paper",
    }),
    head: z.enum(["bernoulli", "nade"]).optional().openapi({
      description:
        "Of music: `bernoulli`, the pitches of a frame are independent given the frames before; `nade`, each also depends on those below it.",
    }),
    recommended: z.boolean().openapi({ description: "Whether it answers when `models` is not set." }),
    cell: z.enum(CELLS).optional().openapi({ description: "Absent in a mixture, as are `units` and `metadata`." }),
    units: count.optional(),
    members: z.array(modelId).optional().openapi({ description: "Only of a mixture: the models that it averages." }),
    parameters: count.openapi({ description: "All weights, the output layer included; of a mixture, of all members." }),
    pitches: count.optional().openapi({ description: "Of music, D: the model knows MIDI pitches 1 to D." }),
    framesPerQuarter: z.number().optional().openapi({ description: "Of music." }),
    sampleRate: z.number().optional().openapi({ description: "Of audio, Hz." }),
    metrics: z.object({ valid: Measured, test: Measured, adaptiveTest: Measured }).openapi({
      description: "On the model's own data set, as far as it was measured; `adaptiveTest` by adaptive scoring.",
    }),
    metadata: z.record(z.string(), z.string()).optional().openapi({
      description: "What the checkpoint says of itself, as it says it: data, training settings, seed.",
    }),
  })
  .openapi("Model");
export type ModelInfo = z.infer<typeof ModelInfo>;
export const ModelList = z.object({ models: z.array(ModelInfo) }).openapi("ModelList");
export const ModelPath = z.object({
  set: z.string(),
  cell: z.string().openapi({ description: "What stands behind the / in the model's id.", example: "lstm-large" }),
});
