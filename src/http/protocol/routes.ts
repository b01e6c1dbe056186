/** The routes of the Open Inference Protocol as openapi.yaml shows them. handlers.ts answers them. */
import { createRoute, z } from "@hono/zod-openapi";
import { Bytes } from "../../schema/body.ts";
import {
  InferResponse,
  ModelMetadata,
  ModelNamePath,
  ModelNames,
  ModelReady,
  ModelVersionPath,
  ProtocolError,
  ServerLive,
  ServerMetadata,
  ServerReady,
} from "../../schema/protocol.ts";
import { FOREIGN, KEYS, PROTOCOL } from "../tags.ts";

const tags = [PROTOCOL];

const json = <Schema>(schema: Schema, description: string) => ({
  content: { "application/json": { schema } },
  description,
});

const error = (description: string) => json(ProtocolError, description);

const foreign = { 403: error(FOREIGN) };
const unknown = { 404: error("No such model, or not in this version.") };
const NOT_READY = error("No model is loaded, or the queue is full.");

export const serverMetadataRoute = createRoute({
  method: "get",
  path: "/v2",
  operationId: "serverMetadata",
  tags,
  summary: "Name, version and extensions of the server",
  description: "What a client of the protocol asks first.",
  responses: { 200: json(ServerMetadata, "Of the server."), ...foreign },
});

export const serverLiveRoute = createRoute({
  method: "get",
  path: "/v2/health/live",
  operationId: "serverLive",
  tags,
  summary: "The server answers",
  description: "For a liveness probe.",
  responses: { 200: json(ServerLive, "It does."), ...foreign },
});

export const serverReadyRoute = createRoute({
  method: "get",
  path: "/v2/health/ready",
  operationId: "serverReady",
  tags,
  summary: "Models are loaded",
  description: "For a readiness probe: models are loaded and there is room for requests.",
  responses: { 200: json(ServerReady, "They are."), ...foreign, 503: NOT_READY },
});

export const modelNamesRoute = createRoute({
  method: "get",
  path: "/v2/models",
  operationId: "modelNames",
  tags,
  summary: "Names of the models",
  description: "By these names the other routes of the protocol know the models.",
  responses: { 200: json(ModelNames, "Of every model."), ...foreign },
});

/** Each route of a model without and with its version. */
const NAMED = "/v2/models/{name}";
const VERSIONED = "/v2/models/{name}/versions/{version}";

const metadata = {
  tags,
  summary: "Inputs and outputs of a model",
  description: "Their names, datatypes and shapes, and what else is to be known of its inputs.",
  method: "get",
} as const;
const metadataResponses = { 200: json(ModelMetadata, "Of the model."), ...foreign, ...unknown };
export const modelMetadataRoute = createRoute({
  ...metadata,
  path: NAMED,
  operationId: "modelMetadata",
  request: { params: ModelNamePath },
  responses: metadataResponses,
});
export const modelVersionMetadataRoute = createRoute({
  ...metadata,
  path: VERSIONED,
  operationId: "modelVersionMetadata",
  request: { params: ModelVersionPath },
  responses: metadataResponses,
});

const ready = {
  tags,
  summary: "A model is loaded",
  description: "For a readiness probe of one model.",
  method: "get",
} as const;
const readyResponses = { 200: json(ModelReady, "It is."), ...foreign, ...unknown };
export const modelReadyRoute = createRoute({
  ...ready,
  path: `${NAMED}/ready`,
  operationId: "modelReady",
  request: { params: ModelNamePath },
  responses: readyResponses,
});
export const modelVersionReadyRoute = createRoute({
  ...ready,
  path: `${VERSIONED}/ready`,
  operationId: "modelVersionReady",
  request: { params: ModelVersionPath },
  responses: readyResponses,
});

/** For the specification: headers come in lower case, where this finds nothing, and tensors.ts checks it. */
const headers = z.object({
  "Inference-Header-Content-Length": z.string().optional().openapi({
    description: "Bytes of the JSON, where tensors follow it as bytes.",
  }),
});

/** A reference, not a schema: tensors.ts reads the body. */
const body = {
  required: true,
  content: {
    "application/json": { schema: { $ref: "#/components/schemas/InferRequest" } },
    "application/octet-stream": { schema: Bytes },
  },
};

const inference = {
  method: "post",
  tags,
  security: KEYS,
  summary: "NLL of pieces or recordings and what follows them, as tensors",
  description:
    "One piece or recording, or a batch of them with their `lengths`. Music has `frames` of zeros and ones (length, pitches 1 to D), audio `samples` at the rate of the model, full scale = 1. With `state`, tokens of an earlier answer, the input holds only what is new, and there is no `nll`. Rows of a batch are padded by zeros: `nll` beyond `lengths - 1` frames, or the blocks that there are; of audio also `means` and `scales` beyond the samples that are left of a block, and a scale is 0 only there. `warnings` are those of /score, as JSON.",
} as const;
const inferResponses = {
  200: {
    content: { "application/json": { schema: InferResponse }, "application/octet-stream": { schema: Bytes } },
    description: "The outputs; as bytes after the JSON where they were asked for so.",
  },
  400: error("A malformed request, tensor or state."),
  401: error("No key, or an unknown one, where the server asks for keys."),
  ...foreign,
  ...unknown,
  408: error("The request arrives too slowly."),
  409: error("A state of another version of the model, or of an adaptive run."),
  413: error("Over a limit of bytes, frames, seconds, numbers in the answer, or work for a body of its size."),
  415: error("A Content-Encoding other than gzip and deflate."),
  422: error("Nothing to score."),
  429: error("The client has had its share of the server's work for now."),
  503: error("No models, the work was interrupted, or too many requests or bytes are under way."),
};
export const inferRoute = createRoute({
  ...inference,
  path: `${NAMED}/infer`,
  operationId: "infer",
  request: { params: ModelNamePath, headers, body },
  responses: inferResponses,
});
export const inferVersionRoute = createRoute({
  ...inference,
  path: `${VERSIONED}/infer`,
  operationId: "inferVersion",
  request: { params: ModelVersionPath, headers, body },
  responses: inferResponses,
});
