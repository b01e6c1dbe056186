/** What the answers of /score and /predict have in common. */
import { WARNING_CODES } from "../errors.ts";
import { MAX_FILE_NAME } from "../limits.ts";
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { count } from "./values.ts";

export const modelId = z.string().openapi({
  description:
    "`<set>/<cell>`, or `<set>/<cell>-<preset>` for another preset than the paper's. `mixture` in place of the cell is the average of the likelihoods, frame by frame, of the set's models of that preset, with even weights except in adaptive scoring.",
  example: "jsb/gru",
});
export const version = z.string().openapi({
  description: "sha256 of the checkpoint file; for a mixture, of its members' versions.",
  example: "sha256:9f86d0…",
});

export const Warning = z
  .object({
    code: z.enum(WARNING_CODES),
    count: count.openapi({ description: "How many notes, samples or other items of the input it concerns." }),
    detail: z.string(),
  })
  .openapi("Warning", { description: "Something that the numbers do not show." });

export const perModel = {
  model: modelId,
  version,
  framesPerQuarter: z.number().openapi({ description: "Frame rate at which the input was read." }),
  frames: count.openapi({ description: "Frames of the input." }),
  adaptive: z.literal(true).optional().openapi({
    description: "The weights learned from the piece. Only with `adaptive`.",
  }),
  transposedBy: z.int().openapi({ description: "Semitones from the input's own key to the key that the model read." }),
  samplePoint: z.number().optional().openapi({
    description:
      "MIDI input only: a pitch is in a frame if it sounds this many frames after the frame's grid point. The models' data were made by sampling.",
  }),
  warnings: z.array(Warning),
};

/** Of the file, and of the request: so that answers can be joined with what was asked. */
const fileName = z
  .string()
  .optional()
  .openapi({
    description: `Name of the file in a form, without folders and at most ${MAX_FILE_NAME} characters; other bodies have none.`,
    example: "bwv-253.mid",
  });
export const requestId = z
  .string()
  .optional()
  .openapi({ description: "The option `id` of the request, if it had one." });

export const MusicInput = z
  .object({
    kind: z.literal("music"),
    name: fileName,
    notes: count.openapi({ description: "Notes read from the MIDI file, or onsets in the piano roll." }),
    durationQuarters: z.number().optional().openapi({
      description: "From the first onset to the last release in quarter notes; MIDI input only, a roll has no clock.",
    }),
    tempo: z.number().optional().openapi({
      description:
        "Quarter notes a minute, as the MIDI file first states them. No score depends on it; a continuation keeps it.",
      example: 96,
    }),
    timeSignature: z
      .tuple([z.int(), z.int()])
      .optional()
      .openapi({
        description: "The first that the MIDI file states. No score depends on it; a continuation keeps it.",
        example: [4, 4],
        items: { type: "integer" }, // beside prefixItems, for tools that know lists of one kind only
      }),
    warnings: z.array(Warning),
  })
  .openapi("MusicInput");
export type MusicInput = z.infer<typeof MusicInput>;

export const AudioInput = z
  .object({
    kind: z.literal("audio"),
    name: fileName,
    sampleRate: z.number().openapi({ description: "Of the recording, Hz." }),
    samples: count.openapi({ description: "Samples of one channel of the recording, at its own rate." }),
    durationSeconds: z.number(),
    warnings: z.array(Warning),
  })
  .openapi("AudioInput");
export type AudioInput = z.infer<typeof AudioInput>;

export const perSpeechModel = {
  model: modelId,
  version,
  sampleRate: z.number().openapi({ description: "The rate at which the model reads the recording, Hz." }),
  samples: count.openapi({ description: "Samples of the recording at that rate." }),
  warnings: z.array(Warning),
};
