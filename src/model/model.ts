/** Checkpoint + kernel -> the model that its head makes it. */
import { sizeOf, tensorShapes } from "../kernel/config.ts";
import type { Checkpoint, Metrics } from "./checkpoint.ts";
import type { MusicModel, Trained } from "./music-model.ts";
import { MusicNetwork } from "./music-network.ts";
import { SpeechNetwork } from "./speech-network.ts";

/** What a server serves; its kind is that of the input that it reads. */
export type Model = MusicModel | SpeechNetwork;

/** What one checkpoint makes. */
export type Network = MusicNetwork | SpeechNetwork;

/**
 * The model that a checkpoint makes, by its head.
 * @throws SurprisalError `malformed-checkpoint` when the metadata lack what its kind needs.
 */
export const networkOf = (
  checkpoint: Checkpoint,
  version: string,
  kernel: WebAssembly.Module,
  metrics: Metrics = {},
): Network =>
  checkpoint.config.mixture
    ? new SpeechNetwork(checkpoint, version, kernel)
    : new MusicNetwork(checkpoint, version, kernel, metrics);

/** All weights, the output layer included; of an ensemble, of all members. */
export const parameterCount = (model: Model): number =>
  networksOf(model)
    .flatMap(({ checkpoint }) => Object.values(tensorShapes(checkpoint.config)))
    .reduce((sum, shape) => sum + sizeOf(shape), 0);

/** What was trained: the model itself, or the members of an ensemble. */
export const networksOf = (model: Model): readonly Trained[] => (model.kind === "music" ? model.networks : [model]);
