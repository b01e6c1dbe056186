/** Health and errors. */
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { count } from "./values.ts";

export const Health = z
  .object({
    status: z.enum(["live", "ready"]),
    models: count.optional(),
    lastError: z
      .string()
      .nullable()
      .optional()
      .openapi({ description: "Why the store could not be read when last tried; null if it could." }),
  })
  .openapi("Health");

export const Problem = z
  .object({
    type: z.string().openapi({ example: "about:blank" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: "What was expected and what came instead, in one sentence or two." }),
    code: z.string().openapi({ description: "Stable name of the error.", example: "malformed-midi" }),
    instance: z.string().openapi({ description: "Path of the request and, after #, its id." }),
  })
  .openapi("Problem", { description: "RFC 9457 problem document." });
export type Problem = z.infer<typeof Problem>;
