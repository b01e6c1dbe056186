/**
 * How a model is trained: the paper's protocol and its settings. Chung et al. 2014, section 4: RMSProp, weight noise of
 * deviation 0.075, gradient norm rescaled to 1, learning rate and stopping chosen on validation. What the paper leaves
 * open is as in its authors' code: decay 0.95, floor 0.01, momentum 0.9, a learning rate that falls linearly to 1%.
 */
import type { Cell } from "../checkpoint.ts";
import chosen from "./chosen.json" with { type: "json" };

/** Units of the paper's music models (table 1): about 20,000 recurrent parameters each. */
export const PAPER_UNITS: Readonly<Record<Cell, number>> = { tanh: 100, lstm: 36, gru: 46 };

export interface Protocol {
  readonly preset: string;
  readonly units: number;
  readonly seed: number; // unsigned 32 bits
  readonly epochs: number; // at most
  readonly patience: number; // epochs without a better validation NLL before stopping
  readonly sequences: number; // pieces per update
  readonly steps: number; // frames between truncations of back-propagation; the state is carried over
  readonly rate: number; // learning rate of the first epoch
  readonly finalRate: number; // share of it that is left after `epochs`
  readonly decay: number; // of the mean square
  readonly momentum: number;
  readonly floor: number; // of the root mean square
  readonly maxNorm: number; // of the gradient of the mean NLL per frame
  readonly noise: number; // deviation of the weight noise
  readonly dropout: number; // probability with which a unit is hidden from the output layer
  readonly averaging: number; // decay of the average of the weights that is validated and kept; 0: the weights themselves
}

/** What holds for every model of the paper's preset. */
const PAPER = {
  preset: "paper",
  seed: 1,
  epochs: 200,
  patience: 40,
  sequences: 8,
  steps: 200,
  rate: 1e-3,
  finalRate: 0.01,
  decay: 0.95,
  momentum: 0.9,
  floor: 0.01,
  maxNorm: 1,
  noise: 0.075,
  dropout: 0,
  averaging: 0,
};

/** What was chosen for a model by its validation NLL, by its id. */
const CHOSEN: Readonly<Record<string, Partial<Protocol>>> = chosen;

/** Settings of the paper's preset, with those chosen for the model `<set>/<cell>`. */
export function paperProtocol(set: string, cell: Cell): Protocol {
  return { ...PAPER, units: PAPER_UNITS[cell], ...CHOSEN[`${set}/${cell}`] };
}
