/** What its owner wants of a model of a corpus -> how it is trained. */
import { expected, SurprisalError } from "../../errors.ts";
import { CELLS, type Cell } from "../../kernel/config.ts";
import { MAX_NAME } from "../../limits.ts";
import type { Model } from "../../model/model.ts";
import type { Trained } from "../../model/music-model.ts";
import { MUSIC_SETS } from "../datasets.ts";
import { musicProtocol, PRESETS, type Preset, type Protocol, speechProtocol } from "../protocol.ts";
import { SPEECH_SETS } from "../speech.ts";

/**
 * The name of a set, as ids have it.
 * @throws SurprisalError `malformed-request` when no catalogue takes it, or a published set has it.
 */
export function checkSetName(name: string): string {
  const fault = (wanted: string) => new SurprisalError("malformed-request", expected(wanted, name || "no name"));
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > MAX_NAME / 2) {
    throw fault(`a name of at most ${MAX_NAME / 2} lower-case letters and digits, with hyphens between them`);
  }
  const published: readonly string[] = [...MUSIC_SETS, ...SPEECH_SETS];
  if (published.includes(name)) throw fault(`a name other than those of the published sets ${published.join(", ")}`);
  return name;
}

/** @throws SurprisalError `malformed-request` when there is no such cell or preset. */
export function protocolFor(
  kind: Model["kind"],
  { cell = "gru", preset = "paper" }: { cell?: string | undefined; preset?: string | undefined },
): { readonly cell: Cell; readonly protocol: Protocol } {
  const known = oneOf(CELLS, cell, "cells");
  if (kind === "music") return { cell: known, protocol: musicProtocol(known, oneOf(PRESETS, preset, "presets")) };
  oneOf(["paper"], preset, "presets of speech");
  return { cell: known, protocol: speechProtocol(known) };
}

/**
 * The same for training that goes on from a model, which has its cell, its sizes and its preset. It learns from the corpus alone, and
 * in smaller steps, so that it keeps what it knows.
 */
export function protocolFrom({ kind, checkpoint: { config, metadata } }: Trained & Pick<Model, "kind">): {
  readonly cell: Cell;
  readonly protocol: Protocol;
} {
  const { cell, units, nade } = config;
  const preset: Preset = PRESETS.find((known) => known === metadata.preset) ?? "paper";
  const { teachers: _, ...protocol } = protocolFor(kind, { cell, preset }).protocol;
  const learningRate = protocol.learningRate * FINE_TUNING_RATE;
  return { cell, protocol: { ...protocol, units, hidden: nade?.hidden ?? 0, learningRate } };
}

/**
 * Of the learning rate that starts from drawn weights. Validation chose (piano-midi/gru-nade on a split of openttd-openmsx, 2 frames a
 * quarter note, valid 6.735 as it was): at the whole rate nothing is better, at 0.3 6.535, at 0.1 6.392.
 */
const FINE_TUNING_RATE = 0.1;

function oneOf<T extends string>(known: readonly T[], given: string, what: string): T {
  const found = known.find((each) => each === given);
  if (found !== undefined) return found;
  throw new SurprisalError("malformed-request", expected(`one of the ${what} ${known.join(", ")}`, given || "none"));
}
