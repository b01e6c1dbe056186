import { describe, expect, test } from "vitest";
import { STATUS_BY_CODE } from "../../src/errors.ts";
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS, variableOf } from "../../src/limits.ts";
import { limitRows, limitsOf } from "../../src/util/limits-of.ts";

describe("limits from the environment", () => {
  test("each has a variable, which sets it alone", () => {
    const variables = LIMIT_NAMES.map(variableOf);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toContain("SURPRISAL_BODY_BYTES");
    for (const name of LIMIT_NAMES) {
      expect(limitsOf({ [variableOf(name)]: "7" })).toEqual({ ...DEFAULT_LIMITS, [name]: 7 });
    }
  });

  test("an empty one counts as unset, and unlimited as no limit", () => {
    const defaults = { ...DEFAULT_LIMITS, frames: 5 };
    expect(limitsOf({ SURPRISAL_FRAMES: "", SURPRISAL_SECONDS: undefined }, defaults)).toEqual(defaults);
    expect(limitsOf({ SURPRISAL_FRAMES: "unlimited" }).frames).toBe(Number.POSITIVE_INFINITY);
    expect(limitsOf({ SURPRISAL_CLIENT_WORK: "1e9" }).clientWork).toBe(1e9);
  });

  test.each(["0", "-1", "many", "1e", "NaN", " "])("%j is refused", (setting) => {
    expect(() => limitsOf({ SURPRISAL_FRAMES: setting })).toThrow(
      `Expected a number above 0 or "unlimited" in SURPRISAL_FRAMES, got ${JSON.stringify(setting)}.`,
    );
  });
});

test("every limit names the code of a problem that there is", () => {
  for (const { code } of Object.values(LIMITS)) {
    if (code !== "none") expect(Object.keys(STATUS_BY_CODE)).toContain(code);
  }
  expect(limitRows(DEFAULT_LIMITS)).toHaveLength(LIMIT_NAMES.length);
});
