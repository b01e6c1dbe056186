import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import { limitsMarkdown } from "../src/util/limits-of.ts";

const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

test("docs/operations.md has every limit, with its variable, default and code", () => {
  const [, table] = /<!-- limits -->\n(.*)\n<!-- \/limits -->/s.exec(text("docs/operations.md")) ?? [];
  expect(table).toBe(limitsMarkdown(DEFAULT_LIMITS));
});
