import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { duration, Progress } from "../../../src/entry/cli/progress.ts";

const shown = (isTTY: boolean) => {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 60 }) as unknown as NodeJS.WriteStream;
  const progress = new Progress(4, stream);
  progress.show(1, "jsb/gru");
  progress.show(4, "jsb/lstm");
  progress.end();
  return String(stream.read());
};

test("progress is plain lines where there is no terminal", () => {
  expect(shown(false)).toBe("1/4  jsb/gru\n4/4  jsb/lstm\n");
});

test("progress is one line on a terminal: a bar, the time left, no wider than the window, gone at the end", () => {
  const [before, first, last, end] = shown(true).split("\r\x1b[K");
  expect([before, end]).toEqual(["", ""]);
  expect(first).toMatch(/^█{6}░{18} 1\/4 {2}at most \d+ s left {2}jsb/);
  expect(last).toMatch(/^█{24} 4\/4 {2}at most 0 s left {2}jsb/);
  expect(first.length).toBeLessThan(60);
});

test.each([
  [0.2, "1 s"],
  [59.5, "60 s"],
  [61, "2 min"],
  [3600, "1 h 0 min"],
  [3 * 3600 + 61, "3 h 2 min"],
])("%d seconds are %s", (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});
