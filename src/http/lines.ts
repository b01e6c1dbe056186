/** Bytes of NDJSON -> its lines (https://github.com/ndjson/ndjson-spec). */

import { expected, SurprisalError } from "../errors.ts";
import { joined } from "../util/joined.ts";
import type { BodyStream } from "./body-stream.ts";

/** The bytes of a line, or why it cannot be read. */
export type Line = Uint8Array | SurprisalError;

const NEWLINE = 0x0a;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d;

/**
 * Yields the lines that end in each piece of a body, blank ones left out. Of a line that is too long no more is kept than the
 * limit, and the lines after it are read as if nothing had happened.
 * @param maxBytes of a line
 */
export async function* linesOf(body: BodyStream, maxBytes: number): AsyncGenerator<Line[], void> {
  let begun: Uint8Array[] = []; // the line that has not ended yet
  let length = 0;
  const append = (part: Uint8Array) => {
    length += part.length;
    if (length <= maxBytes) begun.push(part);
    else begun = [];
  };
  const finish = (lines: Line[]) => {
    const line = length > maxBytes ? tooLong(maxBytes) : joined(begun);
    if (line instanceof SurprisalError || !line.every(isSpace)) lines.push(line);
    begun = [];
    length = 0;
    body.restart();
  };
  for await (const chunk of body) {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      append(chunk.subarray(from, end));
      finish(lines);
      from = end + 1;
    }
    if (from < chunk.length) append(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  const last: Line[] = [];
  if (length > 0) finish(last);
  if (last.length > 0) yield last;
}

const tooLong = (maxBytes: number) =>
  new SurprisalError("too-large", expected(`a line of at most ${maxBytes} bytes`, "more"));
