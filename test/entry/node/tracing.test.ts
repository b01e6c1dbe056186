import { httpInstrumentationMiddleware } from "@hono/otel";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect, test } from "vitest";
import { createApp } from "../../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { testModels } from "../../support/models.ts";

test("each request is a span under its route", async () => {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const app = createApp({
    models: () => testModels(),
    limits: DEFAULT_LIMITS,
    version: "1",
    log: console.error,
    middleware: [httpInstrumentationMiddleware({ tracerProvider })],
  });
  const headers = { "Content-Type": "application/json" };
  await app.request("/v1/score", { method: "POST", headers, body: '{"pianoRoll":[[60],[62]],"models":"jsb/gru"}' });
  await app.request("/v1/models/jsb/none");
  const spans = exporter
    .getFinishedSpans()
    .map(({ attributes }) => [
      attributes["http.request.method"],
      attributes["http.route"],
      attributes["http.response.status_code"],
    ]);
  expect(spans).toEqual([
    ["POST", "/v1/score", 200],
    ["GET", "/v1/models/:set/:cell", 404],
  ]);
});
