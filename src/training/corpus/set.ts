/** A corpus and its split -> the set that a trainer reads. */
import { join } from "node:path";
import { expected, SurprisalError } from "../../errors.ts";
import { isRoll, type Sequence, stepCount } from "../batches.ts";
import { SPLITS, type Split, type TrainingSet } from "../datasets.ts";
import { type Moments, momentsOf } from "../speech.ts";
import { type CorpusPiece, hashOfParts } from "./piece.ts";
import type { Corpus } from "./read.ts";
import { type Parts, splitPieces } from "./split.ts";

/** Below this deviation a recording is dither alone; full scale = 1. */
const MIN_STD = 1e-4;

export type CorpusParts = Parts<CorpusPiece>;

/**
 * The split of a corpus: its owner's, if all files lie in folders train, valid and test, or else one drawn from the seed.
 * @throws SurprisalError as splitPieces
 */
export function splitCorpus({ pieces }: Corpus, seed: number): CorpusParts {
  const given = (split: Split) => pieces.filter(({ file }) => file.startsWith(join(split, "/")));
  const parts = { train: given("train"), valid: given("valid"), test: given("test") };
  const sizes = SPLITS.map((split) => parts[split].length);
  const isGiven = sizes.every((size) => size > 0) && sizes.reduce((a, b) => a + b) === pieces.length;
  return isGiven ? parts : splitPieces(pieces, seed);
}

/** What its owner should know of a split. */
export interface SplitCounts {
  readonly rows: readonly Readonly<Record<"part" | "pieces" | "sequences" | "scored", string>>[];
  readonly duplicates: number; // pieces that equal one before
  readonly onTwoSides: number; // pieces to validate or test with that training knows, as an owner's split may have them
}

export function countsOf(parts: CorpusParts): SplitCounts {
  const learned = new Set(parts.train.map(({ content }) => content));
  const all = SPLITS.flatMap((split) => parts[split]);
  return {
    rows: SPLITS.map((part) => {
      const sequences = parts[part].flatMap((piece) => piece.sequences);
      const scored = sequences.reduce((sum, sequence) => sum + stepCount(sequence), 0);
      return {
        part,
        pieces: String(parts[part].length),
        sequences: String(sequences.length),
        scored: String(scored),
      };
    }),
    duplicates: all.length - new Set(all.map(({ content }) => content)).size,
    onTwoSides: [...parts.valid, ...parts.test].filter(({ content }) => learned.has(content)).length,
  };
}

/**
 * The set of a split. Sound is standardised by its training samples.
 * @param moments by which it is standardised instead: those of the model that learns on
 */
export function trainingSetOf(corpus: Corpus, parts: CorpusParts, moments?: Moments): TrainingSet {
  const { name, inputs, mixture } = corpus;
  const sequences = (split: Split) => parts[split].flatMap((piece) => piece.sequences);
  const { mean, std } = moments ?? (mixture ? soundMoments(sequences("train")) : { mean: 0, std: 1 });
  const read = (split: Split): readonly Sequence[] =>
    sequences(split).map((each) => (isRoll(each) ? each : each.map((sample) => (sample - mean) / std)));
  const described = { ...corpus.described, ...(mixture && { mean: String(mean), std: String(std) }) };
  const [train, valid, test] = SPLITS.map(read);
  const bytes = [train, valid, test].flatMap((part) => part.flatMap(arraysOf));
  const sizes = [train, valid, test].map((part) => part.length);
  return {
    ...{ name, inputs, ...(mixture && { mixture }) },
    sha256: hashOfParts(JSON.stringify([sizes, described]), ...bytes),
    ...{ described, train, valid, test },
  };
}

/** @throws SurprisalError `missing-data` when all is silence */
function soundMoments(sequences: readonly Sequence[]): Moments {
  const moments = momentsOf(sequences.filter((sequence) => sequence instanceof Float32Array));
  if (moments.std >= MIN_STD) return moments;
  throw new SurprisalError("missing-data", expected("recordings with sound in them", "silence"));
}

const arraysOf = (sequence: Sequence): (Uint8Array | Uint32Array | Float32Array)[] =>
  isRoll(sequence) ? [sequence.offsets, sequence.pitches] : [sequence];
