/** Faults that zod finds -> one sentence: what was expected, which the schemas word, and what came instead. */

import type { z } from "@hono/zod-openapi";
import { expected, SurprisalError } from "../errors.ts";
import { suggest } from "../util/suggest.ts";

/**
 * Checks a value.
 * @param name of the value, if it is not a set of options
 * @throws SurprisalError `malformed-request`, or `malformed-piano-roll` of what is named pianoRoll
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, name?: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw faultOf(result.error, value, name);
}

/** The first of zod's issues as an error, such as "Expected transpose to be an integer from 0 to 9, got "x"." */
export function faultOf({ issues: [issue] }: z.ZodError, value: unknown, name?: string): SurprisalError {
  if (issue.code === "unrecognized_keys") {
    const [key] = issue.keys;
    const meant = suggest(key, issue.message.split(", "));
    const sentence = expected(`no options but ${issue.message}`, issue.keys.slice(0, 5).map(describe).join(", "));
    return new SurprisalError("malformed-request", meant ? `${sentence} Did you mean ${meant}?` : sentence);
  }
  const path: PropertyKey[] = name === undefined ? [] : [name];
  let got = value;
  for (const key of issue.path) {
    if (typeof got === "string") break; // a list written as text
    path.push(key);
    got = (got as Record<PropertyKey, unknown> | undefined)?.[key];
  }
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return new SurprisalError(
    name === "pianoRoll" ? "malformed-piano-roll" : "malformed-request",
    expected(`${place.slice(1)} to be ${issue.message}`, describe(got)),
  );
}

/** A value in the length that a sentence can hold. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
