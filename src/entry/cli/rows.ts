/** An answer of /score -> the rows of a table: one for each model, or for each note and model. */
import { isMusic } from "../../schema/is-music.ts";
import type { NoteTime, Score, ScoreResponse } from "../../schema/score.ts";

/** The types of cells, by their names in Parquet. Any cell may be empty. */
type CellType = "STRING" | "BOOLEAN" | "INT32" | "DOUBLE";

/** The columns of a table in their order. */
export type Columns = Readonly<Record<string, CellType>>;

/** What every row of a table begins with and ends with; the names between are those of the API. */
const START: Columns = { file: "STRING", sha256: "STRING", model: "STRING" };
const END: Columns = { warnings: "STRING", error: "STRING", detail: "STRING", options: "STRING", run: "STRING" };

export const SCORE_COLUMNS: Columns = {
  ...START,
  version: "STRING",
  kind: "STRING",
  framesPerQuarter: "DOUBLE",
  scoredFrames: "INT32",
  scoredSamples: "INT32",
  logLikelihood: "DOUBLE",
  nll: "DOUBLE",
  nllPerQuarter: "DOUBLE",
  bitsPerSample: "DOUBLE",
  percentile: "DOUBLE",
  transposedBy: "INT32",
  best: "BOOLEAN",
  ...END,
};

export const NOTE_COLUMNS: Columns = {
  ...START,
  note: "INT32",
  onsetQuarters: "DOUBLE",
  durationQuarters: "DOUBLE",
  onsetSeconds: "DOUBLE",
  durationSeconds: "DOUBLE",
  bar: "INT32",
  beat: "DOUBLE",
  channel: "INT32",
  track: "INT32",
  pitch: "INT32",
  frame: "INT32",
  nll: "DOUBLE",
  bits: "DOUBLE",
  probabilitySounds: "DOUBLE",
  probabilityNext: "DOUBLE",
  frameNll: "DOUBLE",
  frameEntropy: "DOUBLE",
  unscored: "STRING",
  transposedBy: "INT32",
  ...END,
};

/** Cells (numbers, texts, booleans) by the names of their columns, and maybe more; what a row lacks is empty. */
export type Row = Readonly<Record<string, unknown>>;

/** One row for each model. */
export function scoreRows(response: ScoreResponse): Row[] {
  const best = new Set<string | null>(
    isMusic(response) ? response.bestByFrameRate.map(({ model }) => model) : [response.best],
  );
  return response.scores.map((score) => ({
    ...score,
    kind: response.input.kind,
    best: best.has(score.model),
    warnings: warningsOf(response, score),
  }));
}

/** One row for each note and model, the notes of a model in the order of their onsets. */
export function noteRows(response: ScoreResponse): Row[] {
  if (!isMusic(response)) return [];
  return response.scores.flatMap((score) => {
    const warnings = warningsOf(response, score);
    return notesOf(score).map((note, k) => ({
      model: score.model,
      transposedBy: score.transposedBy,
      note: k + 1,
      ...note,
      ...ofFrame(score, note.frame),
      warnings,
    }));
  });
}

type Note = { readonly [name in keyof NoteTime]?: number | undefined } & {
  readonly pitch: number;
  readonly frame: number | null;
};

/** All notes of the file, those without a score among them: a note has the same number under every model. */
function notesOf({ notes = [], unscored = [] }: Score): Note[] {
  const scored = notes.map(({ expected, probability, ...note }) => ({
    ...note,
    ...(note.nll !== null && { bits: note.nll / Math.LN2, probabilitySounds: Math.exp(-note.nll) }),
    probabilityNext: probability,
  }));
  const others = unscored.map(({ expected, probability, reason, ...note }) => ({
    ...note,
    unscored: reason,
    probabilityNext: probability,
  }));
  return [...scored, ...others].sort(byOnset);
}

const ORDER = ["onsetQuarters", "pitch", "channel", "track", "durationQuarters"] as const;

function byOnset(a: Note, b: Note): number {
  for (const name of ORDER) {
    const difference = (a[name] ?? 0) - (b[name] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const ofFrame = ({ perFrame, entropy }: Score, frame: number | null): Row =>
  frame === null ? {} : { frameNll: perFrame?.[frame], frameEntropy: entropy?.[frame] };

const warningsOf = ({ input }: ScoreResponse, { warnings }: ScoreResponse["scores"][number]): string =>
  [...new Set([...input.warnings, ...warnings].map(({ code }) => code))].join(" ");
