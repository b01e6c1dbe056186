/**
 * Text -> where it stops being JSON (RFC 8259), in words of our own: what JSON.parse says differs between engines. It keeps a
 * stack of its own, since a text may nest as deep as it is long.
 */

export interface JsonFault {
  readonly line: number; // from 1
  readonly column: number; // from 1, in UTF-16 units
  readonly wanted: string;
  readonly got: string;
}

/** What may stand next; "x or close" where a list or an object may also end. */
type Expecting = "value" | "value or close" | "name" | "name or close" | "colon" | "comma or close";

const SPACE = /[\t\n\r ]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/** The first fault of a text, or undefined if it is JSON. */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ("]" | "}")[] = [];
  let expecting: Expecting = "value";
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0].length ?? 0;
  };
  const close = (): string => `${open.at(-1)}`;
  while (true) {
    at += match(SPACE);
    if (open.length === 0 && expecting === "comma or close") {
      return at === text.length ? undefined : faultAt(text, at, "the end of the text");
    }
    const character = text[at];
    if (character === close() && expecting.endsWith("or close")) {
      open.pop();
      expecting = "comma or close";
      at += 1;
      continue;
    }
    switch (expecting) {
      case "comma or close":
        if (character !== ",") return faultAt(text, at, `a comma or ${close()}`);
        expecting = close() === "}" ? "name" : "value";
        at += 1;
        break;
      case "colon":
        if (character !== ":") return faultAt(text, at, "a colon");
        expecting = "value";
        at += 1;
        break;
      case "name":
      case "name or close": {
        const wanted = expecting === "name" ? "a name in double quotes" : "a name in double quotes or }";
        if (character !== '"') return faultAt(text, at, wanted);
        const end = endOfString(text, at);
        if (typeof end !== "number") return end;
        at = end;
        expecting = "colon";
        break;
      }
      case "value":
      case "value or close": {
        if (character === "[" || character === "{") {
          open.push(character === "[" ? "]" : "}");
          expecting = character === "[" ? "value or close" : "name or close";
          at += 1;
          break;
        }
        if (character === '"') {
          const end = endOfString(text, at);
          if (typeof end !== "number") return end;
          at = end;
        } else {
          const length = match(NUMBER) || match(WORD);
          if (length === 0) return faultAt(text, at, expecting === "value" ? "a value" : "a value or ]");
          at += length;
        }
        expecting = "comma or close";
      }
    }
  }
}

/** Where the text after a string's last quote begins, or the fault in it. */
function endOfString(text: string, start: number): number | JsonFault {
  let at = start + 1;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character < " ") return faultAt(text, at, "no control character in a string");
    if (character === "\\") {
      ESCAPE.lastIndex = at;
      const escaped = ESCAPE.exec(text);
      if (!escaped) return faultAt(text, at, "an escape such as \\n or \\u00e9");
      at += escaped[0].length;
    } else at += 1;
  }
  return faultAt(text, at, "the end of a string");
}

function faultAt(text: string, at: number, wanted: string): JsonFault {
  const before = text.slice(0, at).split("\n");
  const line = before.length;
  const column = before[line - 1].length + 1;
  if (at >= text.length) return { line, column, wanted, got: "the end of the text" };
  return { line, column, wanted, got: JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0)) };
}
