/**
 * Request -> Piece or Recording, and options. A body is one of three: a form with a file, JSON with a piano roll or samples, or
 * the bytes of a file; options stand in the query or beside the input in the body.
 */

import type { z } from "@hono/zod-openapi";
import { SurprisalError } from "../errors.ts";
import { type Decoder, isAudio, readAudio } from "../formats/audio.ts";
import { parseMidi } from "../formats/midi.ts";
import { pianoRoll } from "../formats/piano-roll.ts";
import type { Input } from "../inference/answer.ts";
import { checkFrames, type Piece, pieceOfMidi, pieceOfRoll } from "../inference/piece.ts";
import { type Recording, recordingOf } from "../inference/recording.ts";
import { type Limits, MAX_PARTS } from "../limits.ts";
import { Frames, SampleRate, Samples } from "../schema/body.ts";

interface Options {
  readonly models?: readonly string[] | undefined;
  readonly channels?: readonly number[] | undefined;
}

/** What a server can read. */
export interface Reader {
  readonly limits: Limits;
  /** Whether there are models of audio. @param models the patterns of a request: others may be left out of consideration */
  hears(models?: readonly string[]): boolean | Promise<boolean>;
  readonly decode?: Decoder | undefined; // of audio that is not WAV
}

/**
 * Reads a whole request.
 * @param query options of the query, checked
 * @throws SurprisalError for every fault of the request, with the field that has it
 */
export async function readInput<T extends Options>(
  request: Request,
  query: T,
  schema: z.ZodObject & z.ZodType<T>,
  reader: Reader,
): Promise<{ input: Input; options: T }> {
  const { limits } = reader;
  const contentType = request.headers.get("content-type") ?? "";
  const type = essence(contentType);
  const isJson = /^application\/([\w.-]+\+)?json$/.test(type);
  const bytes = await readBody(request, isJson ? Math.min(limits.jsonBytes, limits.bodyBytes) : limits.bodyBytes);
  if (bytes.length === 0) {
    throw new SurprisalError(
      "malformed-request",
      "The body is empty; wanted a MIDI or audio file, a form with a file, or JSON.",
    );
  }
  if (type === "multipart/form-data") {
    const { file, fileType, fields } = await readForm(bytes, contentType);
    const options = merge(query, parse(schema, fields));
    return { input: await readFile(file, fileType, options, reader), options };
  }
  if (isJson) {
    checkCharset(contentType);
    const { pianoRoll: frames, samples, sampleRate, ...fields } = readJson(bytes);
    const options = merge(query, parse(schema, fields));
    if (samples === undefined && sampleRate === undefined) return { input: rollOf(frames, options, limits), options };
    if (frames !== undefined) {
      throw new SurprisalError("malformed-request", "Found pianoRoll beside samples or sampleRate; wanted one input.");
    }
    return { input: await samplesOf(samples, sampleRate, options, reader), options };
  }
  return { input: await readFile(bytes, type, query, reader), options: query };
}

function rollOf(frames: unknown, { channels }: Options, limits: Limits): Piece {
  if (channels) throw new SurprisalError("malformed-request", "`channels` is for MIDI; found a piano roll.");
  if (Array.isArray(frames)) checkFrames(frames.length, limits);
  return pieceOfRoll(pianoRoll(parse(Frames, frames, "pianoRoll")), limits);
}

async function samplesOf(
  samples: unknown,
  sampleRate: unknown,
  { models }: Options,
  { limits, hears }: Reader,
): Promise<Recording> {
  if (!(await hears(models))) throw noSpeech("`samples`");
  const rate = parse(SampleRate, sampleRate, "sampleRate");
  return recordingOf({ samples: Float32Array.from(parse(Samples, samples, "samples")), sampleRate: rate }, limits);
}

/** The media type without its parameters, in a length that a sentence can hold. */
const essence = (contentType: string) => contentType.split(";")[0].trim().toLowerCase().slice(0, 100);

/** JSON is UTF-8 (RFC 8259); text in another charset may read as other text. */
function checkCharset(contentType: string): void {
  const charset = /;\s*charset="?([^\s";]*)/i.exec(contentType)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new SurprisalError(
      "unsupported-media-type",
      `Found JSON in the charset ${describe(charset)}; wanted utf-8, the only one that JSON has.`,
    );
  }
}

/** Checks a value; the first fault becomes one sentence with what was found and what was wanted. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, name?: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw faultOf(result.error, value, name);
}

/** The first of zod's issues as an error. The schemas word their messages as what was wanted. */
export function faultOf({ issues: [issue] }: z.ZodError, value: unknown, name?: string): SurprisalError {
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 40)));
    return new SurprisalError(
      "malformed-request",
      `Found the unknown option ${keys.join(", ")}; wanted ${issue.message}.`,
    );
  }
  const path: PropertyKey[] = name === undefined ? [] : [name];
  let found = value;
  for (const key of issue.path) {
    if (typeof found === "string") break; // a list written as text
    path.push(key);
    found = (found as Record<PropertyKey, unknown> | undefined)?.[key];
  }
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return new SurprisalError(
    name === "pianoRoll" ? "malformed-piano-roll" : "malformed-request",
    `${place.slice(1)} is ${describe(found)}; wanted ${issue.message}.`,
  );
}

function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * Counts what arrives, whatever Content-Length says.
 * @throws SurprisalError `too-large` when it is more than the limit, `malformed-request` when it breaks off.
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (found: string) =>
    new SurprisalError("too-large", `The body has ${found} bytes; wanted at most ${limit}.`);
  // Before the body is touched: the Node server can then pass over it and keep the connection.
  const claimed = Number(request.headers.get("content-length"));
  if (claimed > limit) throw tooLarge(String(claimed));
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new SurprisalError("malformed-request", "The body broke off before its end.", { cause });
    });
    if (done) break;
    length += value.length;
    if (length > limit) {
      reader.cancel().catch(() => {}); // the answer does not depend on how the sender takes it
      throw tooLarge(`more than ${limit}`);
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}

/** Parts of a form begin in lines that begin by its boundary. */
function checkParts(bytes: Uint8Array, contentType: string): void {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s";]+))/i.exec(contentType) ?? [];
  const delimiter = new TextEncoder().encode(`\n--${quoted ?? plain}`);
  let found = 1; // before the first there is no line
  for (let at = 0; at < bytes.length; at++) {
    // No boundary holds a line feed, so this is linear whatever the bytes.
    if (bytes[at] === delimiter[0] && delimiter.every((byte, i) => bytes[at + i] === byte)) found += 1;
  }
  if (found > MAX_PARTS + 1) {
    throw new SurprisalError("malformed-request", `The form has ${found - 1} parts; wanted at most ${MAX_PARTS}.`);
  }
}

async function readForm(bytes: Uint8Array<ArrayBuffer>, contentType: string) {
  const malformed = (detail: string, cause?: unknown) => new SurprisalError("malformed-request", detail, { cause });
  checkParts(bytes, contentType);
  const form = await new Response(bytes, { headers: { "content-type": contentType } }).formData().catch((cause) => {
    throw malformed("The body is not the multipart/form-data that its Content-Type announces.", cause);
  });
  // Not by getAll, which goes through the whole form for each of its names: 2 s for a megabyte of them.
  const values = Map.groupBy(form, ([name]) => name);
  const files = values.get("file") ?? [];
  if (files.length !== 1) throw malformed(`The form has ${files.length} fields named \`file\`; wanted one.`);
  const [[, file]] = files;
  if (typeof file === "string") throw malformed("The form's field `file` is text; wanted an uploaded file.");
  if (file.size === 0) throw malformed("The form's file is empty; wanted a MIDI or audio file.");
  values.delete("file");
  const fields = Object.create(null) as Record<string, unknown>;
  for (const [name, entries] of values) {
    const texts = entries.map(([, value]) => value);
    if (texts.some((text) => typeof text !== "string"))
      throw malformed(`The form's field ${describe(name)} is a file; wanted text.`);
    fields[name] = texts.length === 1 ? texts[0] : texts;
  }
  return { file: new Uint8Array(await file.arrayBuffer()), fileType: essence(file.type), fields };
}

function readJson(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : "it is not UTF-8";
    throw new SurprisalError("malformed-request", `The body is not JSON: ${reason}.`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SurprisalError(
      "malformed-request",
      `The JSON body is ${describe(value)}; wanted an object with pianoRoll or samples.`,
    );
  }
  return value as Record<string, unknown>;
}

const MIDI_TYPE = /^(audio|application|music)\/((x-)?midi?|sp-midi|crescendo)$/;

/** The bytes of a file, known by how they begin and else by the type they were sent with. */
export async function readFile(
  bytes: Uint8Array,
  type: string,
  { models, channels }: Options,
  { limits, hears, decode }: Reader,
): Promise<Input> {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  const isMidi = start.startsWith("MThd") || /^RIFF....RMID/s.test(start);
  if (!isMidi && (isAudio(bytes) || (type.startsWith("audio/") && !MIDI_TYPE.test(type)))) {
    if (!(await hears(models))) throw noSpeech(type || "audio");
    return recordingOf(await readAudio(bytes, { decode, maxSeconds: limits.seconds }), limits);
  }
  if (isMidi || MIDI_TYPE.test(type)) return pieceOfMidi(parseMidi(bytes, channels && { channels }), limits);
  throw new SurprisalError(
    "unsupported-media-type",
    `Found ${bytes.length} bytes of ${type || "no stated type"} that begin neither as MIDI (MThd) nor as audio does; wanted a MIDI or audio file, a form with a file, or JSON sent as application/json.`,
  );
}

const noSpeech = (found: string) =>
  new SurprisalError(
    "unsupported-media-type",
    `Found ${found}; this server has no speech models, so it reads MIDI and piano rolls only.`,
  );

/** @throws SurprisalError `malformed-request` when an option stands in both. */
function merge<T extends object>(query: T, body: T): T {
  const twice = Object.keys(body).find((name) => name in query);
  if (twice)
    throw new SurprisalError(
      "malformed-request",
      `Option ${twice} stands in the query and in the body; wanted it once.`,
    );
  return { ...query, ...body };
}
