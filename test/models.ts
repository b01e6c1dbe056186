/** Small models with seeded random weights, for tests of all that is built on models. */
import { createHash } from "node:crypto";
import { type Cell, type Checkpoint, writeCheckpoint } from "../src/checkpoint.ts";
import { Model } from "../src/model.ts";
import { kernelModule } from "./kernel/wasm.ts";
import { Random, randomTensors } from "./random.ts";

export interface ModelShape {
  readonly set: string;
  readonly cell: Cell;
  readonly pitches?: number;
  readonly units?: number;
  readonly framesPerQuarter?: number;
  readonly seed?: number;
}

export function randomCheckpoint({
  set,
  cell,
  pitches = 96,
  units = 9,
  framesPerQuarter = 1,
  seed = 1,
}: ModelShape): Checkpoint {
  const config = { cell, inputs: pitches, units, outputs: pitches };
  const tensors = randomTensors(config, new Random(seed));
  tensors.a.fill(-3); // so that about 5 of 96 pitches sound, not 48
  const metadata = {
    set,
    preset: "test",
    framesPerQuarter: String(framesPerQuarter),
    testMicro: "8.5",
    testMacro: "8.6",
  };
  return { config, tensors, metadata };
}

export function randomModel(shape: ModelShape): Model {
  const checkpoint = randomCheckpoint(shape);
  const version = createHash("sha256").update(writeCheckpoint(checkpoint)).digest("hex");
  return new Model({ id: `${shape.set}/${shape.cell}`, version }, checkpoint, kernelModule);
}

/** Three cells on one grid, and a model of another frame rate and range. */
export const testModels = (): Model[] => [
  randomModel({ set: "jsb", cell: "tanh", seed: 1 }),
  randomModel({ set: "jsb", cell: "lstm", seed: 2 }),
  randomModel({ set: "jsb", cell: "gru", seed: 3 }),
  randomModel({ set: "nottingham", cell: "gru", pitches: 70, framesPerQuarter: 2, seed: 4 }),
];
