/** Answers of /score. */
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { AudioInput, MusicInput, modelId, perModel, perSpeechModel, requestId } from "./common.ts";
import { count, Pitch } from "./values.ts";

/** When a note of a MIDI file sounds. */
const noteTime = {
  onsetQuarters: z.number().openapi({ description: "From the beginning of the file." }),
  durationQuarters: z.number(),
  onsetSeconds: z.number().openapi({ description: "From the beginning of the file, at its own tempos." }),
  durationSeconds: z.number(),
  bar: count.openapi({ description: "From 1, by the time signatures of the file; 4/4 where it has none." }),
  beat: z.number().openapi({
    description: "From 1, with fractions, in the note value of the time signature: in 6/8, eighths.",
  }),
  channel: count,
  track: count,
};
const NoteTime = z.object(noteTime);
export type NoteTime = z.infer<typeof NoteTime>;

/** What the model expected where a note stands. */
const expectation = {
  probability: z.number().nullable().optional().openapi({
    description:
      "The probability that this pitch, of all pitches, is the next to sound above the lower notes of its frame, given those and the frames before; null in the first frame. For a pitch that is held it is the probability that it goes on sounding. Only with `expected`.",
  }),
  expected: z
    .array(z.object({ pitch: count.nullable(), probability: z.number() }))
    .nullable()
    .optional()
    .openapi({
      description:
        "The likeliest pitches in its place, highest probability first, in the input's own key; a `pitch` of null means no further note. Only with `expected`.",
    }),
};

export const UnscoredNote = z
  .object({
    pitch: count.openapi({ description: "In the input's own key." }),
    frame: count.nullable().openapi({ description: "The frame in which it begins; null where it is in no frame." }),
    reason: z.enum(["between-frames", "held", "doubled", "out-of-range"]).openapi({
      description:
        "`between-frames`: it does not sound at the sample point of any frame. `held`: its pitch sounded in the frame before, so the model does not see it begin. `doubled`: another note of its pitch begins in the same frame and has the score. `out-of-range`: the model does not know its pitch.",
    }),
    ...expectation,
    ...noteTime,
  })
  .openapi("UnscoredNote");
export type UnscoredNote = z.infer<typeof UnscoredNote>;

export const Bar = z
  .object({ quarters: z.number(), seconds: z.number() })
  .openapi("Bar", { description: "Where a bar begins, from the beginning of the file." });
export type Bar = z.infer<typeof Bar>;

const NoteScore = z
  .object({
    frame: count,
    pitch: Pitch.openapi({ description: "In the input's own key." }),
    nll: z.number().nullable().openapi({
      description:
        "-log p(this pitch sounds), nats, given the frames before and the lower pitches of its own frame, which matter where the pitches of a frame depend on each other (a NADE head, or an ensemble); null in the first frame.",
    }),
    ...expectation,
    ...NoteTime.partial().shape,
  })
  .openapi("NoteScore", {
    description: "An onset. For a MIDI file also when it sounds, its bar and beat, channel and track.",
  });
export type NoteScore = z.infer<typeof NoteScore>;

export const Score = z
  .object({
    ...perModel,
    scoredFrames: count.openapi({ description: "All but the first, which no model predicts." }),
    logLikelihood: z.number().openapi({ description: "log p of the scored frames, nats." }),
    nll: z.number().openapi({ description: "-logLikelihood per scored frame." }),
    nllPerQuarter: z.number().openapi({
      description:
        "-logLikelihood per quarter note. Comparable among models of one frame rate; a finer one also has to predict the finer timing.",
    }),
    percentile: z.number().min(0).max(100).optional().openapi({
      description:
        "The percentage of the test pieces of the model's set that surprise it less than this piece does; with `adaptive` the test pieces too are scored adaptively. Absent where the model's test pieces were not measured, and, with the warning `other-frame-rate`, where the piece was read at another frame rate than they were. A piece that is more or less surprising than all of them has the warning `unlike-training-music`.",
    }),
    perFrame: z.array(z.number().nullable()).optional().openapi({
      description: "NLL of each frame, nats; first entry null. Only with `detail`.",
    }),
    notes: z.array(NoteScore).optional().openapi({ description: "Every onset. Only with `detail=notes`." }),
    held: z.array(z.number().nullable()).optional().openapi({
      description:
        "For each frame the NLL of the pitches that are held from the frame before, nats; first entry null. Only with `detail=notes`.",
    }),
    silence: z.array(z.number().nullable()).optional().openapi({
      description:
        "For each frame the NLL of the pitches that do not sound, nats; first entry null. The notes of a frame, `held` and `silence` add up to its NLL. Only with `detail=notes`.",
    }),
    unscored: z.array(UnscoredNote).optional().openapi({
      description: "The notes of the file that are not among `notes`. Only for a MIDI file with `detail=notes`.",
    }),
    startQuarters: z.number().optional().openapi({
      description:
        "Where frame 0 begins, in quarter notes from the beginning of the file. Only for a MIDI file with `detail=notes`.",
    }),
    expected: z
      .array(z.array(z.object({ pitches: z.array(count), probability: z.number() })).nullable())
      .optional()
      .openapi({
        description:
          "For each frame the frames that the model expected most before it heard it, in the input's own key, with exact probabilities; first entry null. Only with `expected`.",
      }),
    entropy: z.array(z.number().nullable()).optional().openapi({
      description:
        "For each frame the NLL that the model expected, nats; first entry null. Only with `expected`, and only from a network with independent pitches: for others there is no formula.",
    }),
  })
  .openapi("Score");
export type Score = z.infer<typeof Score>;

export const Comparison = z
  .object({
    model: modelId,
    comparedWith: modelId.openapi({ description: "The best model of the same frame rate." }),
    difference: z
      .number()
      .openapi({ description: "The NLL of `model` less that of `comparedWith`, in nats per scored frame." }),
    interval: z.object({ low: z.number(), high: z.number() }).openapi({
      description:
        "95% interval of the difference by a block bootstrap over the frames: how much it might differ if the piece went on in the same manner.",
    }),
    better: modelId.nullable().openapi({
      description: "The better model where the interval does not contain 0; null where one cannot tell.",
    }),
  })
  .openapi("Comparison");
export type Comparison = z.infer<typeof Comparison>;

export const NotCompared = z.object({ model: modelId, reason: z.string() }).openapi("NotCompared", {
  description: "A model whose frames cannot be paired with those of the best of its frame rate, and why.",
});
export type NotCompared = z.infer<typeof NotCompared>;

export const AudioScore = z
  .object({
    ...perSpeechModel,
    scoredSamples: count.openapi({ description: "All but the first 20, which no model predicts." }),
    logLikelihood: z.number().openapi({
      description:
        "log of the density of the scored samples given the first 20, in nats and in the units of the model: dithered by one step of 16 bits, standardised by its training samples.",
    }),
    nll: z.number().openapi({ description: "-logLikelihood per step of 10 samples, as in Chung et al. (2014)." }),
    nllPerSample: z.number(),
    bitsPerSample: z.number().openapi({
      description:
        "The bits that a scored sample takes on the grid of 16 bits, -log2(density in units of full scale times 2^-15): the measure to compare models by. Uncompressed it takes 16.",
    }),
    perStep: z.array(z.number()).optional().openapi({
      description: "NLL of each block, nats; the last may have fewer than 10 samples. Only with `detail=frames`.",
    }),
  })
  .openapi("AudioScore");
export type AudioScore = z.infer<typeof AudioScore>;

export const MusicScoreResponse = z
  .object({
    id: requestId,
    input: MusicInput,
    scores: z.array(Score),
    best: modelId.nullable().openapi({
      description:
        "The model with the lowest nll among those that left out the fewest notes (one that leaves notes out scores easier music), where all read the piece at one frame rate; null where they read it at several, since their frames cannot be compared.",
    }),
    bestByFrameRate: z
      .array(z.object({ framesPerQuarter: z.number(), model: modelId }))
      .openapi({ description: "The same for each frame rate at which the piece was read." }),
    bars: z.array(Bar).optional().openapi({ description: "Only for a MIDI file with `detail=notes`." }),
    comparisons: z.array(Comparison).optional().openapi({
      description:
        "Each other model against the best of its frame rate, if both read the same frames. Only with `detail=comparison`. Each interval stands for itself and for this piece alone.",
    }),
    notCompared: z.array(NotCompared).optional().openapi({ description: "Only with `detail=comparison`." }),
  })
  .openapi("MusicScoreResponse");
export type MusicScoreResponse = z.infer<typeof MusicScoreResponse>;

export const AudioScoreResponse = z
  .object({
    id: requestId,
    input: AudioInput,
    scores: z.array(AudioScore),
    best: modelId.openapi({ description: "The model with the lowest bitsPerSample." }),
  })
  .openapi("AudioScoreResponse");
export type AudioScoreResponse = z.infer<typeof AudioScoreResponse>;

export const ScoreResponse = z.union([MusicScoreResponse, AudioScoreResponse]).openapi("ScoreResponse");
export type ScoreResponse = z.infer<typeof ScoreResponse>;
