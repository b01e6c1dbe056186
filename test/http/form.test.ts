import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "../../src/http/fault.ts";
import { readForm } from "../../src/http/form.ts";
import { ScoreOptions } from "../../src/schema/options.ts";

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const file = 'Content-Disposition: form-data; name="file"; filename="a.mid"\r\n\r\nMThd';
/** A form of parts, each its headers, an empty line and its content. */
const form = (...parts: string[]) => latin1(`${parts.map((part) => `--b\r\n${part}\r\n`).join("")}--b--\r\n`);
const read = (bytes: Uint8Array, contentType = "multipart/form-data; boundary=b") => readForm(bytes, contentType);

describe("a form", () => {
  test("as the platform writes it comes back, whatever its bytes and names", async () => {
    const names = fc.string({ unit: "binary", minLength: 1 }).filter((name) => /^[^\p{Cc}\p{Cs}/\\%]+$/u.test(name));
    const property = fc.asyncProperty(
      fc.uint8Array({ minLength: 1 }),
      names,
      fc.string({ unit: "grapheme" }),
      async (bytes, name, id) => {
        const data = new FormData();
        data.append("id", id);
        data.append("file", new File([bytes], name));
        const request = new Request("http://x", { method: "POST", body: data });
        const contentType = request.headers.get("content-type") ?? "";
        const found = readForm(new Uint8Array(await request.arrayBuffer()), contentType);
        expect(found.file.bytes).toEqual(bytes);
        expect(found.file.name).toBe(Array.from(name).slice(0, 255).join(""));
        expect(found.fields.id).toBe(id.replaceAll(/\r\n|\r|\n/g, "\r\n")); // as HTML normalises text
      },
    );
    await fc.assert(property, { seed: 1, numRuns: 300 });
  });

  test("comes back for every boundary that RFC 2046 allows, with a preamble and an epilogue", () => {
    const characters = [..."0123456789abcxyzABCXYZ'()+_,-./:=?"];
    const boundaries = fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 70 });
    const line = fc.string({ unit: fc.constantFrom("a", "-", " ", "\t"), maxLength: 20 });
    const property = fc.property(
      boundaries,
      fc.uint8Array({ minLength: 1 }),
      line,
      line,
      (boundary, bytes, before, after) => {
        const content = String.fromCharCode(...bytes);
        fc.pre(!`\r\n${content}`.includes(`\r\n--${boundary}`) && !before.startsWith(`--${boundary}`));
        const body = `${before}\r\n--${boundary}\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n${content}\r\n--${boundary}--\r\n${after}`;
        expect(read(latin1(body), `multipart/form-data; boundary="${boundary}"`).file.bytes).toEqual(bytes);
      },
    );
    fc.assert(property, { seed: 1, numRuns: 500 });
  });

  test.each([
    ["unquoted names", "Content-Disposition: form-data; name=file; filename=a.mid", "a.mid"],
    ["parameters in another order", 'Content-Disposition: form-data; filename="a.mid"; name="file"', "a.mid"],
    ["filename*", "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%c3%bc%20b.mid", "ü b.mid"],
    ["both names", "Content-Disposition: form-data; name=file; filename=a; filename*=utf-8''%c3%bc", "ü"],
    ["an escaped quote", 'Content-Disposition: form-data; name="file"; filename="a\\"b;c.mid"', 'a"b;c.mid'],
    ["a quote as browsers write it", 'Content-Disposition: form-data; name="file"; filename="a%22b.mid"', 'a"b.mid'],
    ["folders", 'Content-Disposition: form-data; name="file"; filename="../../etc/a.mid"', "a.mid"],
    [
      "an empty name",
      'Content-Disposition: form-data; name="file"; filename=""; x=y\r\nContent-Type: application/octet-stream',
      undefined,
    ],
    [
      "lower case and other headers",
      "x-a: b\r\ncontent-type: Audio/MIDI; x=y\r\ncontent-disposition: form-data;name=file;filename=a",
      "a",
    ],
  ])("with %s is read", (_, headers, name) => {
    const found = read(form(`${headers}\r\n\r\nMThd`));
    expect([found.file.bytes, found.file.name]).toEqual([latin1("MThd"), name]);
  });

  test.each([
    [
      "no boundary",
      form(file),
      "multipart/form-data",
      'Expected a boundary in the Content-Type of a form, got "multipart/form-data".',
    ],
    [
      "a boundary of 71 characters",
      form(file),
      `multipart/form-data; boundary=${"b".repeat(71)}`,
      "at most 70 characters, got 71.",
    ],
    [
      "another boundary",
      form(file),
      "multipart/form-data; boundary=c",
      'Expected a form whose parts begin with the line "--c", got none.',
    ],
    [
      "line ends of LF",
      latin1(`--b\n${file.replaceAll("\r", "")}\n--b--\n`),
      undefined,
      "Expected a form whose lines end in CR LF, as RFC 2046 asks, got lines that end in LF alone.",
    ],
    ["no end", form(file).subarray(0, -6), undefined, 'Expected a form that ends with the line "--b--"'],
    ["two files", form(file, file), undefined, "got 2 files. Send one request for each file."],
    [
      "two files under other names",
      form(file.replace("file", "x"), file.replace("file", "y")),
      undefined,
      "Send one request for each file.",
    ],
    ["a file under another name", form(file.replace("file", "midi")), undefined, 'got one named "midi".'],
    [
      "an option that is a file",
      form(file, file.replace("file", "models")),
      undefined,
      'Expected text in the form\'s field "models", got a file.',
    ],
    ["a part without a name", form(file, "Content-Disposition: form-data\r\n\r\nx"), undefined, "Expected a name"],
    ["a part without headers", form(file, "\r\nx"), undefined, "Expected"],
    [
      "text that is not UTF-8",
      form(file, "Content-Disposition: form-data; name=id\r\n\r\n\xff"),
      undefined,
      'Expected UTF-8 in the form\'s field "id"',
    ],
    [
      "65 parts",
      form(file, ...Array(64).fill("Content-Disposition: form-data; name=x\r\n\r\n1")),
      undefined,
      "Expected at most 64 parts",
    ],
    [
      "a name in a charset that nobody has",
      form("Content-Disposition: form-data; name=file; filename*=x-y''a\r\n\r\nMThd"),
      undefined,
      'RFC 8187, got "x-y".',
    ],
    ["endless headers", form(`x: ${"y".repeat(10_000)}`), undefined, "at most 8 kB"],
  ])("with %s is refused in a sentence", (_, bytes, contentType, sentence) => {
    expect(() => read(bytes, contentType)).toThrow(
      expect.objectContaining({ code: "malformed-request", message: expect.stringContaining(sentence) }),
    );
  });

  test("of any bytes is read or refused", () => {
    const chunk = fc.oneof(
      fc.constantFrom("--b", "\r\n", "--", "\r\n\r\n", file, 'name="file"', "\n", '"', ";"),
      fc.string(),
    );
    const property = fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
      try {
        read(latin1(chunks.join("")));
      } catch (error) {
        expect(error).toMatchObject({ name: "SurprisalError", code: "malformed-request" });
      }
    });
    fc.assert(property, { seed: 1, numRuns: 2000 });
  });
});

test("options of any names and values are taken as they are meant or refused in one sentence", () => {
  const name = fc.oneof(fc.constantFrom(...Object.keys(ScoreOptions.shape)), fc.string());
  const value = fc.oneof(fc.jsonValue(), fc.integer().map(String), fc.constantFrom("auto", "frames", "*/*", "1,2"));
  const property = fc.property(fc.dictionary(name, value), (options) => {
    try {
      const parsed = parse(ScoreOptions, options);
      if (typeof options.transpose === "string" && options.transpose !== "auto") {
        expect(parsed.transpose).toBe(Number(options.transpose));
      }
    } catch (error) {
      expect(error).toMatchObject({
        code: "malformed-request",
        message: expect.stringMatching(/^Expected .* got .*[.?]$/s),
      });
    }
  });
  fc.assert(property, { seed: 1, numRuns: 3000 });
});
