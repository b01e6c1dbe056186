/** Model -> what the catalogue says of it. */
import { countParameters, metricsOf } from "./checkpoint.ts";
import { type Model, type Network, taggedVersion } from "./model.ts";
import type { ModelInfo } from "./schema.ts";

export function modelInfo(model: Model): ModelInfo {
  const { id, set, preset, pitches, framesPerQuarter, networks } = model;
  return {
    id,
    version: taggedVersion(model.version),
    kind: "music",
    set,
    preset,
    ...(networks.length === 1 ? ofNetwork(networks[0]) : ofMixture(networks)),
    parameters: networks.reduce((sum, network) => sum + parameters(network), 0),
    pitches,
    framesPerQuarter,
  };
}

function ofNetwork({ checkpoint: { config, metadata } }: Network) {
  const { cell, units } = config;
  return { cell, units, metrics: metricsOf(metadata), metadata: { ...metadata } };
}

const ofMixture = (networks: readonly Network[]) => ({ members: networks.map(({ id }) => id), metrics: {} });

/** All weights, the output layer included. */
const parameters = ({ checkpoint: { config } }: Network) =>
  countParameters(config) + config.outputs * (config.units + 1);
