/** Tables in Markdown, and numbers as they stand in them. */
import type { Estimate } from "../src/util/statistics.ts";

/** What stands where there is no number. */
export const NONE = "–";

export const pair = (a: number, b: number) => `${a.toFixed(2)} / ${b.toFixed(2)}`;
export const withInterval = ({ value, low, high }: Estimate) =>
  `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
export const signed = (value: number, digits: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

/** Columns are padded, so that the table reads in a terminal too; numbers stand to the right. */
export function markdownTable(rows: readonly Readonly<Record<string, string>>[]): string {
  const columns = Object.keys(rows[0]).map((name) => {
    const cells = rows.map((row) => row[name]);
    const width = Math.max(name.length, ...cells.map(({ length }) => length));
    return cells.every((cell) => /^([\d−+–]|missing)/.test(cell))
      ? [name.padStart(width), `${"-".repeat(width - 1)}:`, ...cells.map((cell) => cell.padStart(width))]
      : [name.padEnd(width), "-".repeat(width), ...cells.map((cell) => cell.padEnd(width))];
  });
  return columns[0].map((_, line) => `| ${columns.map((column) => column[line]).join(" | ")} |`).join("\n");
}
