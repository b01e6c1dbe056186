import fc from "fast-check";
import { beforeAll, describe, test, vi } from "vitest";
import { TARGETS } from "./targets.ts";

/** `npm run fuzz` does the same many times as often. */
const RUNS = { midi: 200, audio: 60, json: 200, store: 300 } as const;

beforeAll(() => {
  for (const method of ["error", "warn"] as const) vi.spyOn(console, method).mockImplementation(() => {}); // decoders report there
  return () => vi.restoreAllMocks();
});

describe.each(Object.keys(RUNS) as (keyof typeof RUNS)[])("%s, changed at random,", (name) => {
  test("is answered or refused in a sentence, in time", () =>
    fc.assert(
      TARGETS[name].property(() => {}),
      { numRuns: RUNS[name], seed: 1 },
    ));
});
