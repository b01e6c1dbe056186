/** The routes as openapi.yaml shows them: what goes in and what comes out of each, by the schemas. app.ts answers them. */
import { createRoute, z } from "@hono/zod-openapi";
import { RETRY_AFTER_SECONDS } from "../limits.ts";
import { Bytes } from "../schema/body.ts";
import { ModelInfo, ModelList, ModelPath } from "../schema/model.ts";
import { PredictOptions, ScoreOptions } from "../schema/options.ts";
import { PredictResponse } from "../schema/predict.ts";
import { ScoreResponse } from "../schema/score.ts";
import { Health, Problem } from "../schema/service.ts";
import { FOREIGN, HEALTH, KEYS, MODELS, SCORING } from "./tags.ts";

const json = <Schema>(schema: Schema, description: string) => ({
  content: { "application/json": { schema } },
  description,
});

const problem = (description: string) => ({
  content: { "application/problem+json": { schema: Problem } },
  description,
});

/** A 503 or 429, after which the client may ask again. */
const unavailable = (description: string) => ({
  ...problem(description),
  headers: z.object({
    "Retry-After": z.int().openapi({ description: "Seconds after which to ask again.", example: RETRY_AFTER_SECONDS }),
  }),
});

/** A body of one of the three kinds. References, not schemas: request.ts reads the body, since a route reads only one kind. */
const body = (name: "Score" | "Predict") => ({
  required: true,
  content: {
    "multipart/form-data": { schema: { $ref: `#/components/schemas/${name}Form` } },
    "application/json": { schema: { $ref: `#/components/schemas/${name}Request` } },
    "audio/midi": { schema: Bytes },
    "audio/wav": { schema: Bytes },
    "audio/flac": { schema: Bytes },
    "audio/mpeg": { schema: Bytes },
    "audio/ogg": { schema: Bytes },
    "application/octet-stream": { schema: Bytes },
  },
});

/** Every route refuses the pages of foreign origins. */
const foreign = { 403: problem(FOREIGN) };

const evaluation = {
  400: problem("A malformed request, file, piano roll, list of samples or state."),
  401: problem("No key, or an unknown one, where the server asks for keys."),
  ...foreign,
  404: problem("No such model."),
  408: problem("The request arrives too slowly."),
  413: problem("Over a limit of bytes, frames, seconds, numbers in the answer, or work for a body of its size."),
  415: problem(
    "Neither MIDI nor audio, audio that this server cannot decode, or a Content-Encoding other than gzip and deflate.",
  ),
  422: problem("Nothing to score."),
  429: unavailable("The client has had its share of the server's work for now."),
  503: unavailable("No models, the work was interrupted, or too many requests or bytes are under way."),
};

export const scoreRoute = createRoute({
  method: "post",
  path: "/score",
  operationId: "score",
  security: KEYS,
  tags: [SCORING],
  summary: "Negative log-likelihood of a piece or recording under each chosen model",
  description:
    "A piece as MIDI or piano roll, or a recording. The answer has one score for each model that reads its kind.",
  request: { query: ScoreOptions, body: body("Score") },
  responses: { 200: json(ScoreResponse, "One score for each model."), ...evaluation },
});

export const batchRoute = createRoute({
  method: "post",
  path: "/batch",
  operationId: "batch",
  security: KEYS,
  tags: [SCORING],
  summary: "Many pieces or recordings, each scored as by /score",
  description:
    "One line of JSON for each piece, or a form or a ZIP archive with many files, of any length: answers are streamed in the order of the pieces while the request is still being sent. A piece that cannot be scored is answered with its problem, and the others go on. The query has options for all; those of a line come first. A fault of the whole request that shows once the answer has begun is its last line. Read the answer while you send: no more is read than is worked on, and no more is worked on than you read.",
  request: {
    query: ScoreOptions,
    body: {
      required: true,
      content: {
        "application/x-ndjson": { schema: { $ref: "#/components/schemas/ScoreRequest" } },
        "multipart/form-data": { schema: { $ref: "#/components/schemas/BatchForm" } },
        "application/zip": { schema: Bytes },
      },
    },
  },
  responses: {
    200: {
      content: { "application/x-ndjson": { schema: { $ref: "#/components/schemas/BatchLine" } } },
      description: "One line for each piece.",
    },
    ...evaluation,
  },
});

export const predictRoute = createRoute({
  method: "post",
  path: "/predict",
  operationId: "predict",
  security: KEYS,
  tags: [SCORING],
  summary: "Distribution of the next frame, or block of audio, under each chosen model, and a sampled continuation",
  description:
    "With `Accept: audio/midi` (music) or `audio/wav` (audio) the answer is the continuation of one model as a file; it needs `steps`.",
  request: { query: PredictOptions, body: body("Predict") },
  responses: {
    200: {
      content: {
        "application/json": { schema: PredictResponse },
        "audio/midi": { schema: Bytes },
        "audio/wav": { schema: Bytes },
      },
      description: "One prediction for each model.",
    },
    ...evaluation,
    406: problem("A file was asked for, but of several models, without steps or of the other kind."),
    409: problem("A state of another version of the model, or of an adaptive run."),
  },
});

export const modelsRoute = createRoute({
  method: "get",
  path: "/models",
  operationId: "listModels",
  tags: [MODELS],
  summary: "The models of this server",
  description: "With what was measured of each on its own data set.",
  responses: { 200: json(ModelList, "Every model."), ...foreign },
});

export const modelRoute = createRoute({
  method: "get",
  path: "/models/{set}/{cell}",
  operationId: "getModel",
  tags: [MODELS],
  summary: "One model; its version is the ETag",
  description: "As the list has it.",
  request: { params: ModelPath },
  responses: {
    200: json(ModelInfo, "The model."),
    304: { description: "If-None-Match names the version." },
    ...foreign,
    404: problem("No such model."),
  },
});

export const liveRoute = createRoute({
  method: "get",
  path: "/health/live",
  operationId: "live",
  tags: [HEALTH],
  summary: "The server answers",
  description: "For a liveness probe.",
  responses: { 200: json(Health, "It does."), ...foreign },
});

export const readyRoute = createRoute({
  method: "get",
  path: "/health/ready",
  operationId: "ready",
  tags: [HEALTH],
  summary: "Models are loaded",
  description: "For a readiness probe: models are loaded and there is room for requests.",
  responses: {
    200: json(Health, "They are."),
    ...foreign,
    503: unavailable("None is loaded, or the queue is full."),
  },
});
