/** What the readers of a corpus give: its pieces, and the files that were passed over. */
import { createHash } from "node:crypto";
import { SurprisalError } from "../../errors.ts";
import type { MixtureShape } from "../../kernel/config.ts";
import type { Model } from "../../model/model.ts";
import { systemFault } from "../../util/system-fault.ts";
import type { Sequence } from "../batches.ts";

/** A file that begins as music or sound. */
export interface CorpusFile {
  readonly file: string; // path below the folder of the corpus
  read(): Promise<Uint8Array>;
}

/** A file that was read. */
export interface CorpusPiece {
  readonly file: string;
  readonly content: string; // equal of pieces that are the same music, in whatever key, or the same sound
  readonly sequences: readonly Sequence[]; // the piece, or the cuts of a recording
}

/** A file that was not, and why. */
export interface Unread {
  readonly file: string;
  readonly reason: string;
}

/** What a reader of one kind of file makes of them. */
export interface Reading {
  readonly kind: Model["kind"];
  readonly inputs: number; // D
  readonly mixture?: MixtureShape; // of speech
  readonly pieces: readonly CorpusPiece[];
  readonly unread: readonly Unread[];
  readonly notes: readonly string[]; // what its owner should know of the reading, a sentence each
  readonly described: Readonly<Record<string, string>>; // what checkpoints say of it
}

/** Reads each file that can be read, in turn. @throws what is no fault of a file */
export async function readEach<F extends { readonly file: string }, T>(
  files: readonly F[],
  read: (file: F) => T | Promise<T>,
): Promise<{ readonly read: T[]; readonly unread: Unread[] }> {
  const done: T[] = [];
  const unread: Unread[] = [];
  for (const each of files) {
    try {
      done.push(await read(each));
    } catch (error) {
      unread.push({ file: each.file, reason: reasonOf(error) });
    }
  }
  return { read: done, unread };
}

/** Why a file could not be read. @throws the error when it is not the file's */
export function reasonOf(error: unknown): string {
  if (error instanceof SurprisalError) return error.message;
  const fault = systemFault(error);
  if (fault === undefined) throw error;
  return fault;
}

/** sha256 of parts, one after the other, hex. */
export function hashOfParts(...parts: readonly (string | Uint8Array | Uint32Array | Float32Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
