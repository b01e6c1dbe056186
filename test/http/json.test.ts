import { describe, expect, test } from "vitest";
import { readJson } from "../../src/http/json.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";

const read = (body: object) =>
  readJson(new TextEncoder().encode(JSON.stringify(body)), "application/json", DEFAULT_LIMITS);
/** Code and sentence with which a body is refused. */
function refusal(body: object): [string, string] {
  try {
    read(body);
  } catch (error) {
    if (error instanceof Error && "code" in error) return [String(error.code), error.message];
  }
  throw new Error("nothing was refused");
}

describe("base64", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, k) => (k * 37) & 255);
  const encoded = (encoding: BufferEncoding, length = bytes.length) =>
    Buffer.from(bytes.subarray(0, length)).toString(encoding);

  test.each([253, 254, 255, 256])("of %i bytes comes back in every spelling that encoders have", (length) => {
    const padded = encoded("base64", length);
    expect(padded).toMatch(/[+/]/); // else the two alphabets are one
    const lines = padded.replaceAll(/.{76}/g, "$&\r\n");
    const spellings = [padded, padded.replace(/=+$/, ""), encoded("base64url", length), lines, `${lines}\n`];
    for (const field of ["midi", "audio"]) {
      for (const spelling of spellings) {
        expect(read({ [field]: spelling }).content).toMatchObject({ form: "file", bytes: bytes.subarray(0, length) });
      }
    }
  });

  test.each([
    ["piano.mid", 'Expected midi to be base64, got "." at character 6.'],
    ["TVRo ZA=TQ", 'Expected midi to be base64, got "=" at character 8.'],
    ["TVRo\u2028", 'Expected midi to be base64, got "\u2028" at character 5.'],
    ["TVRoZ", "Expected midi to be whole base64, got 5 characters, of which the last alone is less than a byte."],
    ["data:audio/midi;base64,TVRoZA==", "without what precedes the comma of a data: URL"],
    ["", "Expected midi to be a file in base64, or pianoRoll, a list of frames"],
    [7, "such as [[60, 64, 67], [62]], got 7."],
  ])("that is %j is refused in a sentence", (midi, sentence) => {
    expect(refusal({ midi })).toEqual(["malformed-request", expect.stringContaining(sentence)]);
  });

  test("that is a megabyte of padding before a slip is refused at once", () => {
    expect(refusal({ midi: `TVRo${"=".repeat(2 ** 20)}!` })[1]).toContain('"=" at character 5');
  });
});

describe("a matrix", () => {
  const matrix = (rows: number, columns: number, one: unknown = 1) =>
    Array.from({ length: rows }, (_, r) =>
      Array.from({ length: columns }, (_, c) => (r > 0 && (r + c) % 9 === 0 ? one : 0)),
    );

  test.each([
    [
      "a row for each frame",
      matrix(200, 88),
      "rows of 88 zeros and ones. List the pitches of the ones: column c is pitch c + 21.",
    ],
    ["a row for each frame of all MIDI pitches", matrix(88, 128), "column c is pitch c."],
    ["rows of another length", matrix(200, 49), "rows of 49 zeros and ones. List the pitches of the ones."],
    [
      "a row for each key",
      matrix(88, 200),
      "88 rows of 200, which look like a row for each pitch. List the pitches column by column, which are the frames: row r is pitch r + 21.",
    ],
    [
      "a row for each pitch, with velocities",
      matrix(128, 200, 90),
      "128 rows of 200, which look like a row for each pitch",
    ],
    ["a row for each key of a few frames", matrix(88, 5), "88 rows of 5, which look like a row for each pitch"],
  ])("with %s is told from a piano roll, and how to make it one", (_, pianoRoll, sentence) => {
    expect(refusal({ pianoRoll })).toEqual(["malformed-piano-roll", expect.stringContaining(sentence)]);
  });

  test("is not what 88 frames of which one has a bad pitch look like", () => {
    const pianoRoll = Array.from({ length: 88 }, (_, t) => [t === 0 ? 0 : 60]);
    expect(refusal({ pianoRoll })[1]).toBe("Expected pianoRoll[0][0] to be a MIDI pitch from 1 to 127, got 0.");
  });
});

test("lists within lists are refused before they are parsed, and brackets in text are none", () => {
  const deep = (depth: number, text = "") => ({ pianoRoll: JSON.parse("[".repeat(depth) + text + "]".repeat(depth)) });
  const sentence = "Expected JSON of at most 32 lists and objects within each other, got more.";
  expect(refusal(deep(32))).toEqual(["malformed-request", sentence]);
  expect(refusal(deep(31))[1]).toContain("pianoRoll[0]");
  expect(refusal({ midi: '[{\\"'.repeat(100) })[1]).toMatch(/^Expected midi to be base64/);
});

test("more fields than there are options are not looked at", () => {
  const body = Object.fromEntries(Array.from({ length: 65 }, (_, k) => [`k${k}`, 1]));
  expect(refusal(body)).toEqual(["malformed-request", "Expected a JSON object of at most 64 fields, got 65."]);
});
