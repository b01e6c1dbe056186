/** The files that were chosen together as a table: how surprising each is, or why it cannot be scored. */
import { useState } from "preact/hooks";
import type { Entry } from "./files.ts";
import { type AnyScore, measure, percentileOf } from "./ranking.ts";
import { Scrollable } from "./scrollable.tsx";
import { listed, share } from "./words.ts";

interface Props {
  readonly entries: readonly Entry[];
  readonly file: File | null; // that is shown
  onFile(file: File): void;
}

type Order = "file" | "surprise";

const unitOf = (score: AnyScore) => ("bitsPerSample" in score ? "bits a sample" : "nats a frame");

const COMPARE: Readonly<Record<Order, (a: Entry, b: Entry) => number>> = {
  file: (a, b) => a.file.name.localeCompare(b.file.name),
  // The most surprising first, then those that are still asked for, and what cannot be scored last.
  surprise: (a, b) => rankOf(b) - rankOf(a),
};
const rankOf = ({ score, fault }: Entry) =>
  score ? measure(score) : fault === null ? Number.MIN_SAFE_INTEGER : Number.NEGATIVE_INFINITY;

export function FilesTable({ entries, file, onFile }: Props) {
  const [order, setOrder] = useState<Order | null>(null); // null: as they were chosen
  const rows = order ? entries.toSorted(COMPARE[order]) : entries;
  const models = [...new Set(entries.flatMap(({ score }) => (score ? [score.model] : [])))];
  const header = (name: string, own: Order) => (
    <th scope="col" aria-sort={order !== own ? "none" : own === "file" ? "ascending" : "descending"}>
      <button type="button" class="quiet" onClick={() => setOrder(order === own ? null : own)}>
        {name}
      </button>
    </th>
  );
  return (
    <Scrollable label="Your files">
      <table class="files">
        <caption>
          {models.length > 0 ? `Your files, as ${listed(models)} heard them` : "Your files"}; press a column’s name to
          sort by it
        </caption>
        <thead>
          <tr>
            {header("file", "file")}
            {header("surprise", "surprise")}
            <th scope="col">more surprising than</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((entry) => (
            <tr key={entries.indexOf(entry)} class={entry.file === file ? "shown" : ""}>
              <th scope="row">
                {entry.fault === null ? (
                  <button type="button" aria-pressed={entry.file === file} onClick={() => onFile(entry.file)}>
                    {entry.file.name}
                  </button>
                ) : (
                  entry.file.name
                )}
              </th>
              <Outcome {...entry} />
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}

function Outcome({ score, fault }: Entry) {
  if (fault !== null) {
    return (
      <td colSpan={2} class="unread">
        Not scored: {fault}
      </td>
    );
  }
  if (!score) return <td colSpan={2}>…</td>;
  const percentile = percentileOf(score);
  return (
    <>
      <td>
        {measure(score).toFixed(2)} {unitOf(score)}
      </td>
      <td>{percentile === undefined ? <span class="hint">not measured</span> : share(percentile)}</td>
    </>
  );
}
