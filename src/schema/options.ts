/** Options of /score and /predict. The types are inferred from the schemas, and openapi.yaml is written from them. */
import {
  FRAMES_PER_QUARTER,
  MAX_ADAPTIVE_FRAMES,
  MAX_ID,
  MAX_PATTERN,
  MAX_SHIFT,
  MAX_SHIFT_FRAMES,
  MAX_STEPS,
  TEMPERATURES,
} from "../limits.ts";
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { flag, integer, list, number, optionsOf, real } from "./values.ts";

const WANTED_ID = `text of 1 to ${MAX_ID} characters`;

const musicOptions = {
  models: list(z.string("text").max(MAX_PATTERN, `a pattern of at most ${MAX_PATTERN} characters`))
    .optional()
    .openapi({
      description:
        "Ids or patterns (`jsb/*`, `*/gru`, `*/lstm*`) of the models to ask; in JSON a list or one text with commas. Default: those that are `recommended` in /models, which for each set of the input's kind are the three cells with the better head and, for music, their ensemble; `*/*` asks all. Only models that read the input's kind answer.",
      example: ["jsb/*"],
      param: { style: "form", explode: false },
    }),
  transpose: number(
    z.union([integer(-MAX_SHIFT, MAX_SHIFT), z.literal("auto")], {
      error: `an integer from -${MAX_SHIFT} to ${MAX_SHIFT}, or "auto"`,
    }),
  )
    .optional()
    .openapi({
      description: `Music only. Semitones by which the input is shifted, or \`auto\`: the shift into the key and register of each set, which is the one that leaves out the fewest notes and, among those, has the lowest NLL under the smallest model of the set, on the first ${MAX_SHIFT_FRAMES} frames. All models of a set read the piece at the same shift, which \`transposedBy\` reports. Default: \`auto\` for a MIDI file, which stands in its own key, and 0 for a piano roll.`,
    }),
  channels: list(number(integer(1, 16)))
    .optional()
    .openapi({
      description: "MIDI input only: the channels (1 to 16) to read. Default: all but channel 10, the drums.",
      example: [1, 2],
      param: { style: "form", explode: false },
    }),
  tracks: list(number(integer(1, 65_535)))
    .optional()
    .openapi({
      description: "MIDI input only: the tracks to read, counted from 1. Default: all.",
      param: { style: "form", explode: false },
    }),
  programs: list(number(integer(1, 128)))
    .optional()
    .openapi({
      description:
        "MIDI input only: the instruments to read, General MIDI programs 1 (acoustic grand piano) to 128. Default: all.",
      param: { style: "form", explode: false },
    }),
  pedal: flag().optional().openapi({
    description: "MIDI input only: notes last as long as the sustain pedal (controller 64) holds them.",
    default: false,
  }),
  framesPerQuarter: number(real(FRAMES_PER_QUARTER)).optional().openapi({
    description:
      "Music only. Frames per quarter note, only to override the model's own frame rate: MIDI input is read at it; a `pianoRoll` stays as it is and has it as its own rate, from which `nllPerQuarter` is computed.",
  }),
  adaptive: flag()
    .optional()
    .openapi({
      description: `Music only. The models learn from the piece while they read it: after each frame their weights take a step of gradient descent on what it cost, and every request begins with the trained weights (dynamic evaluation). A frame is still predicted from its past alone. Takes up to four times as long, and at most ${MAX_ADAPTIVE_FRAMES} frames; not with \`expected\`. The transposition is found without learning, and /predict learns from the input, not from what it samples.`,
      default: false,
    }),
  id: z.string(WANTED_ID).min(1, WANTED_ID).max(MAX_ID, WANTED_ID).optional().openapi({
    description: "Any text by which the client knows this request; it comes back in the answer.",
    example: "chorales/17",
  }),
};

/** Options of /score. */
export const ScoreOptions = optionsOf({
  ...musicOptions,
  detail: z
    .enum(["none", "frames", "notes", "comparison"], '"none", "frames", "notes" or "comparison"')
    .optional()
    .openapi({
      description:
        "`frames` adds the NLL of every frame, or of every block of audio. Music only: `notes` also adds the NLL of every note at its onset, and `comparison` adds how sure one can be that the best model is better than each of the others.",
      default: "none",
    }),
  expected: flag().optional().openapi({
    description:
      "Music only. Adds what the model expected: for each frame the likeliest whole frames, and with `detail=notes` for each note the likeliest pitches in its place. Not with `adaptive`.",
    default: false,
  }),
});
export type ScoreOptions = z.infer<typeof ScoreOptions>;

/** Options of /predict. */
export const PredictOptions = optionsOf({
  ...musicOptions,
  state: list(z.string("text"))
    .optional()
    .openapi({
      description:
        "State tokens of an earlier answer, one for each model to ask: the input holds only the frames that are new since then, and the answer equals that to the whole sequence bit for bit. A token carries its model, its transposition and its frame rate, so `transpose` and `framesPerQuarter` stay unset, and `models`, if set, names the same models. `adaptive` stays unset too, since a token does not hold weights. MIDI input is trimmed of leading and trailing silence; send new frames as `pianoRoll` to keep rests. Audio continues at the rate of the models, 8 kHz.",
      param: { style: "form", explode: false },
    }),
  steps: number(integer(1, MAX_STEPS.audio))
    .optional()
    .openapi({
      description: `Frames (at most ${MAX_STEPS.music}) or blocks of ten audio samples to sample after the input, given back as \`continuation\`.`,
    }),
  temperature: number(real(TEMPERATURES)).optional().openapi({
    description:
      "Divides the logits when sampling, those of each member of a mixture; of audio also the variances are multiplied by it. Below 1 more cautious, above 1 wilder.",
    default: 1,
  }),
  seed: number(integer(0, 2 ** 32 - 1))
    .optional()
    .openapi({ description: "Seed of the sampling: the same seed gives the same continuation.", default: 0 }),
});
export type PredictOptions = z.infer<typeof PredictOptions>;
