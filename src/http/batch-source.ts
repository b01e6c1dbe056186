/** The body of a batch -> its pieces, as they arrive. */
import { expected, SurprisalError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { ScoreOptions } from "../schema/options.ts";
import { filesOfForm } from "./batch-form.ts";
import type { Item } from "./batch-lines.ts";
import { essence } from "./body.ts";
import type { BodyStream } from "./body-stream.ts";
import { linesOf } from "./lines.ts";

const LINES = /^application\/(x-ndjson|ndjson|jsonl|x-jsonlines|jsonlines)$/;

/**
 * @param query options of files; a line has them from the query where it has none of its own
 * @throws SurprisalError `unsupported-media-type` for a body of another type; while it is read, as streamBody and the readers
 * of the types.
 */
export function itemsOf(
  request: Request,
  body: BodyStream,
  query: ScoreOptions,
  limits: Limits,
): AsyncGenerator<readonly Item[], void> {
  const contentType = request.headers.get("content-type") ?? "";
  const type = essence(contentType);
  if (LINES.test(type)) return itemsOfLines(body, limits);
  if (type === "multipart/form-data") return filesOfForm(body, contentType, query, limits);
  if (type === "application/zip" || type === "application/x-zip-compressed") return filesOfArchive(body, query, limits);
  const wanted = "a body of application/x-ndjson, multipart/form-data or application/zip";
  throw new SurprisalError("unsupported-media-type", expected(wanted, type || "one without a Content-Type"));
}

async function* itemsOfLines(body: BodyStream, { jsonBytes, bodyBytes }: Limits): AsyncGenerator<Item[], void> {
  for await (const lines of linesOf(body, Math.min(jsonBytes, bodyBytes))) {
    yield lines.map((line) => (line instanceof SurprisalError ? { fault: line } : { line }));
  }
}

async function* filesOfArchive(...args: [BodyStream, ScoreOptions, Limits]): AsyncGenerator<readonly Item[], void> {
  const { filesOfZip } = await import("./zip.ts"); // few batches are archives
  yield* filesOfZip(...args);
}
