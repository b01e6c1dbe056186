/** Rows of named cells -> lines for a terminal. */

export type Row = Readonly<Record<string, string>>;

export interface Column {
  readonly name: string;
  readonly width: number; // characters
  readonly numeric?: boolean; // its cells stand to the right
}

/** One line under columns whose widths are known before the rows are. */
export function line(columns: readonly Column[], row: Row): string {
  return columns
    .map(({ name, width, numeric }) => (numeric ? row[name].padStart(width) : row[name].padEnd(width)))
    .join("  ")
    .trimEnd();
}

/** The names of the columns, each above its cells. */
export const heading = (columns: readonly Column[]): string =>
  line(columns, Object.fromEntries(columns.map(({ name }) => [name, name])));

/** Columns under their names, in the order of the first row; columns of numbers stand to the right. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {}).map((name): Column => {
    const cells = rows.map((row) => row[name]);
    return {
      name,
      width: Math.max(name.length, ...cells.map((cell) => cell.length)),
      numeric: cells.every((cell) => /^-?[\d.,]+$/.test(cell)),
    };
  });
  return [heading(columns), ...rows.map((row) => line(columns, row))].join("\n");
}
