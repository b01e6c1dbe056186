/** A JSON body -> what it asks to be scored, and its options. */

import { expected, SurprisalError } from "../errors.ts";
import { checkFrames } from "../inference/piece.ts";
import { type Limits, MAX_JSON_DEPTH, MAX_PARTS } from "../limits.ts";
import { Frames, SampleRate, Samples } from "../schema/body.ts";
import { findJsonFault } from "../util/json-fault.ts";
import type { Content } from "./content.ts";
import { describe, parse } from "./fault.ts";

/** A body has exactly one of these fields, and sampleRate beside samples. */
const CONTENTS = ["pianoRoll", "midi", "audio", "samples"] as const;

/** What people call a piano roll. */
const ROLL_NAMES = /^(piano_?roll|piano-roll|roll|notes|pitches|frames|sequence|chords)$/i;

const ROLL_FORM =
  "pianoRoll, a list of frames, each the list of the MIDI pitches that sound in it, such as [[60, 64, 67], [62]]";

/**
 * Reads a JSON body.
 * @param contentType with the charset, if it names one
 * @returns what is to be scored, and all other fields, unchecked
 * @throws SurprisalError `malformed-request` or `malformed-piano-roll` with what was expected, `too-large` for more frames than
 * the limit, `unsupported-media-type` for a charset other than UTF-8.
 */
export function readJson(bytes: Uint8Array, contentType: string, limits: Pick<Limits, "frames">): JsonContent {
  checkCharset(contentType);
  return contentOf(parseObject(bytes), limits);
}

interface JsonContent {
  readonly content: Content;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** As readJson, of a body that is parsed already. */
export function contentOf(body: Readonly<Record<string, unknown>>, limits: Pick<Limits, "frames">): JsonContent {
  const { pianoRoll, midi, audio, samples, sampleRate, ...fields } = body;
  const given = { pianoRoll, midi, audio, samples: samples ?? (sampleRate === undefined ? undefined : null) };
  const names = CONTENTS.filter((name) => given[name] !== undefined);
  if (names.length > 1) throw malformed(expected(`one of ${CONTENTS.join(", ")}`, names.join(" and ")));
  if (names.length > 0 && names[0] !== "samples" && sampleRate !== undefined) {
    throw malformed(expected("sampleRate beside samples only", `it beside ${names[0]}`));
  }
  switch (names.at(0)) {
    case "midi":
      return { content: { form: "file", bytes: decodeBase64(midi, "midi"), type: "audio/midi" }, fields };
    case "audio":
      return { content: { form: "file", bytes: decodeBase64(audio, "audio"), type: "audio/*" }, fields };
    case "samples": {
      const content = {
        form: "samples",
        sampleRate: parse(SampleRate, sampleRate, "sampleRate"),
        samples: parse(Samples, samples, "samples"),
      } as const;
      return { content, fields };
    }
    default: {
      const misnamed = pianoRoll === undefined ? Object.keys(fields).find((key) => ROLL_NAMES.test(key)) : undefined;
      if (misnamed !== undefined) throw malformedRoll(expected(ROLL_FORM, `the field ${describe(misnamed)}`));
      if (pianoRoll === undefined) throw malformed(expected(`one of ${CONTENTS.join(", ")} in the JSON body`, "none"));
      checkNoMatrix(pianoRoll);
      // Before the schema checks each frame: it takes seconds for the million that a body can hold.
      if (Array.isArray(pianoRoll)) checkFrames(pianoRoll.length, limits);
      return { content: { form: "frames", frames: parse(Frames, pianoRoll, "pianoRoll") }, fields };
    }
  }
}

/** JSON is UTF-8 (RFC 8259); text in another charset may read as other text. */
function checkCharset(contentType: string): void {
  const charset = /;\s*charset="?([^\s";]*)/i.exec(contentType)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new SurprisalError(
      "unsupported-media-type",
      expected("JSON in the charset utf-8, the only one that it has", describe(charset)),
    );
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** Brackets and braces differ in one bit. */
const [OPENING, CLOSING, BRACE] = [0x5b, 0x5d, 0x20];

/** Before anything is parsed, in one pass: bytes below 128 are characters of their own in UTF-8. */
function checkDepth(bytes: Uint8Array): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isInString && byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) isInString = !isInString;
    else if (isInString) continue;
    else if ((byte & ~BRACE) === OPENING) depth += 1;
    else if ((byte & ~BRACE) === CLOSING) depth -= 1;
    if (depth <= MAX_JSON_DEPTH) continue;
    throw malformed(expected(`JSON of at most ${MAX_JSON_DEPTH} lists and objects within each other`, "more"));
  }
}

/**
 * JSON as an object of a few fields.
 * @param of what it is and what it has to hold, for the sentence of an error
 * @throws SurprisalError `malformed-request` when it is none, with the place where it stops being JSON.
 */
export function parseObject(
  bytes: Uint8Array,
  {
    what = "body",
    wanted = `one of ${CONTENTS.join(", ")}`,
  }: { readonly what?: "body" | "line"; readonly wanted?: string } = {},
): Readonly<Record<string, unknown>> {
  checkDepth(bytes);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed(expected(`a JSON ${what} in UTF-8`, "other bytes"), cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Not the engine's own message, which differs between runtimes.
    const fault = findJsonFault(text);
    if (!fault) throw malformed(expected(`a JSON ${what}`, "other text"), cause);
    const place = `${fault.wanted} at line ${fault.line}, column ${fault.column}`;
    throw malformed(`The ${what} is not JSON: ${expected(place, fault.got)}`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(expected(`a JSON object with ${wanted}`, describe(value)));
  }
  const count = Object.keys(value).length;
  if (count > MAX_PARTS) throw malformed(expected(`a JSON object of at most ${MAX_PARTS} fields`, count));
  return value as Record<string, unknown>;
}

/** A frame has fewer notes than such a row has columns; instruments have more keys. */
const MIN_COLUMNS = 12;

/** The lowest pitch of a matrix by how many pitches it has: the keys of a piano, or all of MIDI. */
const LOWEST_PITCH = new Map([
  [88, 21],
  [128, 0],
]);

/** For a matrix the first fault would be that some pitch is 0, which says little. Rows of ones only may be pitches. */
function checkNoMatrix(pianoRoll: unknown): void {
  if (!Array.isArray(pianoRoll) || !isBinary(pianoRoll[0]) || pianoRoll[0].every((entry) => entry === 1)) return;
  const [rows, columns] = [pianoRoll.length, pianoRoll[0].length];
  const pitchOf = (line: string, lowest: number) => `${line} is pitch ${line[0]}${lowest > 0 ? ` + ${lowest}` : ""}.`;
  const [ofRow, ofColumn] = [LOWEST_PITCH.get(rows), LOWEST_PITCH.get(columns)];
  if (ofRow !== undefined && ofColumn === undefined && (columns >= MIN_COLUMNS || pianoRoll.every(isBinary))) {
    const found = `${rows} rows of ${columns}, which look like a row for each pitch`;
    const advice = `List the pitches column by column, which are the frames: ${pitchOf("row r", ofRow)}`;
    throw malformedRoll(`${expected(ROLL_FORM, found)} ${advice}`);
  }
  if (columns < MIN_COLUMNS) return;
  const advice = `List the pitches of the ones${ofColumn === undefined ? "." : `: ${pitchOf("column c", ofColumn)}`}`;
  throw malformedRoll(`${expected(ROLL_FORM, `rows of ${columns} zeros and ones`)} ${advice}`);
}

const isBinary = (row: unknown): row is readonly unknown[] =>
  Array.isArray(row) && row.every((entry) => entry === 0 || entry === 1 || typeof entry === "boolean");

const isSpaceOrPadding = (character: string) => "= \t\r\n".includes(character);

/** Takes base64 as encoders write it: of the standard or the URL-safe alphabet, padded or not, in lines or not (RFC 4648, 2045). */
function decodeBase64(value: unknown, name: "midi" | "audio"): Uint8Array<ArrayBuffer> {
  if (typeof value !== "string" || value === "") {
    const orRoll = name === "midi" ? `, or ${ROLL_FORM}` : "";
    throw malformed(expected(`${name} to be a file in base64${orRoll}`, describe(value)));
  }
  if (value.startsWith("data:")) {
    throw malformed(
      expected(`${name} to be base64 alone, without what precedes the comma of a data: URL`, describe(value)),
    );
  }
  let end = value.length;
  while (end > 0 && isSpaceOrPadding(value[end - 1])) end--;
  const text = value.slice(0, end);
  const odd = /[^A-Za-z0-9+/_ \t\r\n-]/u.exec(text);
  if (odd) throw malformed(expected(`${name} to be base64`, `${describe(odd[0])} at character ${odd.index + 1}`));
  const digits = text
    .replace(/[ \t\r\n]+/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  if (digits.length % 4 === 1) {
    throw malformed(
      expected(
        `${name} to be whole base64`,
        `${digits.length} characters, of which the last alone is less than a byte`,
      ),
    );
  }
  const binary = atob(digits);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at); // Uint8Array.from takes five times as long
  return bytes;
}

const malformed = (sentence: string, cause?: unknown) => new SurprisalError("malformed-request", sentence, { cause });
const malformedRoll = (sentence: string) => new SurprisalError("malformed-piano-roll", sentence);
