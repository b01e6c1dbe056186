import fc from "fast-check";
import { expect, test } from "vitest";
import { closest, editDistance } from "../../src/util/edit-distance.ts";

test.each([
  ["kitten", "sitting", 3],
  ["saturday", "sunday", 3],
  ["intention", "execution", 5],
  ["", "abc", 3],
  ["abc", "abc", 0],
])("%s is %s after as few edits as the literature says", (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance);
});

test("it is a metric", () => {
  const text = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", "c") });
  const property = fc.property(text, text, text, (a, b, c) => {
    expect(editDistance(a, b)).toBe(editDistance(b, a));
    expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    expect(editDistance(a, b) === 0).toBe(a === b);
  });
  fc.assert(property, { seed: 1 });
});

test.each([
  ["jsb/gro", "jsb/gru"],
  ["JSB/GRU", "jsb/gru"],
  ["jsb/lsmt", "jsb/lstm"],
  ["gru", undefined],
  ["x".repeat(100_000), undefined],
])("of %s may be meant %s", (text, meant) => {
  expect(closest(text, ["jsb/tanh", "jsb/lstm", "jsb/gru"])).toBe(meant);
});
