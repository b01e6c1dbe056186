/** What the scores say in words, and one row for each set of pieces that models learned from. */
import { useState } from "preact/hooks";
import type { AudioScore, MusicScoreResponse, Score, ScoreResponse } from "../schema/score.ts";
import { isMusic } from "./api.ts";
import { Scrollable } from "./scrollable.tsx";
import type { Settings } from "./settings.ts";
import { counted, place, setOf, setPieces, setTitle } from "./words.ts";

interface Props {
  readonly all: ScoreResponse;
  readonly model: string; // shown
  readonly title: string;
  readonly settings: Settings;
  readonly inBrowser: boolean; // scored
  onModel(model: string): void;
  onSettings(settings: Settings): void;
  onWhere(inBrowser: boolean): void;
}

type AnyScore = Score | AudioScore;

/** By what models of one set are ordered: nats per frame, or for recordings bits per sample. */
const measure = (score: AnyScore) => ("bitsPerSample" in score ? score.bitsPerSample : score.nll);
const percentileOf = (score: AnyScore) => ("percentile" in score ? score.percentile : undefined);

interface Row {
  readonly set: string;
  readonly best: AnyScore;
  readonly scores: readonly AnyScore[]; // the best first
}

function rowsOf(all: ScoreResponse): Row[] {
  const scores: readonly AnyScore[] = all.scores;
  const sets = Map.groupBy(scores, ({ model }) => setOf(model));
  const rows = [...sets].map(([set, own]) => {
    const sorted = own.toSorted((a, b) => measure(a) - measure(b));
    return { set, best: sorted[0], scores: sorted };
  });
  // First what the piece is like, by the test pieces of the sets; among those what a quarter note, or a sample, takes.
  const isUnlike = ({ best }: Row) => Number(percentileOf(best) === 100);
  const cost = ({ best }: Row) => ("nllPerQuarter" in best ? best.nllPerQuarter : measure(best));
  return rows.sort((a, b) => isUnlike(a) - isUnlike(b) || cost(a) - cost(b));
}

/** The model to show first. */
export const bestOf = (all: ScoreResponse): string => rowsOf(all)[0].best.model;

/** The verdict in a sentence. */
function verdictOf(all: ScoreResponse, [{ set, best }]: readonly Row[]): string {
  if (!isMusic(all)) {
    return `${best.model} codes this recording in ${measure(best).toFixed(2)} bits a sample; without a model it takes 16.`;
  }
  const percentile = percentileOf(best);
  const pieces = setPieces(set);
  if (percentile === undefined) return `${best.model} needs ${measure(best).toFixed(2)} nats a frame for this piece.`;
  return percentile >= 100
    ? `This is unlike all that the networks know: to the one that learned ${pieces} it is ${place(percentile, pieces)}.`
    : `To a network that learned ${pieces}, this is ${place(percentile, pieces)}.`;
}

/** Which model knows it best, or that one cannot tell. */
function knowsBest({ bestByFrameRate, comparisons = [] }: MusicScoreResponse): string {
  const clear = bestByFrameRate.map(({ model, framesPerQuarter }) => {
    const rivals = comparisons.filter((each) => each.comparedWith === model && setOf(each.model) !== setOf(model));
    const open = rivals
      .filter(({ better }) => better === null)
      .map((each) => setTitle(setOf(each.model)).toLowerCase());
    const rate =
      framesPerQuarter === 1
        ? "quarter notes"
        : framesPerQuarter === 2
          ? "eighth notes"
          : `${framesPerQuarter} frames a quarter`;
    const own = `Of the networks that read ${rate}, ${model} predicts it best`;
    return open.length > 0
      ? `${own}, but one cannot tell it from those of ${[...new Set(open)].join(" and ")}.`
      : `${own}.`;
  });
  return clear.join(" ");
}

export function Verdict({ all, title }: Pick<Props, "all" | "title">) {
  const { input } = all;
  const facts =
    input.kind === "music"
      ? [
          counted(input.notes, "note"),
          ...(input.durationQuarters === undefined
            ? []
            : [counted(Math.round(input.durationQuarters), "quarter note")]),
        ]
      : [`${input.durationSeconds.toFixed(1)} s`, `${input.sampleRate} Hz`];
  return (
    <div class="verdict" role="status">
      <h2>{title}</h2>
      <p class="first">{verdictOf(all, rowsOf(all))}</p>
      <p class="facts">{facts.join(" · ")}</p>
    </div>
  );
}

export function Scores({ all, model, settings, inBrowser, onModel, onSettings, onWhere }: Omit<Props, "title">) {
  const own = all.scores.find((each) => each.model === model)?.warnings ?? [];
  const warnings = [...new Set([...all.input.warnings, ...own].map(({ detail }) => detail))];
  return (
    <section class="scores" aria-labelledby="scores">
      <h2 id="scores">Who knows it best?</h2>
      {isMusic(all) && <p>{knowsBest(all)}</p>}
      <Sets rows={rowsOf(all)} model={model} isOfMusic={isMusic(all)} onModel={onModel} />
      {isMusic(all) && (
        <label class="switch">
          Transpose by
          <input
            type="number"
            min={-127}
            max={127}
            placeholder="automatic"
            value={settings.transpose}
            onChange={({ currentTarget }) => onSettings({ ...settings, transpose: currentTarget.value })}
          />
          <span class="hint">semitones; automatic moves the piece into the key in which a set's pieces stand</span>
        </label>
      )}
      {isMusic(all) && (
        <label class="switch">
          <input
            type="checkbox"
            checked={settings.adaptive === "true"}
            onChange={({ currentTarget }) => onSettings({ ...settings, adaptive: currentTarget.checked ? "true" : "" })}
          />
          Let the networks learn while they listen
          <span class="hint">what comes back in the piece then surprises them less</span>
        </label>
      )}
      <label class="switch">
        <input type="checkbox" checked={inBrowser} onChange={({ currentTarget }) => onWhere(currentTarget.checked)} />
        Score in this browser
        <span class="hint">the networks come here, and your file stays</span>
      </label>
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="What the numbers do not show">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface SetsProps {
  readonly rows: readonly Row[];
  readonly model: string;
  readonly isOfMusic: boolean;
  onModel(model: string): void;
}

function Sets({ rows, model, isOfMusic, onModel }: SetsProps) {
  const [open, setOpen] = useState(false);
  const unit = isOfMusic ? "nats a frame" : "bits a sample";
  return (
    <Scrollable label="Scores">
      <table class="sets">
        <caption>
          {isOfMusic
            ? "Mean surprise in nats a frame: the lower, the better the network knew what came. Frames of different sets are of different lengths."
            : "Bits that a sample takes: the fewer, the better the network knew what came."}
        </caption>
        <thead>
          <tr>
            <th scope="col">learned from</th>
            <th scope="col">network</th>
            <th scope="col" class="number">
              {unit}
            </th>
            {isOfMusic && <th scope="col">more surprising than</th>}
            {isOfMusic && (
              <th scope="col" class="number extra">
                shifted by
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.flatMap(({ set, scores }) =>
            (open ? scores : scores.slice(0, 1)).map((score, k) => (
              <tr key={score.model} class={score.model === model ? "shown" : ""}>
                <th scope="row">{k === 0 ? setTitle(set) : <span class="again">{setTitle(set)}</span>}</th>
                <td>
                  <button type="button" aria-pressed={score.model === model} onClick={() => onModel(score.model)}>
                    {score.model}
                  </button>
                </td>
                <td class="number">{measure(score).toFixed(isOfMusic ? 2 : 3)}</td>
                {isOfMusic && (
                  <td>
                    <Share percentile={percentileOf(score)} />
                  </td>
                )}
                {"transposedBy" in score && (
                  <td class="number extra">{`${score.transposedBy > 0 ? "+" : ""}${score.transposedBy}`}</td>
                )}
              </tr>
            )),
          )}
        </tbody>
      </table>
      <button type="button" class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "One network a set" : "All networks"}
      </button>
    </Scrollable>
  );
}

function Share({ percentile }: { percentile: number | undefined }) {
  if (percentile === undefined) return <span class="hint">not measured</span>;
  return (
    <span class="share">
      <span class="bar">
        <span style={{ width: `${percentile}%` }} />
      </span>
      {percentile >= 100 ? "all" : percentile <= 0 ? "none" : `${Math.max(1, Math.floor(percentile))} %`}
    </span>
  );
}
