/** Rows of named cells -> lines for a terminal. */

/** Columns under their names, in the order of the first row; numbers to the right. */
export function columns(rows: readonly Readonly<Record<string, string>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => row[name].length)));
  const numeric = names.map((name) => rows.every((row) => /^-?[\d.,]+$/.test(row[name])));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  return [line(names), ...rows.map((row) => line(names.map((name) => row[name])))].join("\n");
}
