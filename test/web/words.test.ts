import { expect, test } from "vitest";
import { withoutOptions } from "../../src/web/warnings.ts";
import { share } from "../../src/web/words.ts";

test("a problem is said without the options of the API, which the page does not have", () => {
  expect(withoutOptions("Expected notes that are not drums, got 5 notes. channels=10 reads them as pitches.")).toBe(
    "Expected notes that are not drums, got 5 notes.",
  );
  expect(withoutOptions("Track 2 is 5 bytes longer than the file.")).toBe("Track 2 is 5 bytes longer than the file.");
  expect(withoutOptions("channels=10 reads them.")).toBe("channels=10 reads them."); // rather than nothing
});

test("the share of test pieces that surprise less is never rounded to none or to all", () => {
  expect([0, 0.2, 2.9, 99.97, 100].map(share)).toEqual(["none", "1 %", "2 %", "99 %", "all"]);
});
