/** What some tests need and not every machine has. Under CI nothing may be missing. */
import { execFileSync } from "node:child_process";

/** Sentences that this file of tests has printed: once is enough. */
const said = new Set<string>();

/**
 * Whether a test can run, for `describe.skipIf(!requires(found, "…"))`; if not, one sentence says how to enable it.
 * @param found whether what the test needs is there
 * @param sentence what is missing and how to get it, without a full stop
 * @throws Error under CI when it is missing: a test that is skipped there would never be missed.
 */
export function requires(found: boolean, sentence: string): boolean {
  if (found) return true;
  if (process.env.CI) throw new Error(`${sentence}. Under CI no test may be skipped.`);
  if (!said.has(sentence)) console.warn(`Skipped: ${sentence}.`);
  said.add(sentence);
  return false;
}

/** Whether a program is there and ends well with these arguments. */
export function isThere(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
