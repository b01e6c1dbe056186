/** Bodies of /score and /predict: piano rolls, samples and files. */
import { SAMPLE_RATES } from "../limits.ts";
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { PredictOptions, ScoreOptions } from "./options.ts";
import { integer, Pitch } from "./values.ts";

/** Reports the first fault only: a body may hold half a million of them, and zod spreads issues onto the stack. */
function firstFault(frames: unknown, context: z.RefinementCtx): unknown {
  for (const [t, frame] of Array.isArray(frames) ? frames.entries() : []) {
    if (!Array.isArray(frame)) {
      context.addIssue({ code: "custom", path: [t], message: "a list of MIDI pitches" });
      return z.NEVER;
    }
    const faulty = frame.findIndex((pitch) => !Pitch.safeParse(pitch).success);
    if (faulty !== -1) {
      context.addIssue({ code: "custom", path: [t, faulty], message: "a MIDI pitch from 1 to 127" });
      return z.NEVER;
    }
  }
  return frames;
}

export const Frames = z
  .preprocess(firstFault, z.array(z.array(Pitch), "a list of frames, each a list of MIDI pitches"))
  .openapi({
    description:
      "Frames at the models' frame rate, each the list of MIDI pitches that sound in it. They are used as they are: silence at either end stays.",
    example: [[60, 64, 67], [60, 65, 69], [59, 62, 67], []],
  });

/** Samples of mono audio, full scale = 1. Only the first fault is reported, as in frames. */
export const Samples = z
  .preprocess(
    (samples, context) => {
      const faulty = Array.isArray(samples) ? samples.findIndex((sample) => typeof sample !== "number") : -1;
      if (faulty === -1) return samples;
      context.addIssue({ code: "custom", path: [faulty], message: "a number" });
      return z.NEVER;
    },
    z.array(z.number(), "a list of samples, numbers from -1 to 1"),
  )
  .openapi({ description: "Samples of mono audio, full scale = 1.", example: [0, 0.013, 0.021, -0.004] });

export const SampleRate = integer(SAMPLE_RATES.min, SAMPLE_RATES.max).openapi({ description: "Hz", example: 8000 });

/** http/json.ts decodes it. */
const base64 = (of: string) =>
  z.string().openapi({
    format: "byte",
    description: `${of}, in base64 (RFC 4648): of the standard or the URL-safe alphabet, padded or not, with line ends or without; a data: URL is refused.`,
  });

const file = { file: z.string().openapi({ format: "binary", description: "One MIDI or audio file." }) };

/** The contents of a JSON body, of which it has one. */
const contents = {
  pianoRoll: Frames.optional(),
  midi: base64("A MIDI file").optional(),
  audio: base64("An audio file").optional(),
  samples: Samples.optional(),
  sampleRate: SampleRate.optional(),
};
const oneOf = [["pianoRoll"], ["midi"], ["audio"], ["samples", "sampleRate"]].map((required) => ({ required }));

const jsonBody = <Options extends z.ZodRawShape>({ shape }: z.ZodObject<Options>) =>
  z.strictObject({ ...contents, ...shape }).openapi({ oneOf });

/** Bodies of /score and /predict as JSON, and as a form. They are for the specification: http/json.ts and form.ts read them. */
export const ScoreJson = jsonBody(ScoreOptions);
export const PredictJson = jsonBody(PredictOptions);
export const ScoreForm = z.strictObject({ ...file, ...ScoreOptions.shape });
export const PredictForm = z.strictObject({ ...file, ...PredictOptions.shape });
export const BatchForm = z.strictObject({
  file: z
    .array(file.file)
    .openapi({ description: "MIDI or audio files; options that stand before them hold for all." }),
  ...ScoreOptions.shape,
});
export const Bytes = z.string().openapi({ format: "binary" });
