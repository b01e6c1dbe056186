/** The settings of a training as options of `train` and `search`; see Protocol in src/training/protocol.ts. */
import type { SETTINGS } from "../src/training/protocol.ts";

type Setting = (typeof SETTINGS)[number];

const ABOUT: Readonly<Record<Setting, string>> = {
  units: "hidden units",
  seed: "of all chance",
  epochs: "at most",
  patience: "epochs without a better validation NLL before stopping",
  batchSize: "pieces in a batch",
  bpttSteps: "frames between truncations of back-propagation",
  learningRate: "of the first epoch",
  finalRate: "share of the learning rate that is left at the end",
  decay: "of RMSProp's mean square",
  momentum: "of the updates",
  floor: "of the root mean square",
  maxNorm: "of the gradient",
  weightNoiseStd: "standard deviation of the weight noise",
  hidden: "units of the NADE head; 0 for independent pitches",
  transposedShare: "of the pieces of an epoch that are transposed at random",
  maxTransposition: "semitones up or down of such a piece",
  dropout: "probability of hiding a unit from the output layer",
  emaDecay: "decay of the average of the weights; 0 for none",
};

export const settingOptions = (names: readonly Setting[]) =>
  Object.fromEntries(names.map((name) => [name, { type: "string", value: "N", about: ABOUT[name] } as const]));
