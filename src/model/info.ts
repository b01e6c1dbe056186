/** Model -> what the catalogue says of it. */

import type { ModelInfo } from "../schema/schema.ts";
import { countParameters, metricsOf } from "./checkpoint.ts";
import { type Model, type Network, taggedVersion } from "./music-network.ts";
import type { SpeechModel } from "./speech-network.ts";

export function modelInfo(model: Model): ModelInfo {
  const { id, kind, set, preset } = model;
  const networks = model.kind === "music" ? model.networks : [model];
  return {
    id,
    version: taggedVersion(model.version),
    kind,
    set,
    preset,
    ...(networks.length === 1 ? ofNetwork(networks[0]) : ofMixture(networks)),
    parameters: networks.reduce((sum, network) => sum + parameters(network), 0),
    ...(model.kind === "music"
      ? { pitches: model.pitches, framesPerQuarter: model.framesPerQuarter }
      : { sampleRate: model.sampleRate }),
  };
}

type Trained = Pick<Network | SpeechModel, "id" | "checkpoint">;

function ofNetwork({ checkpoint: { config, metadata } }: Trained) {
  const { cell, units } = config;
  return { cell, units, metrics: metricsOf(metadata), metadata: { ...metadata } };
}

const ofMixture = (networks: readonly Trained[]) => ({ members: networks.map(({ id }) => id), metrics: {} });

/** All weights, the output layer included. */
const parameters = ({ checkpoint: { config } }: Trained) =>
  countParameters(config) + config.outputs * (config.units + 1);
