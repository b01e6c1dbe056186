/** Model -> what the catalogue says of it. */

import type { ModelInfo } from "../schema/model.ts";
import { metricsOf } from "./checkpoint.ts";
import { type Model, networksOf, parameterCount } from "./model.ts";
import { type Trained, taggedVersion } from "./music-model.ts";

export function modelInfo(model: Model): ModelInfo {
  const { id, kind, set, preset } = model;
  const networks = networksOf(model);
  return {
    id,
    version: taggedVersion(model.version),
    kind,
    set,
    preset,
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
