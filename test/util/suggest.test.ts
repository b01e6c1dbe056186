import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distance, suggest } from "../../src/util/suggest.ts";

describe("suggest", () => {
  const models = ["jsb/gru", "jsb/gru-large", "jsb/lstm", "nottingham/gru", "piano-midi/tanh"];

  test.each([
    ["jsb/gro", "jsb/gru"],
    ["jbs/gru", "jsb/gru"],
    ["JSB/GRU", "jsb/gru"],
    ["jsb/gru-larg", "jsb/gru-large"],
    ["notingam/gru", "nottingham/gru"],
    ["piano_midi/tanh", "piano-midi/tanh"],
    ["bach", undefined],
    ["", undefined],
    ["jsb/gru", undefined], // it is known
  ])("for %j is %j", (wanted, meant) => {
    expect(suggest(wanted, models)).toBe(meant);
  });

  test("is nothing for names so short that any other is near", () => {
    expect(suggest("x", ["h", "v"])).toBeUndefined();
    expect(suggest("ab", ["ac"])).toBeUndefined();
  });
});

describe("distance", () => {
  test.each([
    ["kitten", "sitting", 3],
    ["score", "socre", 1],
    ["ca", "abc", 3], // 2 if a character might be changed twice
    ["", "abc", 3],
  ])("of %j and %j is %i", (a, b, expected) => {
    expect(distance(a, b)).toBe(expected);
  });

  /** The definition, as a recursion. */
  function recursive(a: string, b: string): number {
    if (a === "" || b === "") return a.length + b.length;
    const ways = [
      recursive(a.slice(1), b) + 1,
      recursive(a, b.slice(1)) + 1,
      recursive(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1),
    ];
    if (a.length > 1 && a[0] === b[1] && a[1] === b[0]) ways.push(recursive(a.slice(2), b.slice(2)) + 1);
    return Math.min(...ways);
  }

  test("is what its definition says, of any two short strings", () => {
    const short = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
    fc.assert(fc.property(short, short, (a, b) => distance(a, b) === recursive(a, b)));
  });
});
