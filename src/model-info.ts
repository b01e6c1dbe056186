/** Model -> what the catalogue says of it. */
import { type Checkpoint, countParameters } from "./checkpoint.ts";
import type { Model } from "./model.ts";
import { frameRate } from "./music.ts";
import type { ModelInfo } from "./schema.ts";

export function modelInfo(model: Model): ModelInfo {
  const { config, metadata } = model.checkpoint;
  return {
    id: model.id,
    version: `sha256:${model.version}`,
    kind: "music",
    cell: config.cell,
    units: config.units,
    parameters: countParameters(config) + config.outputs * (config.units + 1),
    pitches: model.pitches,
    framesPerQuarter: frameRate(model),
    metrics: { ...measured("valid", metadata), ...measured("test", metadata) },
    metadata: { ...metadata },
  };
}

/** NLL of a split, if it was measured, from metadata such as `testMicro`. */
function measured(split: "valid" | "test", metadata: Checkpoint["metadata"]): ModelInfo["metrics"] {
  const [micro, macro] = [Number(metadata[`${split}Micro`]), Number(metadata[`${split}Macro`])];
  return Number.isFinite(micro) && Number.isFinite(macro) ? { [split]: { micro, macro } } : {};
}
