/** A group of the lines of a batch -> the lines of its answer, each the answer of /score or the problem. */
import { SurprisalError } from "../errors.ts";
import { lineWorkLimit, MAX_ID, MAX_PART_BYTES } from "../limits.ts";
import { ScoreOptions } from "../schema/options.ts";
import { Work } from "../util/work.ts";
import type { FileContent } from "./content.ts";
import type { Deps } from "./deps.ts";
import { parse } from "./fault.ts";
import { contentOf, parseObject } from "./json.ts";
import { problemDocument } from "./problem.ts";
import type { Facts } from "./record.ts";
import { countJson, type Envelope } from "./request.ts";
import { decodeEnvelope, scoreDecoded } from "./score.ts";

/** What a line of an answer is about. */
export type Item =
  | { readonly line: Uint8Array } // NDJSON
  | { readonly file: FileContent; readonly options: ScoreOptions } // of a form or an archive; its id is among the options
  | { readonly fault: SurprisalError; readonly id?: string | undefined };

/** Lines that follow each other, and what they have in common. */
export interface Group {
  readonly first: number; // index of its first line in the batch
  readonly items: readonly Item[];
  readonly sentShare: number; // bytes that were sent for each of its bytes
}

/** The answers to the first lines of a group. */
export interface Part {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number; // of lines
  readonly facts: Facts;
}

export interface Asked {
  readonly request: Request;
  readonly query: ScoreOptions; // for lines that do not say otherwise
  readonly requestId: string;
  readonly signal: AbortSignal;
}

export const bytesOf = (item: Item): number =>
  "line" in item ? item.line.length : "file" in item ? item.file.bytes.length : 0;

const encoder = new TextEncoder();

/** The text of a line, with its line end. @param answer JSON */
export const answerLine = (index: number, answer: object): string => `${JSON.stringify({ index, ...answer })}\n`;

export function problemLine(index: number, error: SurprisalError | undefined, asked: Asked, id?: string): string {
  const path = new URL(asked.request.url).pathname;
  const problem = problemDocument(error, path, asked.requestId);
  return answerLine(index, { ...(id !== undefined && { id }), problem });
}

/**
 * Scores the lines of a group one after the other, until they are all scored or their answers are long enough to be sent.
 * @throws the signal's reason once the client has left
 */
export async function scoreLines({ first, items, sentShare }: Group, deps: Deps, asked: Asked): Promise<Part> {
  let text = "";
  let [count, refused, done] = [0, 0, 0];
  const readings: NonNullable<Facts["readings"]>[number][] = [];
  for (const item of items) {
    if (text.length >= MAX_PART_BYTES) break;
    const index = first + count;
    const facts: Facts = {};
    const named: { id?: string } = {};
    const options = deps.workOptions?.(asked.request) ?? {};
    const before = done;
    const { pause } = options;
    const work = new Work({
      signal: asked.signal,
      ...options,
      limit: lineWorkLimit(deps.limits, sentShare * bytesOf(item)),
      // Beside other requests the whole group counts as one.
      ...(pause && { pause: (own) => pause({ done: before + own.done, expected: before + own.expected }) }),
    });
    try {
      const decoded = await decodeEnvelope(await envelopeOf(item, deps, asked.query, work, named), deps, facts);
      text += answerLine(index, await scoreDecoded(decoded, deps.limits, facts));
      readings.push(...(facts.readings ?? []));
    } catch (error) {
      const known = error instanceof SurprisalError ? error : undefined;
      if (!known && asked.signal.aborted) throw error;
      if (!known || known.status === 500) {
        deps.log(error, {
          id: asked.requestId,
          method: asked.request.method,
          path: new URL(asked.request.url).pathname,
        });
      }
      refused += 1;
      text += problemLine(index, known, asked, named.id);
    }
    done += work.done;
    count += 1;
  }
  return { bytes: encoder.encode(text), count, facts: { lines: count, refused, work: { done }, readings } };
}

/** @param named gets the id as soon as it is known, also of a line that is faulty otherwise */
async function envelopeOf(
  item: Item,
  { limits }: Deps,
  query: ScoreOptions,
  work: Work,
  named: { id?: string },
): Promise<Envelope<ScoreOptions>> {
  if ("fault" in item) {
    if (item.id !== undefined) named.id = item.id;
    throw item.fault;
  }
  if ("file" in item) {
    const { file, options } = item;
    if (options.id !== undefined) named.id = options.id;
    return { content: file, options, work };
  }
  await countJson(item.line.length, work);
  const body = parseObject(item.line, { what: "line" });
  if (typeof body.id === "string" && body.id !== "" && body.id.length <= MAX_ID) named.id = body.id;
  const { content, fields } = contentOf(body, limits);
  return { content, options: { ...query, ...parse(ScoreOptions, fields) }, work };
}
