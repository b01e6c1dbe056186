/** Answers of two machines or runtimes that compute the same. */
import { expect } from "vitest";

/** Of numbers, relative. Kernels give the same bits everywhere; what JavaScript's own exp and log add may differ. */
const TOLERANCE = 1e-6;

/** Asserts that two values differ in nothing but numbers, and in those by no more than the tolerance. */
export function expectAgreement(found: unknown, wanted: unknown): void {
  expect(rounded(found, wanted)).toEqual(wanted);
}

/** `found` with each number replaced by that of `wanted` where they agree. */
function rounded(found: unknown, wanted: unknown): unknown {
  if (typeof found === "number" && typeof wanted === "number") {
    return Math.abs(found - wanted) <= TOLERANCE * Math.abs(wanted) ? wanted : found;
  }
  if (typeof found !== "object" || found === null || typeof wanted !== "object" || wanted === null) return found;
  if (Array.isArray(found)) return found.map((each, i) => rounded(each, (wanted as unknown[])[i]));
  return Object.fromEntries(
    Object.entries(found).map(([name, each]) => [name, rounded(each, (wanted as Record<string, unknown>)[name])]),
  );
}
