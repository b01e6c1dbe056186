/** Names on the command line -> files in memory -> pieces and recordings; and what is wrong with a file, in words for its user. */
import { readFile, stat } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { SurprisalError } from "../../errors.ts";
import { isAudio } from "../../formats/audio.ts";
import { decode } from "../../formats/decoders.ts";
import { isMidi } from "../../formats/midi.ts";
import { decodeContent } from "../../http/content.ts";
import type { Input } from "../../inference/answer.ts";
import { DEFAULT_LIMITS, type Limits, MAX_FRAMES, MAX_LOCAL_SECONDS } from "../../limits.ts";
import { systemFault } from "../../util/system-fault.ts";
import { type CorpusFile, corpusOf } from "./corpus.ts";

/** Files at hand may be longer than those that a server takes. */
export const LIMITS: Limits = { ...DEFAULT_LIMITS, frames: MAX_FRAMES, seconds: MAX_LOCAL_SECONDS };

export interface File {
  readonly name: string;
  read(): Promise<Uint8Array>;
}

const named = (name: string): File => ({ name, read: () => readFile(name) });
const ofCorpus = ({ name, path }: CorpusFile): File => ({ name, read: () => readFile(path) });

/**
 * The files that arguments name, those of folders and patterns as corpusOf finds them. What `-` stands for is standard input
 * itself if it begins as MIDI or audio, or else the files that its lines name, if the first of them is there.
 */
export async function filesOf(names: readonly string[]): Promise<File[]> {
  const files = await Promise.all(
    names.map(async (name) =>
      name === "-" ? fromInput(await standardInput()) : (await corpusOf([name])).map(ofCorpus),
    ),
  );
  return files.flat();
}

export const standardInput = (): Promise<Uint8Array> => buffer(process.stdin);

const linesOf = (bytes: Uint8Array): string[] => new TextDecoder().decode(bytes).split(/\r?\n/).filter(Boolean);

/** Names with those that standard input lists, one a line, in place of `-`. */
export async function listedNames(names: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(names.map(async (name) => (name === "-" ? linesOf(await standardInput()) : [name])));
  return lists.flat();
}

async function fromInput(bytes: Uint8Array): Promise<File | File[]> {
  if (!isMidi(bytes) && !isAudio(bytes)) {
    const names = linesOf(bytes);
    const [first] = names;
    if (first !== undefined && !first.includes("\0") && (await isThere(first))) return names.map(named);
  }
  return { name: "-", read: async () => bytes };
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** @throws SurprisalError for every fault of a file's contents. */
export const readInput = (bytes: Uint8Array, options: Parameters<typeof decodeContent>[1]): Promise<Input> =>
  decodeContent({ form: "file", bytes, type: "" }, options, { limits: LIMITS, decode });

export interface FileProblem {
  readonly code: string; // of ErrorCode, or unreadable-file
  readonly detail: string;
}

/** What is wrong with a file. @throws the error when it is not the file's */
export function problemOf(error: unknown): FileProblem {
  if (error instanceof SurprisalError) return { code: error.code, detail: error.message };
  const detail = systemFault(error);
  if (detail === undefined) throw error;
  return { code: "unreadable-file", detail };
}
