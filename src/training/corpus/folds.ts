/** k-fold cross-validation: every piece of a corpus is scored by a model that has seen neither it nor anything equal to it. */
import { networkOf } from "../../model/model.ts";
import { writeFileAtomically } from "../../store/atomic.ts";
import type { PieceScore } from "../../util/statistics.ts";
import { readIfThere } from "../datasets.ts";
import { evaluateOn } from "../measure.ts";
import { type Run, run } from "../run.ts";
import { hashOfParts } from "./piece.ts";
import type { CorpusParts } from "./set.ts";

/** A piece and how well the model of its fold predicts it. */
export interface FoldScore extends PieceScore {
  readonly file: string;
  readonly fold: number; // from 1
}

/** What a fold came to. NLL in nats per frame or step. */
export interface FoldResult {
  readonly bestEpoch: string;
  readonly valid: number; // micro
  readonly scores: readonly FoldScore[];
}

/**
 * Trains the model of one fold and scores its test pieces. A fold that is done is not trained again: its result is kept in the
 * folder of the run.
 * @param fold from 1
 * @param engineName names the engine of the run
 */
export async function runFold(
  settings: Run,
  parts: CorpusParts,
  fold: number,
  engineName: string,
): Promise<FoldResult> {
  const { kernel, set, cell, protocol, folder, from } = settings;
  const identity = JSON.stringify([set.sha256, set.described, cell, protocol, engineName, from?.version, fold]);
  const path = `${folder}/${set.name}/fold-${hashOfParts(identity, kernel).slice(0, 8)}.json`;
  const kept = await readIfThere(path);
  if (kept) return JSON.parse(new TextDecoder().decode(kept));
  return run(settings, async (checkpoint) => {
    const model = networkOf(checkpoint, "", await WebAssembly.compile(kernel));
    const { pieces } = await evaluateOn(model, set.test);
    const scores: FoldScore[] = [];
    let start = 0;
    for (const { file, sequences } of parts.test) {
      scores.push({ file, fold, ...together(pieces.slice(start, start + sequences.length)) });
      start += sequences.length;
    }
    const { bestEpoch, validMicro } = checkpoint.metadata;
    const result: FoldResult = { bestEpoch, valid: Number(validMicro), scores };
    await writeFileAtomically(path, JSON.stringify(result));
    return result;
  });
}

/** The score of a piece of the scores of its cuts. */
function together(cuts: readonly PieceScore[]): PieceScore {
  const scoredFrames = cuts.reduce((sum, cut) => sum + cut.scoredFrames, 0);
  return { scoredFrames, nll: cuts.reduce((sum, cut) => sum + cut.scoredFrames * cut.nll, 0) / scoredFrames };
}

/** A line for each piece, under a heading (RFC 4180). */
export function foldsCsv(scores: readonly FoldScore[]): string {
  const lines = scores
    .toSorted((a, b) => (a.file < b.file ? -1 : 1))
    .map(({ file, fold, scoredFrames, nll }) => [quoted(file), fold, scoredFrames, nll].join(","));
  return `${["file,fold,scored,nll", ...lines].join("\r\n")}\r\n`;
}

const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
