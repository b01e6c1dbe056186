/** What an operator sees of a server on Node: a line of log for each request, and if they are set up, metrics and traces. */
import { once as emitted } from "node:events";
import { writeSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { MiddlewareHandler } from "hono";
import type { Env } from "../../http/deps.ts";
import { logFields } from "../../http/log.ts";
import type { AccessRecord, Facts } from "../../http/record.ts";
import { once } from "../../util/once.ts";
import { urlOf } from "./http-server.ts";
import { createMetrics, type Metrics, type Sources } from "./metrics.ts";

/** Settings of the environment, see settings() in local.ts. */
export interface Observed {
  readonly logLevel: string; // info, error or silent
  readonly metricsPort: number | undefined;
  readonly host: string;
  readonly traces: boolean;
}

/** The log of a level: JSON by pino, with the fields that logRequest has on other runtimes. */
async function openLog(level: string) {
  const { pino } = await import("pino");
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, { write });
}

/** pino's own writer tries for ever to write what is left when the process ends, though nobody reads it any more. */
function write(line: string): void {
  try {
    writeSync(process.stdout.fd, line);
  } catch {
    // Whoever read the log is gone; the server goes on.
  }
}

/** Delay before pino is loaded, which would take a third of the server's start: the first requests are answered before. */
const LOG_DELAY_MS = 500;

/** @throws Error when the port of the metrics cannot be opened. */
export async function observe({ logLevel, metricsPort, host, traces }: Observed, sources: Sources) {
  const stopping = new AbortController();
  const log = once(async () => {
    await setTimeout(LOG_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    return openLog(logLevel);
  });
  let written: Promise<void> = Promise.resolve();
  const note = (level: "info" | "error", fields: object, message: string) => {
    written = log().then((opened) => opened[level](fields, message));
  };
  const metrics = metricsPort === undefined ? undefined : await createMetrics(sources);
  const server = metrics && (await serveMetrics(metrics, metricsPort ?? 0, host));
  return {
    middleware: traces ? [await tracing()] : [],
    answered(record: AccessRecord) {
      note(record.status >= 500 ? "error" : "info", logFields(record), "request");
      metrics?.answered(record);
    },
    /** @param facts of a group of lines of a batch */
    learned: (facts: Facts) => metrics?.learned(facts),
    /** @param code of the problem with which something that is not a request was answered */
    refused(code: string) {
      note("info", { code }, "refused");
      metrics?.refused(code);
    },
    polled: () => metrics?.polled(),
    metricsUrl: server && `${urlOf(server)}/metrics`,
    /** Writes the lines that are still waiting. */
    async close() {
      stopping.abort();
      await written;
    },
  };
}

/** Serves the metrics on a port of their own, which a proxy does not pass on. */
async function serveMetrics({ registry }: Metrics, port: number, host: string) {
  const server = createServer(async (request, response) => {
    if (request.url === "/metrics") {
      response.writeHead(200, { "Content-Type": registry.contentType }).end(await registry.metrics());
    } else response.writeHead(404).end();
  });
  server.listen(port, host).unref(); // it does not keep the process alive
  await emitted(server, "listening");
  return server;
}

/** Spans by @hono/otel for whatever SDK of OpenTelemetry the process was started with. */
async function tracing(): Promise<MiddlewareHandler<Env>> {
  const { httpInstrumentationMiddleware } = await import("@hono/otel");
  return httpInstrumentationMiddleware({ serviceName: "surprisal" });
}
