import { expect, test } from "vitest";
import { createMetrics } from "../../../src/entry/node/metrics.ts";
import { createApp } from "../../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { testModels } from "../../support/models.ts";

const models = testModels();
let [problems, waiting] = [0, 0];

async function observed() {
  const metrics = await createMetrics({
    models: () => models,
    load: () => ({ waiting, working: 2 }),
    problems: () => problems,
  });
  const app = createApp({
    models: () => models,
    limits: DEFAULT_LIMITS,
    version: "1",
    log: console.error,
    answered: metrics.answered,
  });
  const score = (body: object) => {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return app.request("/v1/score", init);
  };
  return { metrics, score, text: () => metrics.registry.metrics() };
}

test("requests, frames and NLL are counted by route, kind and model, and refusals by their cause", async () => {
  const { metrics, score, text } = await observed();
  const { scores } = await (await score({ pianoRoll: [[60], [62], [64]], models: "jsb/gru" })).json();
  await score({ pianoRoll: [[60], [62]], models: "none" });
  metrics.refused("request-timeout");
  const lines = await text();
  for (const line of [
    'surprisal_requests_total{method="POST",route="/score",status="200"} 1',
    'surprisal_requests_total{method="POST",route="/score",status="404"} 1',
    'surprisal_rejected_total{code="unknown-model"} 1',
    'surprisal_rejected_total{code="request-timeout"} 1',
    'surprisal_request_duration_seconds_count{route="/score",kind="music"} 1',
    'surprisal_frames_total{model="jsb/gru"} 3',
    `surprisal_nll_nats_sum{model="jsb/gru"} ${scores[0].nll}`,
    'surprisal_nll_nats_count{model="jsb/gru"} 1',
  ]) {
    expect(lines.split("\n")).toContain(line);
  }
  expect(lines).toMatch(/^surprisal_work_multiply_adds_total\{kind="music"\} [1-9]/m);
});

test("the queue, the store and the models are looked up when they are asked for", async () => {
  const { metrics, text } = await observed();
  [problems, waiting] = [1, 7];
  metrics.polled();
  const lines = (await text()).split("\n");
  expect(lines).toContain("surprisal_queue_depth 7");
  expect(lines).toContain("surprisal_requests_under_way 2");
  expect(lines).toContain("surprisal_store_problems 1");
  expect(lines).toContain("surprisal_store_errors_total 1");
  for (const { id, version } of models) {
    expect(lines).toContain(`surprisal_model_info{model="${id}",version="${version.slice(0, 12)}"} 1`);
  }
});
