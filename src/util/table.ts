/** Rows of named cells -> lines for a terminal. */

/** Columns under their names, in the order of the first row; columns of numbers stand to the right. */
export function table(rows: readonly Readonly<Record<string, string>>[]): string {
  const columns = Object.keys(rows[0] ?? {}).map((name) => {
    const cells = rows.map((row) => row[name]);
    const width = Math.max(name.length, ...cells.map((cell) => cell.length));
    const numeric = cells.every((cell) => /^-?[\d.,]+$/.test(cell));
    return [name, ...cells].map((cell) => (numeric ? cell.padStart(width) : cell.padEnd(width)));
  });
  return [-1, ...rows.keys()]
    .map((r) =>
      columns
        .map((column) => column[r + 1])
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
