/** The settings of a training as options of `train`, `search` and `surprisal train`; see Protocol in training/protocol.ts. */
import { OPTIMIZERS } from "../../kernel/optimizer.ts";
import type { SETTINGS } from "../../training/targets.ts";

export type Setting = (typeof SETTINGS)[number];

const ABOUT: Readonly<Record<Setting, string>> = {
  optimizer: `${OPTIMIZERS.join(" or ")}, each with its own decay, momentum and floor unless given`,
  units: "hidden units",
  seed: "of all chance",
  epochs: "at most",
  patience: "epochs without a better validation NLL before stopping",
  batchSize: "pieces in a batch",
  bpttSteps: "frames between truncations of back-propagation",
  learningRate: "of the first epoch",
  finalRate: "share of the learning rate that is left at the end",
  decay: "of the mean square; Adam's β2",
  momentum: "of the updates; Adam's β1",
  floor: "of the root mean square; Adam's ε",
  maxNorm: "of the gradient",
  weightNoiseStd: "standard deviation of the weight noise",
  hidden: "units of the NADE head; 0 for independent pitches",
  transposedShare: "of the pieces of an epoch that are transposed at random",
  maxTransposition: "semitones up or down of such a piece",
  teachers: "models of the set whose average is the target, such as lstm-large,lstm-nade-large",
  dropout: "probability of hiding a unit from the output layer",
  emaDecay: "decay of the average of the weights; 0 for none",
};

const VALUES: Readonly<Partial<Record<Setting, string>>> = { optimizer: "NAME", teachers: "LIST" };

export const SETTING_NAMES = Object.keys(ABOUT) as Setting[];

/** A setting as an option of `surprisal`, such as learning-rate. */
export const optionNameOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @param optionOf the option of a setting; its name unless given */
export const settingOptions = (names: readonly Setting[], optionOf = (name: string) => name) =>
  Object.fromEntries(
    names.map((name) => [optionOf(name), { type: "string", value: VALUES[name] ?? "N", about: ABOUT[name] } as const]),
  );
