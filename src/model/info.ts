/** Models -> what the catalogue says of them. */

import type { ModelInfo } from "../schema/model.ts";
import { metricsOf } from "./checkpoint.ts";
import { type Model, networksOf, parameterCount } from "./model.ts";
import { type Trained, taggedVersion } from "./music-model.ts";
import { recommendedModels } from "./select.ts";

/** What the catalogue says of each of the models at hand. */
export function modelInfos(models: readonly Model[]): ModelInfo[] {
  const recommended = new Set(recommendedModels(models));
  return models.map((model) => infoOf(model, recommended.has(model)));
}

/** @param recommended whether it answers when no models are named */
export function infoOf(model: Model, recommended: boolean): ModelInfo {
  const { id, kind, set, preset } = model;
  const networks = networksOf(model);
  return {
    id,
    version: taggedVersion(model.version),
    kind,
    set,
    preset,
    recommended,
    ...(model.kind === "music" && {
      head: networks[0].checkpoint.config.nade ? ("nade" as const) : ("bernoulli" as const),
    }),
    ...(networks.length === 1 ? ofNetwork(networks[0]) : { members: networks.map(({ id }) => id) }),
    metrics: model.kind === "music" ? model.metrics : metricsOf(model.checkpoint.metadata),
    parameters: parameterCount(model),
    ...(model.kind === "music"
      ? { pitches: model.pitches, framesPerQuarter: model.framesPerQuarter }
      : { sampleRate: model.sampleRate }),
  };
}

function ofNetwork({ checkpoint: { config, metadata } }: Trained) {
  const { cell, units } = config;
  return { cell, units, metadata: { ...metadata } };
}
