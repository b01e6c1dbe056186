/** Lines of the answer of /batch. */
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { AudioScoreResponse, MusicScoreResponse } from "./score.ts";
import { Problem } from "./service.ts";
import { count } from "./values.ts";

const index = count.openapi({ description: "Of the piece in the request, from 0; blank lines do not count." });

export const BatchLine = z
  .union([
    z.object({ index, ...MusicScoreResponse.shape }),
    z.object({ index, ...AudioScoreResponse.shape }),
    z.object({
      index,
      id: z.string().optional().openapi({ description: "Of the piece, if it had one that could be read." }),
      problem: Problem,
    }),
  ])
  .openapi("BatchLine", { description: "The answer of /score to one piece, or its problem." });
export type BatchLine = z.infer<typeof BatchLine>;
