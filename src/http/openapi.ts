/** The routes of the API -> its OpenAPI 3.1 document, which describes /v1, and the text of openapi.yaml. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "hono";
import { stringify } from "yaml";
import { BatchLine } from "../schema/batch.ts";
import { BatchForm, PredictForm, PredictJson, ScoreForm, ScoreJson } from "../schema/body.ts";

const DESCRIPTION = `Log-likelihoods and predictions of tanh RNN, LSTM and GRU models of music and of speech.

Logarithms are natural and amounts of information in nats. Every error is a problem document with a stable \`code\`.
Options of a POST stand in the query or in its form or JSON body, but not in both.
Bodies may be compressed: \`Content-Encoding: gzip\` or \`deflate\`. Limits hold for what they decode to.`;

export function openApiDocument<E extends Env>(api: OpenAPIHono<E>, version: string): object {
  // Registered by name, since the routes refer to bodies by name.
  api.openAPIRegistry.register("ScoreRequest", ScoreJson);
  api.openAPIRegistry.register("ScoreForm", ScoreForm);
  api.openAPIRegistry.register("BatchLine", BatchLine);
  api.openAPIRegistry.register("BatchForm", BatchForm);
  api.openAPIRegistry.register("PredictRequest", PredictJson);
  api.openAPIRegistry.register("PredictForm", PredictForm);
  const { webhooks: _, ...document } = api.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "surprisal", version, description: DESCRIPTION, license: { name: "MIT" } },
    servers: [{ url: "/v1" }],
    security: [],
  });
  return document;
}

export const openApiYaml = (document: object): string =>
  `# Written by \`npm run openapi\` from src/schema/ and src/http/routes.ts; do not edit.\n${stringify(document, {
    aliasDuplicateObjects: false,
    lineWidth: 120,
  })}`;
