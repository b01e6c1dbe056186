/** Tables as comma-separated values (RFC 4180). */

export type Cell = string | number | boolean | null | undefined;

/** A row with its line end; a cell of null or undefined is empty. */
export const csvRow = (cells: readonly Cell[]): string => `${cells.map(written).join(",")}\r\n`;

export const csv = (rows: readonly (readonly Cell[])[]): string => rows.map(csvRow).join("");

function written(cell: Cell): string {
  const text = String(cell ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The cells of a row that csvRow wrote. */
export function readCsvRow(row: string): string[] {
  const cells = row.replace(/\r\n$/, "").matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return Array.from(cells, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}
