/**
 * How a model is trained: the paper's protocol and its settings. Chung et al. 2014, section 4: RMSProp, weight noise of
 * deviation 0.075, gradient norm rescaled to 1, learning rate and stopping chosen on validation. What the paper leaves
 * open is as in its authors' code: decay 0.95, floor 0.01, momentum 0.9, a learning rate that falls linearly to 1%.
 */

import type { Cell } from "../kernel/config.ts";
import type { Optimizer } from "../kernel/optimizer.ts";

/** Units of the paper's models (table 1): about 20,000 recurrent parameters each in music, 169,000 in speech. */
export const PAPER_UNITS: Readonly<Record<Cell, number>> = { tanh: 100, lstm: 36, gru: 46 };
export const PAPER_SPEECH_UNITS: Readonly<Record<Cell, number>> = { tanh: 400, lstm: 195, gru: 227 };

export interface Protocol {
  readonly preset: string;
  readonly optimizer?: Optimizer; // RMSProp unless given
  readonly units: number;
  readonly hidden: number; // units of the NADE head; 0: independent pitches
  readonly seed: number; // unsigned 32 bits
  readonly epochs: number; // at most
  readonly patience: number; // epochs without a better validation NLL before stopping
  readonly batchSize: number; // pieces per update
  readonly bpttSteps: number; // frames between truncations of back-propagation; the state is carried over
  readonly transposedShare: number; // of the pieces of an epoch, drawn anew each time
  readonly maxTransposition: number; // semitones up or down
  readonly learningRate: number; // of the first epoch
  readonly finalRate: number; // share of it that is left after `epochs`
  readonly decay: number; // of the mean square; Adam's β2
  readonly momentum: number; // Adam's β1
  readonly floor: number; // of the root mean square; Adam's ε
  readonly maxNorm: number; // of the gradient of the mean NLL per frame
  readonly weightNoiseStd: number; // standard deviation of the weight noise
  readonly dropout: number; // probability with which a unit is hidden from the output layer
  readonly teachers?: string; // models of the set, such as lstm-large,lstm-nade-large, from which it learns in place of the truth
  readonly emaDecay: number; // decay of the moving average of the weights that is validated and kept; 0: the weights themselves
}

/**
 * Names of the presets: the paper's models and larger ones, each under independent pitches and under a NADE head; and the paper's
 * as larger ones teach them, or as they become when some pieces are transposed.
 */
export const PRESETS = ["paper", "large", "nade", "nade-large", "distilled", "transposed"] as const;
export type Preset = (typeof PRESETS)[number];

/** The paper's, and where it is silent those of its authors' code, see protocol.ts. */
export const PAPER: Omit<Protocol, "units"> = {
  preset: "paper",
  hidden: 0,
  seed: 1,
  epochs: 200,
  patience: 40,
  batchSize: 4,
  bpttSteps: 200,
  transposedShare: 0,
  maxTransposition: 0,
  learningRate: 1e-3,
  finalRate: 0.01,
  decay: 0.95,
  momentum: 0.9,
  floor: 0.01,
  maxNorm: 1,
  weightNoiseStd: 0.075,
  dropout: 0,
  emaDecay: 0,
};

/** What Adam takes for these settings where nothing else is said (Kingma and Ba 2015). */
export const ADAM = { optimizer: "adam", decay: 0.999, momentum: 0.9, floor: 1e-8 } as const;

/**
 * Beyond the paper: more units, held back by dropout and by stronger weight noise; steps in proportion to the gradient's own
 * size (a lower floor); and an average of the weights, which is what the noise is around.
 */
const LARGE: Partial<Protocol> = {
  preset: "large",
  units: 200,
  epochs: 60,
  patience: 12,
  floor: 0.001,
  weightNoiseStd: 0.2,
  dropout: 0.3,
  emaDecay: 0.998,
};

/**
 * The paper's cells under a NADE head, which says how the pitches of a frame depend on each other. What it learns of chords
 * holds in every key, so transposition helps much more than with independent pitches, and less noise is needed. Validation
 * chose (GRU on JSB Chorales, 60 epochs, valid 5.06): twice the noise 5.17, a share of 0.85 5.19. At a rate of 5e-3 the
 * larger sets diverge.
 */
const NADE: Partial<Protocol> = {
  preset: "nade",
  hidden: 64,
  epochs: 100,
  patience: 60,
  transposedShare: 0.7,
  maxTransposition: 5,
  learningRate: 3e-3,
  weightNoiseStd: 0.03,
};

/**
 * More units and a wider head, held back as those of `large` are. Tried on JSB Chorales, valid NLL: LSTM, 60 epochs, noise and
 * dropout of 0.1 and 0.3: 4.88, of 0.05 and 0.5: 4.82; 120 epochs, 0.1 and 0.3: 4.72, 0.075 and 0.5: 4.76; 200 epochs, 0.1 and 0.3: 4.70. GRU, 120 epochs,
 * 0.03 and 0.5: 4.83; on the larger sets it diverges at this rate.
 */
const NADE_LARGE: Partial<Protocol> = {
  ...NADE,
  preset: "nade-large",
  units: 200,
  hidden: 128,
  floor: 0.001,
  weightNoiseStd: 0.1,
  dropout: 0.3,
  emaDecay: 0.998,
};

/**
 * The paper's cells and independent pitches, taught by the average of two larger models, one of which knows chords. Validation
 * chose (GRU on JSB Chorales, 150 epochs, valid NLL): Adam 8.132, RMSProp at 1e-3 8.133; with weight noise of 0.075 8.212; with
 * 0.3 of the truth in the targets 8.161.
 */
const DISTILLED: Partial<Protocol> = {
  preset: "distilled",
  ...ADAM,
  teachers: "lstm-large,lstm-nade-large",
  epochs: 150,
  patience: 60,
  learningRate: 3e-3,
  weightNoiseStd: 0.02,
  emaDecay: 0.998,
};

/**
 * The paper's cells and independent pitches by its protocol, but that some pieces are transposed a little and the weights are
 * averaged. Validation chose (LSTM on Nottingham, 200 epochs, valid NLL static and adaptive): without either 3.542 and 3.171, this 3.447 and
 * 3.079; a share of 0.3 by up to 5 semitones 3.472 static. Adam was worse: with half the weight noise it finds sharper minima,
 * from which a network learns less of a piece (a share of 0.2, noise of 0.02: 3.533 and 3.303).
 */
const TRANSPOSED: Partial<Protocol> = {
  preset: "transposed",
  patience: 200,
  transposedShare: 0.1,
  maxTransposition: 3,
  emaDecay: 0.998,
};

/** Of a preset on sets of music, beyond PAPER. */
const CHANGES: Readonly<Record<Preset, Partial<Protocol>>> = {
  paper: {},
  large: LARGE,
  nade: NADE,
  "nade-large": NADE_LARGE,
  distilled: DISTILLED,
  transposed: TRANSPOSED,
};

/**
 * In speech the noise of the paper, summed over hundreds of units, would hide the samples that the means are to meet. More
 * sequences side by side make the matrix products of the larger models fast. A lower floor (GRU, short, 5 epochs at 0.0003
 * and 0.001: valid -11.0 at 0.0001, -8.5 at 0.001), and an average of the weights, since without one validation jumps.
 * Rates tried on the long set, valid after 8 of 50 epochs: GRU 0.00017: -11.31, 0.000345: -11.19, 0.0007: -10.99; LSTM 0.00024:
 * -10.65, 0.00048: -10.96, 0.001: -10.60; tanh 0.000064: -10.17, 0.00009: -10.08, 0.000128: -9.74.
 */
const SPEECH_CHANGES: Partial<Protocol> = {
  epochs: 20,
  patience: 20,
  batchSize: 16,
  bpttSteps: 100,
  learningRate: 5e-4,
  floor: 1e-4,
  weightNoiseStd: 0,
  emaDecay: 0.998,
};

/** Settings of a preset on any set of music. */
export const musicProtocol = (cell: Cell, preset: Preset): Protocol => ({
  ...PAPER,
  units: PAPER_UNITS[cell],
  ...CHANGES[preset],
});

/** Settings on any set of speech, which has one preset. */
export const speechProtocol = (cell: Cell): Protocol => ({
  ...PAPER,
  ...SPEECH_CHANGES,
  units: PAPER_SPEECH_UNITS[cell],
});
