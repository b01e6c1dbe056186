/**
 * Request -> envelope: what is to be scored, not yet decoded, and the options. A body is one of three: a form with a file,
 * JSON, or the bytes of a file; options stand in the query or beside the input in the body. content.ts decodes what it holds.
 */

import type { z } from "@hono/zod-openapi";
import { expected, SurprisalError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Work } from "../util/work.ts";
import type { Share } from "./admission.ts";
import { essence, isJson, readBody } from "./body.ts";
import type { Content } from "./content.ts";
import { parse } from "./fault.ts";
import { readForm } from "./form.ts";
import { readJson } from "./json.ts";

export type Schema<T> = z.ZodObject & z.ZodType<T>;

/** What reading a byte of JSON takes, in multiply-adds of the kernel: base64 and lists of numbers some 60 ns at most. */
export const JSON_BYTE_COST = 1200;

/** A request to /score or /predict, whose content is known but not decoded. */
export interface Envelope<Options> {
  readonly content: Content;
  readonly options: Options; // those of the query and of the body, checked
  readonly work: Work; // in which what was done to read it is counted
}

/** What reading a request takes and counts. */
export interface Reading {
  readonly limits: Limits;
  readonly share: Share; // of the bytes of all bodies
  /** @param sentBytes see Body */
  openWork(sentBytes: number): Work;
}

/**
 * Reads a whole request.
 * @param query options of the query, checked
 * @param schema of the options
 * @throws SurprisalError for every fault of the request, with the field that has it; `too-much-work` for JSON that would take
 * longer to parse than a body of its size may
 */
export async function readEnvelope<T extends object>(
  request: Request,
  query: T,
  schema: Schema<T>,
  { limits, share, openWork }: Reading,
): Promise<Envelope<T>> {
  const contentType = request.headers.get("content-type") ?? "";
  const type = essence(contentType);
  const { bytes, sentBytes } = await readBody(request, limits, share);
  const work = openWork(sentBytes);
  if (bytes.length === 0) {
    throw new SurprisalError(
      "malformed-request",
      expected("a body: a MIDI or audio file, a form with one, or JSON", "an empty one"),
    );
  }
  if (type === "multipart/form-data") {
    const { file, fields } = readForm(bytes, contentType);
    return { content: file, options: merge(query, parse(schema, fields)), work };
  }
  if (isJson(type)) {
    await countJson(bytes.length, work);
    const { content, fields } = readJson(bytes, contentType, limits);
    return { content, options: merge(query, parse(schema, fields)), work };
  }
  return { content: { form: "file", bytes, type }, options: query, work };
}

/** Counts the parsing of JSON. @throws SurprisalError `too-much-work` when it would take longer than the work may. */
export const countJson = (bytes: number, work: Work): Promise<void> =>
  work.single(bytes * JSON_BYTE_COST, `${bytes} bytes of JSON`);

/** @throws SurprisalError `malformed-request` when an option stands in both. */
function merge<T extends object>(query: T, body: T): T {
  const twice = Object.keys(body).find((name) => name in query);
  if (twice) {
    throw new SurprisalError("malformed-request", expected(`${twice} once`, "it in the query and in the body"));
  }
  return { ...query, ...body };
}
