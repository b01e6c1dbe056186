/**
 * The Open Inference Protocol, version 2, by which clients of KServe and Triton ask:
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md, with the extension for
 * binary tensor data: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { flag, optionsOf } from "./values.ts";

/** Types of numbers; FP16 and BF16 have no array that every runtime knows. */
export const NUMERIC_TYPES = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP32",
  "FP64",
] as const;
export const DATATYPES = [...NUMERIC_TYPES, "BYTES"] as const;

const modelName = z.string().openapi({
  description: "The model's id with `--` in place of the slash, which a name in a path cannot have.",
  example: "jsb--gru",
});
const modelVersion = z.string().openapi({ description: "As in /models.", example: "sha256:9f86d0…" });

export const ModelNamePath = z.object({ name: modelName });
export const ModelVersionPath = z.object({ name: modelName, version: modelVersion });

export const ServerMetadata = z
  .object({
    name: z.string().openapi({ example: "surprisal" }),
    version: z.string(),
    extensions: z.array(z.string()).openapi({ example: ["binary_tensor_data"] }),
  })
  .openapi("ServerMetadata");

export const ServerLive = z.object({ live: z.literal(true) }).openapi("ServerLive");
export const ServerReady = z.object({ live: z.literal(true), ready: z.literal(true) }).openapi("ServerReady");
export const ModelReady = z.object({ name: modelName, ready: z.literal(true) }).openapi("ModelReady");

export const ModelNames = z
  .object({ models: z.array(modelName) })
  .openapi("ModelNames", { description: "As KServe lists them; the protocol has no list." });

export const TensorMetadata = z
  .object({
    name: z.string(),
    datatype: z.enum(DATATYPES),
    shape: z.array(z.int()).openapi({ description: "-1 for a dimension of any size." }),
  })
  .openapi("TensorMetadata");
export type TensorMetadata = z.infer<typeof TensorMetadata>;

export const ModelMetadata = z
  .object({
    name: modelName,
    versions: z.array(modelVersion),
    platform: z.string().openapi({ example: "surprisal_safetensors" }),
    inputs: z.array(TensorMetadata).openapi({
      description:
        "In batches of B, whose first dimension a single piece or recording may leave out. Any numeric datatype will do.",
    }),
    outputs: z.array(TensorMetadata).openapi({
      description:
        "Of a batch; those of a single piece or recording have no first dimension, but for BYTES, which have 1.",
    }),
    properties: z.record(z.string(), z.string()).openapi({
      description:
        "`id`: the model in the other routes. `optionalInputs`: those that may be left out. `framesPerQuarter` of music, `sampleRate` (Hz) of audio: the rate at which inputs are read.",
      example: { id: "jsb/gru", kind: "music", optionalInputs: "lengths,state", framesPerQuarter: "1" },
    }),
  })
  .openapi("ModelMetadata");
export type ModelMetadata = z.infer<typeof ModelMetadata>;

const SIZE = "an integer from 0";
const size = z.int(SIZE).min(0, SIZE);

/** Too long for a schema to look at each entry; http/protocol/tensors.ts does. */
const data = z.array(z.unknown(), "a list").openapi({
  type: "array",
  items: {},
  description: "Row by row, nested by the shape or flat. Not beside `binary_data_size`.",
});

export const InferInput = z
  .object({
    name: z.string("text"),
    shape: z.array(size, "a list of sizes"),
    datatype: z.enum(DATATYPES, `one of ${DATATYPES.join(", ")}`),
    parameters: z
      .looseObject({
        binary_data_size: size.optional().openapi({ description: "Bytes of this tensor after the JSON." }),
      })
      .optional(),
    data: data.optional(),
  })
  .openapi("InferInput");
export type InferInput = z.infer<typeof InferInput>;

const binary = z.boolean("true or false").optional();

export const InferRequest = z
  .object({
    id: z.string("text").optional().openapi({ description: "Comes back in the answer.", example: "17" }),
    parameters: optionsOf({
      binary_data_output: binary.openapi({ description: "All outputs come as bytes after the JSON." }),
      adaptive: flag().optional().openapi({ description: "Music only; as the option of /score.", default: false }),
    }).optional(),
    inputs: z.array(InferInput, "a list of tensors"),
    outputs: z
      .array(
        z.object({
          name: z.string("text"),
          parameters: z
            .looseObject({
              binary_data: binary.openapi({ description: "This output comes as bytes after the JSON." }),
            })
            .optional(),
        }),
        "a list of outputs",
      )
      .optional()
      .openapi({ description: "Only these are computed; by default all that there are." }),
  })
  .openapi("InferRequest");
export type InferRequest = z.infer<typeof InferRequest>;

export const InferOutput = z
  .object({
    name: z.string(),
    datatype: z.enum(DATATYPES),
    shape: z.array(z.int()),
    parameters: z.object({ binary_data_size: z.int() }).optional(),
    data: z
      .array(z.union([z.number(), z.string()]))
      .optional()
      .openapi({ description: "Row by row, flat. Absent where the tensor comes as bytes after the JSON." }),
  })
  .openapi("InferOutput");
export type InferOutput = z.infer<typeof InferOutput>;

export const InferResponse = z
  .object({
    model_name: modelName,
    model_version: modelVersion,
    id: z.string().optional(),
    outputs: z.array(InferOutput),
  })
  .openapi("InferResponse");
export type InferResponse = z.infer<typeof InferResponse>;

export const ProtocolError = z
  .object({ error: z.string().openapi({ description: "What was expected and what came instead." }) })
  .openapi("ProtocolError", { description: "The form in which the protocol answers every error." });
export type ProtocolError = z.infer<typeof ProtocolError>;
