/** The kinds of values that options and bodies are made of. Every fault is worded as what was expected; http/fault.ts adds what came instead. */
import { MAX_LIST } from "../limits.ts";
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";

export const integer = (least: number, most: number) => {
  const wanted = `an integer from ${least} to ${most}`;
  return z.int(wanted).min(least, wanted).max(most, wanted);
};
export const real = ({ min, max }: { readonly min: number; readonly max: number }) => {
  const wanted = `a number from ${min} to ${max}`;
  return z.number(wanted).min(min, wanted).max(max, wanted);
};

// Options come as text in a query or a form and typed in JSON; both end in the same type.

export const number = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value), schema);

export const flag = () =>
  z.preprocess((value) => (value === "true" ? true : value === "false" ? false : value), z.boolean("true or false"));

/** A list, or one text with commas. Its length is checked before its items: zod spreads the issues onto the stack. */
export const list = <Schema extends z.ZodType>(item: Schema) => {
  const wanted = `a list of 1 to ${MAX_LIST} entries, or one text with commas`;
  return z.preprocess(
    (value, context) => {
      const items = typeof value === "string" ? value.split(",").map((text) => text.trim()) : value;
      if (Array.isArray(items) && items.length > MAX_LIST) context.addIssue(wanted);
      return items;
    },
    z.array(item, wanted).min(1, wanted),
  );
};

/** Options by name, and no others. */
export const optionsOf = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === "unrecognized_keys" ? Object.keys(shape).join(", ") : undefined),
  });

export const Pitch = integer(1, 127);

/** Of frames, notes, samples or models. */
export const count = z.int().min(0);
