import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinNegative, parseArguments, UsageError } from "../../../src/entry/cli/arguments.ts";
import { COMMANDS } from "../../../src/entry/cli/usage.ts";

const { options } = COMMANDS.score;

describe("arguments", () => {
  test.each([
    [["--modles", "x"], "There is no option --modles. Did you mean --models?"],
    [["--chanels=1"], "There is no option --chanels. Did you mean --channels?"],
    [["-x"], "There is no option -x."],
    [["--models"], "Option '--models <value>' argument missing."],
    [["--json=yes"], "Option '--json' does not take an argument."],
  ])("%j are refused: %s", (args, sentence) => {
    expect(() => parseArguments(args, options)).toThrow(new UsageError(sentence));
  });

  test("may be negative numbers", () => {
    const { values, files } = parseArguments(["a.mid", "--transpose", "-3", "--", "-4.mid"], options);
    expect([values, files]).toEqual([{ transpose: "-3" }, ["a.mid", "-4.mid"]]);
  });

  test("are read, or refused in one sentence, whatever they are", () => {
    const word = fc.oneof(fc.string(), fc.constantFrom("--", "-", "-3", "--json", "--models", "--transpose", "--x=y"));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        try {
          parseArguments(args, options);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });

  test("keep their order and number but for joined pairs", () => {
    const word = fc.constantFrom("a", "-3", "--json", "--transpose", "--", "-x");
    fc.assert(
      fc.property(fc.array(word), (args) => {
        expect(joinNegative(args).join(" ").replaceAll("=", " ")).toBe(args.join(" "));
      }),
    );
  });
});
