/** What the optimizers are given and what they keep: RMSProp with momentum, and Adam (Kingma and Ba 2015). */
import type { Tensors } from "./config.ts";

export const OPTIMIZERS = ["rmsprop", "adam"] as const;
export type Optimizer = (typeof OPTIMIZERS)[number];

/** Settings of one step of the optimizer; training/protocol.ts has the defaults of the paper's authors. */
export interface OptimizerSettings {
  readonly optimizer?: Optimizer; // RMSProp unless given
  readonly learningRate: number;
  readonly decay: number; // of the mean square: ρ, Adam's β2
  readonly momentum: number; // μ, Adam's β1
  readonly floor: number; // least value of the root mean square; of Adam ε, which is added to it
  readonly maxNorm: number; // a longer gradient is rescaled to this norm
}

/** Settings of one update of the weights: the step of the optimizer, and regularisation around it. */
export interface UpdateSettings extends OptimizerSettings {
  readonly weightNoiseStd: number; // standard deviation of the weight noise
  readonly dropout: number; // probability with which a unit is hidden from the output layer
  readonly emaDecay: number; // of the exponential moving average of the weights; 0 keeps none
}

/** What the optimizer keeps of earlier updates. */
export interface OptimizerState {
  readonly meanSquare: Tensors;
  readonly velocity: Tensors; // of Adam the mean gradient
  readonly average: Tensors;
  readonly updates: number; // so far
}

/** What makes up for the zeros from which Adam's means begin, in its update number n, from 1 (Kingma and Ba 2015, algorithm 1). */
export const adamScales = ({ decay, momentum }: Pick<OptimizerSettings, "decay" | "momentum">, n: number) => ({
  mean: 1 / (1 - momentum ** n),
  square: 1 / (1 - decay ** n),
});
