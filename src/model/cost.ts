/**
 * The work of a model, in multiply-adds of the kernel's matrix products; other work counts as the multiply-adds that take as
 * long. One core does about 20 billion a second. The factors were measured with the shipped models; bench/abuse.md shows how well they hold.
 */
import { type Config, GATES } from "../kernel/config.ts";

/** Of one frame or step beside its matrix products: rows are gathered and read back. */
const ROW = 2e4;
const EXPONENTIAL = 40;
/** Of one note in one frame, each time that the frame is shifted or read. */
export const NOTE_COST = 500;
/** Of one call of the kernel; a run that feeds back what it sampled calls it for every frame. */
export const CALL_COST = 2e5;
/** In JavaScript. */
const MULTIPLY_ADD = 40;
const DRAW = 400;
const TANH = 400;
/** Pitches that sound in a drawn frame; after each, all hidden units of a NADE head change. */
const SOUNDING = 4;

/** Of one frame or step that a network reads. */
export function stepCost({ cell, inputs, units, outputs, mixture, nade }: Config): number {
  const gateUnits = GATES[cell] * units;
  const dense = gateUnits * units + units * outputs + (mixture ? inputs * gateUnits : 0); // binary inputs are sparse
  const ofNade = nade ? nade.hidden * (units + outputs) : 0;
  return ROW + dense + ofNade + EXPONENTIAL * (gateUnits + outputs);
}

/** Of one frame, or block of samples, that is drawn from what a network says of it. */
export function drawCost({ outputs, nade }: Config): number {
  return outputs * (DRAW + (nade ? MULTIPLY_ADD * nade.hidden : 0)) + (nade ? SOUNDING * TANH * nade.hidden : 0);
}

/** Of a draw at a temperature: the higher it is, the more pitches sound. */
export const heated = (cost: number, temperature = 1): number => cost * Math.min(3, Math.max(1, temperature));

/** Of what one pitch of a frame adds to its NLL, by one network, see Outcomes. */
export const OUTCOME_COST = 3000;

/** A step of adaptive scoring, in plain steps (2.1 to 3.6, measured on all cells, heads and sizes). */
export const ADAPTIVE_STEPS = 4;
