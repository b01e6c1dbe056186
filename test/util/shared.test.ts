import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Shared } from "../../src/util/shared.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Work whose runs end when the test says so. */
function staged() {
  const runs: PromiseWithResolvers<{ run: number }>[] = [];
  const shared = new Shared(() => {
    runs.push(Promise.withResolvers());
    return runs[runs.length - 1].promise;
  });
  return { shared, runs };
}

test("callers share one run, and its result ever after", async () => {
  const { shared, runs } = staged();
  const both = Promise.all([shared.result(), shared.result()]);
  expect([runs.length, shared.value, shared.error]).toEqual([1, undefined, undefined]);
  runs[0].resolve({ run: 0 });
  const [first, second] = await both;
  expect([second, await shared.result(), shared.value]).toEqual([first, first, first]);
  expect([runs.length, vi.getTimerCount()]).toEqual([1, 0]);
});

test("a failure stands for a second, unless the caller wants another run", async () => {
  const { shared, runs } = staged();
  const failed = shared.result();
  runs[0].reject(new Error("torn"));
  await expect(failed).rejects.toThrow("torn");
  await expect(shared.result()).rejects.toThrow("torn");
  expect([runs.length, shared.error]).toEqual([1, new Error("torn")]);
  const again = shared.result(true);
  runs[1].reject(new Error("torn again"));
  await expect(again).rejects.toThrow("torn again");
  vi.advanceTimersByTime(1000);
  const last = shared.result();
  runs[2].resolve({ run: 2 });
  expect([await last, shared.error]).toEqual([{ run: 2 }, undefined]);
});

test("work that has not ended after ten seconds is begun again, and whichever run ends first counts", async () => {
  const { shared, runs } = staged();
  const first = shared.result();
  await vi.advanceTimersByTimeAsync(9999);
  const second = shared.result();
  expect(runs.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(runs.length).toBe(2);
  runs[0].resolve({ run: 0 });
  expect(await Promise.all([first, second])).toEqual([{ run: 0 }, { run: 0 }]);
  expect(await shared.result()).toEqual({ run: 0 });
});

test("a run that fails after another was begun decides nothing", async () => {
  const { shared, runs } = staged();
  const early = shared.result();
  await vi.advanceTimersByTimeAsync(10_000);
  const late = shared.result();
  runs[0].reject(new Error("lost"));
  await vi.advanceTimersByTimeAsync(0);
  expect(shared.error).toBe(undefined);
  runs[1].reject(new Error("torn"));
  await expect(early).rejects.toThrow("torn");
  await expect(late).rejects.toThrow("torn");
  expect(shared.error).toEqual(new Error("torn"));
});
