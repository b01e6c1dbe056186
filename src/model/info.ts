/** Model -> what the catalogue says of it. */

import { sizeOf, tensorShapes } from "../kernel/config.ts";
import type { ModelInfo } from "../schema/model.ts";
import { metricsOf } from "./checkpoint.ts";
import { type Model, networksOf } from "./model.ts";
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
    ...(networks.length === 1 ? ofNetwork(networks[0]) : ofEnsemble(networks)),
    parameters: networks.reduce((sum, network) => sum + parameters(network), 0),
    ...(model.kind === "music"
      ? { pitches: model.pitches, framesPerQuarter: model.framesPerQuarter }
      : { sampleRate: model.sampleRate }),
  };
}

function ofNetwork({ checkpoint: { config, metadata } }: Trained) {
  const { cell, units } = config;
  return { cell, units, metrics: metricsOf(metadata), metadata: { ...metadata } };
}

const ofEnsemble = (networks: readonly Trained[]) => ({ members: networks.map(({ id }) => id), metrics: {} });

/** All weights, the output layer included. */
const parameters = ({ checkpoint: { config } }: Trained) =>
  Object.values(tensorShapes(config)).reduce((sum, shape) => sum + sizeOf(shape), 0);
