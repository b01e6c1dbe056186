/**
 * The work of a model, in multiply-adds of the kernel's matrix products; other work counts as the multiply-adds that take as
 * long. One core does about 20 billion a second. The factors were measured with the shipped models; bench/abuse.md shows how well they hold.
 */
import { type Config, GATES } from "../kernel/config.ts";

/** For each frame or step, beside its matrix products: rows are gathered and read back. */
const ROW = 2e4;
const EXPONENTIAL = 40;
/** For each note of a frame, each time that the frame is shifted or read. */
export const NOTE_COST = 1000;
/** For each model that scores a piece, beside what its frames take. */
export const ANSWER_COST = 1e6;
/** For each call of the kernel; a run that feeds back what it sampled calls it for every frame. */
export const CALL_COST = 2e5;
/** A draw reads four pitches at a time and begins again after each that sounds, so its products are short. */
const SHORT_PRODUCTS = 2;
/** These run in JavaScript, and so take longer. */
const MULTIPLY_ADD = 40;
const DRAW = 400;
const MIXTURE_DRAW = 2000; // for each output of the head
const TANH = 400;
/** Pitches that sound in a drawn frame; after each, all hidden units of a NADE head change. */
const SOUNDING = 4;

/** The work of one frame or step that a network reads. */
export function stepCost({ cell, inputs, units, outputs, mixture, nade }: Config): number {
  const gateUnits = GATES[cell] * units;
  const dense = gateUnits * units + units * outputs + (mixture ? inputs * gateUnits : 0); // binary inputs are sparse
  const ofNade = nade ? nade.hidden * (units + outputs) : 0;
  return ROW + dense + ofNade + EXPONENTIAL * (gateUnits + outputs);
}

/** The work of drawing one frame, or block of samples, from the distribution that a network gives; NADE heads draw in the kernel. */
export function drawCost({ outputs, mixture, nade }: Config): number {
  if (mixture) return outputs * MIXTURE_DRAW;
  if (!nade) return outputs * DRAW;
  return SHORT_PRODUCTS * (outputs * (EXPONENTIAL + nade.hidden) + SOUNDING * EXPONENTIAL * nade.hidden);
}

/** The work of going through the pitches of a frame in JavaScript, as the search for the likeliest frames does at each step. */
export function passCost({ outputs, nade }: Config): number {
  return outputs * (DRAW + (nade ? MULTIPLY_ADD * nade.hidden : 0)) + (nade ? TANH * nade.hidden : 0);
}

/** The work of a draw at a temperature: the higher it is, the more pitches sound. */
export const heated = (cost: number, temperature = 1): number => cost * Math.min(3, Math.max(1, temperature));

/** The work of one term of Outcomes: what a pitch adds to the NLL of a frame under one network. */
export const OUTCOME_COST = 3000;

/** A step of adaptive scoring, in plain steps (2.7 to 3.8 over cells, heads and sizes, see bench/results.md). */
export const ADAPTIVE_STEPS = 4;
