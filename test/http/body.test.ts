import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { admission } from "../../src/http/admission.ts";
import { readBody } from "../../src/http/body.ts";
import { DEFAULT_LIMITS, MIN_BODY_RATE } from "../../src/limits.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Reads a body of which a chunk comes every second. */
function reading(chunkBytes: number, chunks: number) {
  let left = chunks;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      if (left-- > 0) controller.enqueue(new Uint8Array(chunkBytes));
      else controller.close();
    },
  });
  const request = new Request("http://x/", { method: "POST", body, duplex: "half" } as RequestInit);
  return readBody(request, { ...DEFAULT_LIMITS, bodySeconds: 10 }, admission(2 ** 30)());
}

describe("a body that comes slowly", () => {
  test.each([1, 64, MIN_BODY_RATE / 2])("is given up at %i bytes a second", async (rate) => {
    const late = expect(reading(rate, 1000)).rejects.toMatchObject({ code: "request-timeout" });
    await vi.advanceTimersByTimeAsync(25_000);
    await late;
  });

  test("is read at the least rate for as long as it takes", async () => {
    const body = reading(MIN_BODY_RATE, 1000);
    await vi.advanceTimersByTimeAsync(1_002_000);
    expect((await body).bytes).toHaveLength(1000 * MIN_BODY_RATE);
  });
});
