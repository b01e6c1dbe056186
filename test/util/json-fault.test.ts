import fc from "fast-check";
import { expect, test } from "vitest";
import { findJsonFault } from "../../src/util/json-fault.ts";

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test("a fault is found exactly where the engine finds one, in texts that are JSON but for a few edits", () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'[]{},:"\\ntf0-.e \u0001é', "")), { maxLength: 3 });
  const property = fc.property(fc.json(), edits, (json, changes) => {
    let text = json;
    for (const [at, character] of changes) {
      const k = at % (text.length + 1);
      text = text.slice(0, k) + character + text.slice(k + 1);
    }
    expect(findJsonFault(text) === undefined, text).toBe(isJson(text));
  });
  fc.assert(property, { numRuns: 5000, seed: 1 });
});

test.each([
  ["", 1, 1, "a value", "the end of the text"],
  ["{a: 1}", 1, 2, "a name in double quotes or }", '"a"'],
  ['{"a": 1,}', 1, 9, "a name in double quotes", '"}"'],
  ['{\n  "a" 1}', 2, 7, "a colon", '"1"'],
  ["[1 2]", 1, 4, "a comma or ]", '"2"'],
  ["[NaN]", 1, 2, "a value or ]", '"N"'],
  ['["a', 1, 4, "the end of a string", "the end of the text"],
  ['["\\x"]', 1, 3, "an escape such as \\n or \\u00e9", '"\\\\"'],
  ['["\n"]', 1, 3, "no control character in a string", '"\\n"'],
  ["[] 😀", 1, 4, "the end of the text", '"😀"'],
])("of %j it says the place", (text, line, column, wanted, got) => {
  expect(findJsonFault(text)).toEqual({ line, column, wanted, got });
});

test("very deep nesting is followed to its end", () => {
  expect(findJsonFault("[".repeat(1_000_000))).toMatchObject({ column: 1_000_001, wanted: "a value or ]" });
});
