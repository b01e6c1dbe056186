/** What a server on Node does -> metrics for Prometheus. docs/operations.md and the dashboard use these names. */
import type { Registry } from "prom-client";
import type { AccessRecord, Facts } from "../../http/record.ts";
import type { Model } from "../../model/model.ts";

/** What is looked up when Prometheus asks. */
export interface Sources {
  models(): readonly Model[];
  /** Requests that wait for a thread, and those that threads have. */
  load(): { readonly waiting: number; readonly working: number };
  /** Number of problems that the last poll of the store found. */
  problems(): number;
}

export interface Metrics {
  readonly registry: Registry;
  answered(record: AccessRecord): void;
  /** What models read, of a batch while it goes on. */
  learned(facts: Facts): void;
  /** For what was refused before it reached the app. @param code of the problem */
  refused(code: string): void;
  polled(): void;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** In nats: a density of speech has its own range, down to about -20 a block; music lies between 0 and 20 a frame. */
const NATS = [-20, -17.5, -15, -12.5, -10, -7.5, -5, -2.5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30];

export async function createMetrics(sources: Sources): Promise<Metrics> {
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `surprisal_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[] = []) =>
    new Histogram({ name: `surprisal_${name}`, help, buckets, labelNames, registers });
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    collect: (set: (labels: Partial<Record<Label, string>>, value: number) => void) => void,
  ) =>
    new Gauge({
      name: `surprisal_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        collect((labels, value) => this.set(labels, value));
      },
    });

  const requests = counter("requests_total", "Requests answered", ["method", "route", "status"]);
  const rejected = counter("rejected_total", "Requests answered with a problem, by its code", ["code"]);
  const duration = histogram("request_duration_seconds", "Time until the answer was ready", SECONDS, ["route", "kind"]);
  const queued = histogram("queue_duration_seconds", "Time that a request waited for a thread", SECONDS);
  const bytes = counter("body_bytes_total", "Bytes of bodies, as sent and as decoded");
  const work = counter("work_multiply_adds_total", "Work done for requests, stopped ones included", ["kind"]);
  const frames = counter("frames_total", "Frames of music, or blocks of audio, that a model read", ["model"]);
  const nll = histogram("nll_nats", "NLL of scored inputs, nats per frame or block", NATS, ["model"]);
  const storeErrors = counter("store_errors_total", "Polls of the store that found something that cannot be loaded");
  gauge("queue_depth", "Requests that wait for a thread", [], (set) => set({}, sources.load().waiting));
  gauge("requests_under_way", "Requests that threads work on", [], (set) => set({}, sources.load().working));
  gauge("store_problems", "Parts of the store that cannot be loaded", [], (set) => set({}, sources.problems()));
  gauge("model_info", "1 for each model that is served, with its version", ["model", "version"], (set) => {
    for (const { id, version } of sources.models()) set({ model: id, version: version.slice(0, 12) }, 1);
  });
  let [served, since] = ["", 0];
  gauge("models_loaded_timestamp_seconds", "When the models served now were first seen", [], (set) => {
    const versions = sources.models().map(({ id, version }) => `${id} ${version}`);
    if (versions.join() !== served) [served, since] = [versions.join(), Date.now() / 1000];
    set({}, since);
  });

  function learned({ readings = [] }: Facts): void {
    for (const reading of readings) {
      frames.inc({ model: reading.model }, reading.frames);
      if (reading.nll !== undefined) nll.observe({ model: reading.model }, reading.nll);
    }
  }

  return {
    registry,
    answered({ method, route, status, ms, code, kind = "none", queueMs, readings = [], ...rest }) {
      requests.inc({ method, route, status });
      if (code !== undefined) rejected.inc({ code });
      duration.observe({ route, kind }, ms / 1000);
      if (queueMs !== undefined) queued.observe(queueMs / 1000);
      bytes.inc(rest.bytes ?? 0);
      if (rest.work) work.inc({ kind }, rest.work.done);
      learned({ readings });
    },
    learned,
    refused: (code) => rejected.inc({ code }),
    polled() {
      if (sources.problems() > 0) storeErrors.inc();
    },
  };
}
