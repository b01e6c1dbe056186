/** Small models with seeded random weights, for tests of all that is built on models. */
import { createHash } from "node:crypto";
import { CELLS, type Cell, mixtureOutputs } from "../../src/kernel/config.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { type Checkpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { SpeechNetwork } from "../../src/model/speech-network.ts";
import { pack, Random, randomFrames, randomTensors } from "./random.ts";
import { kernelModule } from "./wasm.ts";

export interface ModelShape {
  readonly set: string;
  readonly cell: Cell;
  readonly preset?: string;
  readonly pitches?: number;
  readonly units?: number;
  readonly hidden?: number | undefined; // units of a NADE head
  readonly framesPerQuarter?: number;
  readonly seed?: number;
}

export function randomCheckpoint({
  set,
  cell,
  preset = "paper",
  pitches = 96,
  units = 9,
  hidden,
  framesPerQuarter = 1,
  seed = 1,
}: ModelShape): Checkpoint {
  const config = { cell, inputs: pitches, units, outputs: pitches, ...(hidden && { nade: { hidden } }) };
  const tensors = randomTensors(config, new Random(seed));
  tensors.a.fill(-3); // so that about 5 of 96 pitches sound, not 48
  const metadata = {
    set,
    preset,
    framesPerQuarter: String(framesPerQuarter),
    adaptiveRate: "0.02",
    testMicro: "8.5",
    testMacro: "8.6",
  };
  return { config, tensors, metadata };
}

export function randomModel(shape: ModelShape): MusicNetwork {
  const checkpoint = randomCheckpoint(shape);
  const version = createHash("sha256").update(writeCheckpoint(checkpoint)).digest("hex");
  return new MusicNetwork(checkpoint, version, kernelModule);
}

/** Small models of audio, of three Gaussians over four samples from the eight before. */
export function randomSpeechNetwork({
  cell,
  seed = 1,
  units = 9,
}: {
  cell: Cell;
  seed?: number;
  units?: number;
}): SpeechNetwork {
  const mixture = { components: 3, block: 4 };
  const config = { cell, inputs: 8, units, outputs: mixtureOutputs(mixture), mixture };
  const random = new Random(seed);
  const tensors = randomTensors(config, random);
  tensors.a.set(random.normals(tensors.a.length, 0.5));
  const metadata = { set: "speech-short", preset: "paper", sampleRate: "8000", mean: "0.001", std: "0.1" };
  const checkpoint = { config, tensors, metadata };
  const version = createHash("sha256").update(writeCheckpoint(checkpoint)).digest("hex");
  return new SpeechNetwork(checkpoint, version, kernelModule);
}

/** One of each cell. */
export const testSpeechModels = (): SpeechNetwork[] =>
  CELLS.map((cell, k) => randomSpeechNetwork({ cell, seed: 10 + k }));

/** A seeded recording of two tones that swell and fade, with noise; full scale = 1. */
export function randomRecording(seed: number, samples: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: samples }, (_, t) => {
    const swell = 0.15 * (1 + Math.sin(t / 200));
    return swell * Math.sin(t / 5) + 0.05 * Math.sin(t / 1.7) + 0.01 * random.normal();
  });
}

/** Three cells on one grid, and a model of another frame rate and range. */
export const testModels = (): MusicNetwork[] => [
  randomModel({ set: "jsb", cell: "tanh", seed: 1 }),
  randomModel({ set: "jsb", cell: "lstm", seed: 2 }),
  randomModel({ set: "jsb", cell: "gru", seed: 3 }),
  randomModel({ set: "nottingham", cell: "gru", pitches: 70, framesPerQuarter: 2, seed: 4 }),
];

/** A seeded piece of lists of pitches 40 to 69, with a sounding first and last frame. */
export function randomPiece(seed: number, frames: number): number[][] {
  const random = new Random(seed);
  const piece = randomFrames(random, frames, 30, 3).map((frame) => frame.map((column) => column + 40));
  return piece.map((frame, t) => (frame.length === 0 && (t === 0 || t === frames - 1) ? [60] : frame));
}

/** NLL (frames - 1) and logits (frames - 1, D) of a piece by the kernel's reference implementation. */
export function plainNll(model: MusicNetwork | undefined, piece: readonly number[][]) {
  if (!model) throw new Error("No such model.");
  const { config, tensors } = model.checkpoint;
  const reference = new ReferenceKernel(config);
  reference.load(tensors);
  const { batch } = pack([piece.map((frame) => frame.map((pitch) => pitch - 1))]);
  return { nll: reference.forward(batch), logits: reference.logits() };
}
