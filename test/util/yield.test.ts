import { afterEach, expect, test, vi } from "vitest";
import { yieldToEventLoop } from "../../src/util/yield.ts";

afterEach(() => vi.restoreAllMocks());

test("long work gives way though the clock stands still, as on Workers", async () => {
  vi.spyOn(performance, "now").mockReturnValue(0);
  let others = 0;
  const timer = setInterval(() => {
    others += 1;
  });
  for (let step = 0; step < 64 * 5; step++) await yieldToEventLoop();
  clearInterval(timer);
  expect(others).toBeGreaterThan(0);
});
