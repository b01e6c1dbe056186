/**
 * Rows -> a table in Parquet, by which pandas, R and DuckDB know the types of columns. A Parquet file ends with its index and
 * cannot grow, so rows are collected as JSON beside it, and written whole when all are there.
 */
import { open, rename, stat } from "node:fs/promises";
import { extname } from "node:path";
import { unless } from "../../store/atomic.ts";
import { UsageError } from "./arguments.ts";
import type { Columns, Row } from "./rows.ts";

/** The file that the rows of a table are appended to: the table itself unless that is Parquet. */
export const rowFileOf = (out: string): string => (extname(out).toLowerCase() === ".parquet" ? `${out}.jsonl` : out);

/** @throws UsageError when there is a finished table, which this run would not go on with but replace */
export async function checkUnfinished(out: string, rowFile: string): Promise<void> {
  if (rowFile === out || !(await unless("ENOENT", stat(out))) || (await unless("ENOENT", stat(rowFile)))) return;
  throw new UsageError(`${out} is finished already. Name another file in --out, or remove this one.`);
}

/**
 * Writes a table with columns of these types in place of what is there: all of it or nothing.
 * @throws Error when a cell has another type than its column
 */
export async function writeParquet(path: string, columns: Columns, rows: AsyncIterable<Row>): Promise<void> {
  const { fileWriter, parquetWriteRows } = await import("hyparquet-writer");
  const beside = `${path}.tmp`;
  await parquetWriteRows({
    writer: fileWriter(beside),
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    rows,
    createdBy: "surprisal",
  });
  const file = await open(beside, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}
