/** Model -> what the catalogue says of it. */
import { type Checkpoint, countParameters } from "./checkpoint.ts";
import type { Model, Network } from "./model.ts";
import type { ModelInfo } from "./schema.ts";

export function modelInfo(model: Model): ModelInfo {
  const { id, set, preset, pitches, framesPerQuarter, networks } = model;
  return {
    id,
    version: `sha256:${model.version}`,
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
  const metrics = { ...measured("valid", metadata), ...measured("test", metadata) };
  return { cell, units, metrics, metadata: { ...metadata } };
}

const ofMixture = (networks: readonly Network[]) => ({ members: networks.map(({ id }) => id), metrics: {} });

/** All weights, the output layer included. */
const parameters = ({ checkpoint: { config } }: Network) =>
  countParameters(config) + config.outputs * (config.units + 1);

/** NLL of a split, if it was measured, from metadata such as `testMicro`. */
function measured(split: "valid" | "test", metadata: Checkpoint["metadata"]): ModelInfo["metrics"] {
  const [micro, macro] = [Number(metadata[`${split}Micro`]), Number(metadata[`${split}Macro`])];
  return Number.isFinite(micro) && Number.isFinite(macro) ? { [split]: { micro, macro } } : {};
}
