/** Files, folders and patterns on the command line -> the files of a corpus, in one order on every machine. */
import { isUtf8 } from "node:buffer";
import { readdir, stat } from "node:fs/promises";
import { matchesGlob } from "node:path";
import { expected } from "../../errors.ts";
import { unless } from "../../store/atomic.ts";
import { UsageError } from "./arguments.ts";

/** Of the files that a folder is searched for. */
const EXTENSIONS = /\.(mid|midi|kar|rmi|wav|wave|rf64|w64|aif|aiff|aifc|flac|mp3|ogg|oga|opus|webm|weba|mka|mp4|m4a)$/i;
const MAGIC = /[*?[{]/;

export interface CorpusFile {
  readonly path: Buffer; // as the system has it: a name may be no UTF-8
  readonly name: string; // the path as text; bytes that are no UTF-8 stand as \xE9
}

/**
 * The files that names stand for, each once, sorted by the bytes of their paths: a file; a folder with all music and audio below
 * it, without what is hidden; or a pattern such as corpus/**\/*.mid. A name that is nothing of these stays, as a file that cannot
 * be read.
 * @throws UsageError for a folder or pattern without a file
 */
export async function corpusOf(names: readonly string[]): Promise<CorpusFile[]> {
  const files = new Map<string, CorpusFile>();
  for (const name of names) {
    for (const file of await filesNamed(name)) files.set(file.path.toString("latin1"), file);
  }
  return [...files.values()].sort((a, b) => a.path.compare(b.path));
}

async function filesNamed(name: string): Promise<CorpusFile[]> {
  const found = await there(Buffer.from(name));
  if (found?.isDirectory())
    return someOf(await below(name), "MIDI or audio files in", name, EXTENSIONS.test.bind(EXTENSIONS));
  if (found || !MAGIC.test(name)) return [fileAt(Buffer.from(name))];
  const parts = name.split("/");
  const folder = parts
    .slice(
      0,
      parts.findIndex((part) => MAGIC.test(part)),
    )
    .join("/");
  const top = folder || (name.startsWith("/") ? "/" : ".");
  const all = (await there(Buffer.from(top)))?.isDirectory() ? await below(top) : [];
  const pattern = top === "." && !name.startsWith("./") ? `./${name}` : name;
  return someOf(all, "files that match", name, (path) => matchesGlob(path, pattern));
}

function someOf(files: readonly CorpusFile[], what: string, name: string, isWanted: (name: string) => boolean) {
  const wanted = files.filter((file) => isWanted(file.name));
  if (wanted.length === 0) throw new UsageError(expected(`${what} ${name}`, "none"));
  return wanted;
}

/** All files below a folder but hidden ones. Links to files are followed, links to folders are not: they may lead in a circle. */
async function below(folder: string | Buffer): Promise<CorpusFile[]> {
  const files: CorpusFile[] = [];
  const start = Buffer.from(folder);
  for (const entry of await readdir(start, { withFileTypes: true, encoding: "buffer" })) {
    if (entry.name[0] === DOT) continue;
    const path = Buffer.concat([start, start.at(-1) === SLASH ? "" : "/", entry.name].map((part) => Buffer.from(part)));
    if (entry.isDirectory()) files.push(...(await below(path)));
    else if (entry.isFile() || (entry.isSymbolicLink() && (await there(path))?.isFile())) files.push(fileAt(path));
  }
  return files;
}

const DOT = 46;
const SLASH = 47;

const there = (path: Buffer) => unless("ENOENT", unless("ENOTDIR", unless("ELOOP", stat(path))));

const fileAt = (path: Buffer): CorpusFile => ({ path, name: textOf(path) });

function textOf(path: Buffer): string {
  if (isUtf8(path)) return path.toString();
  const bytes = path.toString("latin1");
  return bytes.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}
