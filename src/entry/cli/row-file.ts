/**
 * A table that grows by the rows of one file at a time, and that a later run goes on with. The rows of a file are appended in one
 * write; a run that was killed may have left half of them, so a later one drops the last file's rows and computes them again.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { extname } from "node:path";
import { expected } from "../../errors.ts";
import { unless } from "../../store/atomic.ts";
import { type Cell, csvRow, readCsvRow } from "../../util/csv.ts";
import { UsageError } from "./arguments.ts";
import type { Row } from "./rows.ts";

/** How rows are written. */
export interface Format {
  readonly heading: string; // the first line, if there is one
  readonly beginning: string; // of a table that has rows
  write(row: Row): string;
  read(line: string): Readonly<Record<string, unknown>>;
}

/** The format that a name ends with. @throws UsageError for another */
export function formatOf(name: string, columns: readonly string[]): Format {
  switch (extname(name).toLowerCase()) {
    case ".csv":
      return {
        heading: csvRow(columns),
        beginning: csvRow(columns),
        write: (row) => csvRow(columns.map((column) => row[column] as Cell)),
        read: (line) => {
          const cells = readCsvRow(line);
          return Object.fromEntries(columns.map((column, k) => [column, cells[k]]));
        },
      };
    case ".jsonl":
    case ".ndjson":
      return {
        heading: "",
        beginning: `{"${columns[0]}":"`,
        write: (row) => `${JSON.stringify(Object.fromEntries(columns.map((name) => [name, row[name] ?? null])))}\n`,
        read: (line) => JSON.parse(line),
      };
    default:
      throw new UsageError(expected("a name in --out that ends in .csv, .jsonl or .parquet", name));
  }
}

/** The rows of one file in a table. */
export interface Group {
  readonly file: string;
  readonly sha256: string;
  readonly options: string;
  readonly run: string;
  readonly error: string; // empty unless it could not be scored
  readonly start: number; // bytes
  end: number;
}

/**
 * The rows that an earlier run left, without those of the last file; none where there is no such table.
 * @throws UsageError when the file is no table of these columns.
 */
export async function groupsOf(path: string, format: Format): Promise<Group[]> {
  const groups: Group[] = [];
  if (!(await isTable(path, format))) return groups;
  for await (const { text, start, end } of linesOf(path, format.heading !== "")) {
    if (start < Buffer.byteLength(format.heading)) continue;
    const group = groupOf(path, text, format);
    const last = groups.at(-1);
    if (last && last.file === group.file && last.sha256 === group.sha256) last.end = end;
    else groups.push({ ...group, start, end });
  }
  groups.pop();
  return groups;
}

/** The rows of a table in which nothing is half. */
export async function* rowsIn(path: string, format: Format): AsyncGenerator<Row> {
  for await (const { text, start } of linesOf(path, format.heading !== "")) {
    if (start >= Buffer.byteLength(format.heading)) yield format.read(text);
  }
}

/** Whether there is a table, or the beginning of one. @throws UsageError when it is something else */
async function isTable(path: string, { beginning }: Format): Promise<boolean> {
  const file = await unless("ENOENT", open(path));
  if (!file) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(Buffer.byteLength(beginning)), 0);
    if (!beginning.startsWith(buffer.toString("utf8", 0, bytesRead))) throw otherTable(path);
    return true;
  } finally {
    await file.close();
  }
}

function groupOf(path: string, line: string, format: Format): Omit<Group, "start" | "end"> {
  try {
    const { file, sha256, options, run, error } = format.read(line);
    if (typeof file !== "string" || typeof run !== "string") throw otherTable(path);
    return { file, run, sha256: String(sha256 ?? ""), options: String(options ?? ""), error: String(error ?? "") };
  } catch (cause) {
    throw cause instanceof SyntaxError ? otherTable(path) : cause;
  }
}

const otherTable = (path: string) =>
  new UsageError(
    `${expected(`${path} to have the columns of this command`, "another file")} Name another one in --out.`,
  );

const [NEWLINE, QUOTE] = Buffer.from('\n"');

/** The whole lines of a file. @param quoted whether a line may have line ends between quotes, as in CSV */
async function* linesOf(path: string, quoted: boolean): AsyncGenerator<{ text: string; start: number; end: number }> {
  let start = 0;
  let parts: Buffer[] = [];
  let quotes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let k = 0; k < chunk.length; k++) {
      if (chunk[k] === QUOTE) quotes += 1;
      if (chunk[k] !== NEWLINE || (quoted && quotes % 2 === 1)) continue;
      const line = Buffer.concat([...parts, chunk.subarray(from, k + 1)]);
      yield { text: line.toString(), start, end: start + line.length };
      [start, from, parts, quotes] = [start + line.length, k + 1, [], 0];
    }
    parts.push(chunk.subarray(from));
  }
}

export interface RowFile {
  /** Appends the rows of a file in one write. */
  append(rows: readonly Row[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens a table with the rows of these groups alone, in their order. */
export async function openRows(path: string, format: Format, kept: readonly Group[]): Promise<RowFile> {
  const start = Buffer.byteLength(format.heading);
  const isBeginning = kept.every((group, k) => group.start === (k === 0 ? start : kept[k - 1].end));
  if (!isBeginning) await rewrite(path, format, kept);
  const file = await open(path, "a");
  const whole = isBeginning ? (kept.at(-1)?.end ?? 0) : undefined;
  if (whole !== undefined) await file.truncate(whole);
  if (whole === 0) await file.appendFile(format.heading);
  return {
    append: (rows) => file.appendFile(rows.map(format.write).join("")),
    close: () => file.close(),
  };
}

/** Leaves out the rows of files that have changed. The table is replaced as a whole: a run that is killed here loses nothing. */
async function rewrite(path: string, format: Format, kept: readonly Group[]): Promise<void> {
  const beside = `${path}.tmp`;
  const [old, next] = [await open(path), await open(beside, "w")];
  try {
    await next.appendFile(format.heading);
    for (const group of kept) await copy(old, next, group);
    await next.sync();
  } finally {
    await Promise.all([old.close(), next.close()]);
  }
  await rename(beside, path);
}

async function copy(from: FileHandle, to: FileHandle, { start, end }: Group): Promise<void> {
  const bytes = Buffer.alloc(end - start);
  await from.read(bytes, 0, bytes.length, start);
  await to.appendFile(bytes);
}
