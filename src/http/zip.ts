/** A ZIP archive -> its files, as they arrive (APPNOTE.TXT 6.3), without a folder ever being written. */
import { Unzip, type UnzipFile, UnzipInflate } from "fflate/browser"; // which needs nothing of Node
import { expected, SurprisalError } from "../errors.ts";
import { type Limits, MAX_FILE_NAME } from "../limits.ts";
import type { ScoreOptions } from "../schema/options.ts";
import type { Item } from "./batch-lines.ts";
import type { BodyStream } from "./body-stream.ts";

/** Of deflated data, which becomes up to 1032 times as much: 4 MB. */
const SLICE_BYTES = 2 ** 12;

/**
 * Yields the files of an archive; folders, and what systems add to them, are passed over. A file that is larger than the limit
 * or damaged is a fault in its place. Names that stand in the archive twice are two files.
 * @throws SurprisalError `malformed-request` when it is no archive, or ends early.
 */
export async function* filesOfZip(
  body: BodyStream,
  query: ScoreOptions,
  { bodyBytes }: Limits,
): AsyncGenerator<Item[], void> {
  let ready: Item[] = [];
  let found = 0;
  let unpacked = 0; // bytes of the file that has not ended yet which are not held yet
  const unzip = new Unzip((entry) => {
    found += 1;
    const grow = (bytes: number) => {
      unpacked += bytes;
    };
    if (isFile(entry.name)) collect(entry, bodyBytes, query, grow, (item) => ready.push(item));
  });
  unzip.register(UnzipInflate);
  const push = (slice: Uint8Array, isLast: boolean) => {
    try {
      unzip.push(slice, isLast);
    } catch (cause) {
      throw malformed(expected("a whole ZIP archive", "a damaged one, or a part of one"), cause);
    }
  };
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      push(chunk.subarray(at, at + SLICE_BYTES), false);
      await body.hold(unpacked);
      unpacked = 0;
      if (ready.length === 0) continue;
      body.restart();
      for (const item of ready) yield [item];
      ready = [];
    }
  }
  push(new Uint8Array(), true);
  for (const item of ready) yield [item];
  if (found === 0) throw malformed(expected("a ZIP archive with files", "bytes that hold none"));
}

/** Not folders, nor the files that macOS and Windows leave in them. */
const isFile = (path: string) => !/(\/|(^|\/)(__MACOSX\/.*|\.[^/]*|Thumbs\.db|desktop\.ini))$/.test(path);

/** @param grow is told how many bytes more the file takes */
function collect(
  entry: UnzipFile,
  maxBytes: number,
  query: ScoreOptions,
  grow: (bytes: number) => void,
  give: (item: Item) => void,
): void {
  const id = entry.name.replace(/\p{Cc}/gu, "").slice(-MAX_FILE_NAME);
  const name = id.split(/[/\\]/).at(-1);
  const parts: Uint8Array[] = [];
  let length = 0;
  let isOver = false;
  const refuse = (fault: SurprisalError) => {
    if (isOver) return;
    isOver = true;
    parts.length = 0;
    give({ fault, id });
  };
  entry.ondata = (cause, data, isLast) => {
    if (isOver) return;
    if (cause)
      return refuse(malformed(expected("deflated or stored files in a ZIP archive", "another or damaged one"), cause));
    length += data.length;
    if (length > maxBytes) {
      return refuse(new SurprisalError("too-large", expected(`a file of at most ${maxBytes} bytes`, "more")));
    }
    parts.push(data);
    grow(data.length);
    if (!isLast) return;
    isOver = true;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    give({ file: { form: "file", bytes, type: "", name }, options: { id, ...query } });
  };
  try {
    entry.start();
  } catch (cause) {
    refuse(malformed(expected("deflated or stored files in a ZIP archive", "another kind of compression"), cause));
  }
}

const malformed = (sentence: string, cause?: unknown) => new SurprisalError("malformed-request", sentence, { cause });
