/** multipart/form-data (RFC 7578) -> its one file, and its other fields as text. */

import { MaxPartsExceededError, type MultipartPart, parseMultipart } from "@remix-run/multipart-parser";
import { expected, SurprisalError } from "../errors.ts";
import { MAX_FILE_NAME, MAX_PARTS } from "../limits.ts";
import { essence } from "./body.ts";
import type { FileContent } from "./content.ts";
import { describe } from "./fault.ts";

/** RFC 2046, section 5.1.1. The parser relies on it: its search never ends for some boundaries of more than 251 characters. */
const MAX_BOUNDARY = 70;

export interface Form {
  readonly file: FileContent;
  readonly fields: Readonly<Record<string, string | readonly string[]>>; // a list where a name comes more than once
}

/**
 * Reads a form.
 * @param contentType with the boundary
 * @throws SurprisalError `malformed-request` when it is no form, has too many parts, or not exactly one file, named `file`.
 */
export function readForm(bytes: Uint8Array, contentType: string): Form {
  const parts = partsOf(bytes, boundaryOf(contentType));
  const own = parts.filter(({ name }) => name === "file");
  const files = own.length > 0 ? own : parts.filter((part) => part.isFile);
  const [file] = own;
  if (files.length > 1) {
    throw malformed(`${expected("one file in a form", `${files.length} files`)} Send one request for each file.`);
  }
  if (!file) {
    const other = files.length === 1 ? `one named ${describe(files[0].name)}` : "none";
    throw malformed(expected("a file in the form's field `file`", other));
  }
  if (!file.isFile) throw malformed(expected("a file in the form's field `file`", "text"));
  if (file.bytes.length === 0) throw malformed(expected("a MIDI or audio file in the form", "an empty file"));
  const fields = Object.create(null) as Record<string, string | readonly string[]>;
  for (const [name, group] of Map.groupBy(parts, (part) => part.name)) {
    if (name === "file") continue;
    if (group.some((part) => part.isFile)) {
      throw malformed(expected(`text in the form's field ${describe(name)}`, "a file"));
    }
    const texts = group.map((part) => textOf(part));
    fields[name] = texts.length === 1 ? texts[0] : texts;
  }
  return {
    file: { form: "file", bytes: file.bytes, type: file.type, name: fileName(file.filename) },
    fields,
  };
}

export interface Part {
  readonly name: string;
  readonly filename: string | undefined;
  readonly isFile: boolean;
  readonly type: string;
  readonly bytes: Uint8Array;
}

export function boundaryOf(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s";]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) {
    throw malformed(
      `${expected("a boundary in the Content-Type of a form", describe(contentType))} HTTP clients add it when they are left to set Content-Type themselves.`,
    );
  }
  if (boundary.length > MAX_BOUNDARY) {
    throw malformed(expected(`a form's boundary of at most ${MAX_BOUNDARY} characters`, boundary.length));
  }
  return boundary;
}

function partsOf(bytes: Uint8Array, boundary: string): readonly Part[] {
  const start = firstDelimiter(bytes, boundary);
  if (start === -1) {
    throw malformed(expected(`a form whose parts begin with the line ${describe(`--${boundary}`)}`, "none"));
  }
  if (bytes[start + boundary.length + 2] === 0x0a) {
    throw malformed(expected("a form whose lines end in CR LF, as RFC 2046 asks", "lines that end in LF alone"));
  }
  const limits = { maxParts: MAX_PARTS, maxFileSize: bytes.length, maxTotalSize: bytes.length };
  try {
    const parts: Part[] = [];
    for (const part of parseMultipart(bytes.subarray(start), { boundary, ...limits })) parts.push(partOf(part));
    return parts;
  } catch (cause) {
    if (cause instanceof SurprisalError) throw cause;
    if (cause instanceof MaxPartsExceededError)
      throw malformed(expected(`at most ${MAX_PARTS} parts in a form`, "more"));
    throw malformed(
      expected(
        `a form that ends with the line ${describe(`--${boundary}--`)} and whose headers are UTF-8 of at most 8 kB`,
        "another one",
      ),
      cause,
    );
  }
}

/** Where the first line that begins a part is; before it a form may have a preamble, which the parser does not know. */
function firstDelimiter(bytes: Uint8Array, boundary: string): number {
  const delimiter = Uint8Array.from(`--${boundary}`, (character) => character.charCodeAt(0));
  for (let at = 0; at !== -1; ) {
    if (delimiter.every((byte, i) => bytes[at + i] === byte)) return at;
    const lineEnd = bytes.indexOf(0x0a, at);
    at = lineEnd === -1 ? -1 : lineEnd + 1;
  }
  return -1;
}

/** The parser writes a warning to the log for a charset that it does not know; clients could fill the log by it. */
function checkNameCharsets(disposition: string): void {
  for (const [, charset] of disposition.replaceAll("\\", "").matchAll(/filename\*\s*=\s*"?([\w-]+)'/g)) {
    if (/^(utf-8|iso-8859-1)$/i.test(charset)) continue;
    throw malformed(expected("filename* in UTF-8 or ISO-8859-1, as in RFC 8187", describe(charset)));
  }
}

export function partOf(part: MultipartPart): Part {
  checkNameCharsets(part.headers["content-disposition"] ?? "");
  const { name, filename, headers, bytes } = part;
  if (name === undefined)
    throw malformed(expected("a name in the Content-Disposition of every part of a form", "none"));
  const type = essence(headers["content-type"] ?? "");
  return { name, filename, isFile: filename !== undefined || type === "application/octet-stream", type, bytes };
}

export function textOf({ name, bytes }: Part): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed(expected(`UTF-8 in the form's field ${describe(name)}`, "other bytes"), cause);
  }
}

/** What browsers write in the place of characters that would end the name: https://html.spec.whatwg.org/#multipart-form-data */
const ESCAPES: Readonly<Record<string, string>> = { "%22": '"', "%0D": "\r", "%0A": "\n" };

/** A name without folders and control characters, in the length that names of files have. */
export function fileName(given: string | undefined): string | undefined {
  const plain = given?.replace(/%(22|0D|0A)/gi, (escaped) => ESCAPES[escaped.toUpperCase()]);
  const base = plain
    ?.split(/[/\\]/)
    .at(-1)
    ?.replace(/\p{Cc}/gu, "");
  return base ? Array.from(base).slice(0, MAX_FILE_NAME).join("") : undefined;
}

const malformed = (sentence: string, cause?: unknown) => new SurprisalError("malformed-request", sentence, { cause });
