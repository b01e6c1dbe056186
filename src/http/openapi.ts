/** The routes of the API -> its OpenAPI 3.1 document, which describes /v1, and the text of openapi.yaml. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "hono";
import { Document, isScalar, type Node, visit } from "yaml";
import { BatchLine } from "../schema/batch.ts";
import { BatchForm, PredictForm, PredictJson, ScoreForm, ScoreJson } from "../schema/body.ts";
import { InferRequest } from "../schema/protocol.ts";
import { addExamples } from "./examples.ts";
import { HEALTH, KEY, MODELS, PROTOCOL, SCORING } from "./tags.ts";

const DESCRIPTION = `Log-likelihoods and predictions of tanh RNN, LSTM and GRU models of music and of speech.

Logarithms are natural and amounts of information in nats. Every error is a problem document with a stable \`code\`, but for those of the Open Inference Protocol below /v2.
Options of a POST stand in the query or in its form or JSON body, but not in both.
Bodies may be compressed: \`Content-Encoding: gzip\` or \`deflate\`. Limits hold for what they decode to.
In the examples, which are answers of the models that the package ships, numbers have three decimals, and long lists, versions and states are cut.`;

export function openApiDocument<E extends Env>(api: OpenAPIHono<E>, version: string): object {
  // Registered by name, since the routes refer to bodies by name.
  api.openAPIRegistry.register("ScoreRequest", ScoreJson);
  api.openAPIRegistry.register("ScoreForm", ScoreForm);
  api.openAPIRegistry.register("BatchLine", BatchLine);
  api.openAPIRegistry.register("BatchForm", BatchForm);
  api.openAPIRegistry.register("PredictRequest", PredictJson);
  api.openAPIRegistry.register("PredictForm", PredictForm);
  api.openAPIRegistry.register("InferRequest", InferRequest);
  api.openAPIRegistry.registerComponent("securitySchemes", KEY, {
    type: "http",
    scheme: "bearer",
    description: "Where the server asks for keys: one of those that its operator has given out.",
  });
  const { webhooks: _, ...document } = api.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "surprisal",
      version,
      description: DESCRIPTION,
      contact: { name: "The surprisal authors" },
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [
      { url: "/v1", description: "The routes of this version." },
      {
        url: "/",
        description: "The same routes without a version, where clients of the Open Inference Protocol look.",
      },
    ],
    tags: [
      { name: SCORING, description: "Scores and predictions of pieces and recordings." },
      { name: MODELS, description: "The catalogue." },
      { name: HEALTH, description: "For load balancers." },
      {
        name: PROTOCOL,
        description:
          "Version 2, as KServe and Triton speak it, with binary tensor data. Errors have the protocol's own form.",
      },
    ],
    security: [],
  });
  addExamples(document);
  return document;
}

export function openApiYaml(described: object): string {
  const document = new Document(described, { aliasDuplicateObjects: false });
  // Lists of numbers in one line each, where there are many.
  visit(document.getIn(["components", "examples"], true) as Node, {
    Seq(_, list) {
      list.flow = list.items.every(isScalar);
    },
  });
  const text = document.toString({ lineWidth: 120 });
  return `# Written by \`npm run openapi\` from src/schema/ and src/http/routes.ts; do not edit.\n${text}`;
}
