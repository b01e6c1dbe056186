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
      "NLL in nats per frame, or step of 10 samples: `micro`, over all frames; `macro`, the mean over pieces. `deciles`, for music only, are those of the NLL of the test pieces, from the lowest to the highest.",
  });

export const ModelInfo = z
  .object({
    id: modelId,
    version,
    kind: z.enum(["music", "audio"]).openapi({ description: "The kind of input that it reads." }),
    set: z.string().openapi({ description: "The data set that it was trained on.", example: "jsb" }),
    preset: z.string().openapi({
      description:
        "The settings that it was trained with; `paper`: sizes and protocol of Chung et al. (2014); `nade`: the same sizes with a NADE head; `large`: more units; `distilled`: the paper's sizes, taught by larger models; `transposed`: the paper's sizes, trained on pieces of which some are transposed.",
      example: "paper",
    }),
    head: z.enum(["bernoulli", "nade"]).optional().openapi({
      description:
        "Music only. `bernoulli`: the pitches of a frame are independent given the frames before; `nade`: each also depends on those below it.",
    }),
    recommended: z.boolean().openapi({ description: "Whether it answers when `models` is not set." }),
    cell: z.enum(CELLS).optional().openapi({ description: "Absent for a mixture, as are `units` and `metadata`." }),
    units: count.optional(),
    members: z.array(modelId).optional().openapi({ description: "Only for a mixture: the models that it averages." }),
    parameters: count.openapi({
      description: "Number of weights, the output layer included; for a mixture, those of all members.",
    }),
    pitches: count.optional().openapi({ description: "Music only. D: the model knows MIDI pitches 1 to D." }),
    framesPerQuarter: z.number().optional().openapi({ description: "Music only." }),
    sampleRate: z.number().optional().openapi({ description: "Audio only. Hz." }),
    metrics: z.object({ valid: Measured, test: Measured, adaptiveTest: Measured }).openapi({
      description: "On the model's own data set, as far as it was measured; `adaptiveTest` by adaptive scoring.",
    }),
    metadata: z.record(z.string(), z.string()).optional().openapi({
      description: "The metadata of the checkpoint, unchanged: data, training settings, seed.",
    }),
  })
  .openapi("Model");
export type ModelInfo = z.infer<typeof ModelInfo>;
export const ModelList = z.object({ models: z.array(ModelInfo) }).openapi("ModelList");
export const ModelPath = z.object({
  set: z.string().openapi({ description: "The part of the model's id before the slash.", example: "jsb" }),
  cell: z.string().openapi({ description: "The part of the model's id after the slash.", example: "lstm-large" }),
});
