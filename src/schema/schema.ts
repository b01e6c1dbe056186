/**
 * Every request and response of the API as a zod schema. The types are inferred from them and openapi.yaml is written
 * from them; nothing about the API's data is declared a second time.
 */
import "../util/zod.ts";
import { z } from "@hono/zod-openapi";
import { FRAMES_PER_QUARTER } from "../formats/midi.ts";
import { SAMPLE_RATES } from "../formats/wav.ts";
import { DEFAULT_LIMITS } from "../inference/piece.ts";
import { CELLS } from "../model/checkpoint.ts";

/** Longest list that an option takes. */
const LONGEST_LIST = 64;
/** Of a model's name, characters; ids are shorter. */
const LONGEST_PATTERN = 128;
/** Most frames of music, or blocks of audio, to sample. */
export const MOST_STEPS = { music: 512, audio: 8000 } as const;
/** Largest shift in semitones: it moves any MIDI pitch to any other. */
export const LARGEST_SHIFT = 127;

// Every fault is worded as what was wanted; input.ts puts what was found before it.

const integer = (least: number, most: number) => {
  const wanted = `an integer from ${least} to ${most}`;
  return z.int(wanted).min(least, wanted).max(most, wanted);
};
const positive = (most: number) => {
  const wanted = `a number above 0, at most ${most}`;
  return z.number(wanted).positive(wanted).max(most, wanted);
};

// Options come as text in a query or a form and typed in JSON; both end in the same type.

const number = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value), schema);

/** A list, or one text with commas. Its length is checked before its items: zod spreads the issues onto the stack. */
const list = <Schema extends z.ZodType>(item: Schema) => {
  const wanted = `a list of 1 to ${LONGEST_LIST} entries, or one text with commas`;
  return z.preprocess(
    (value, context) => {
      const items = typeof value === "string" ? value.split(",").map((text) => text.trim()) : value;
      if (Array.isArray(items) && items.length > LONGEST_LIST) context.addIssue(wanted);
      return items;
    },
    z.array(item, wanted).min(1, wanted),
  );
};

/** Options by name, and no others. */
const optionsOf = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === "unrecognized_keys" ? `only ${Object.keys(shape).join(", ")}` : undefined),
  });

const WANTED_RATE = `a number from ${FRAMES_PER_QUARTER.least} to ${FRAMES_PER_QUARTER.most}`;

const musicOptions = {
  models: list(z.string("text").max(LONGEST_PATTERN, `patterns of at most ${LONGEST_PATTERN} characters`))
    .optional()
    .openapi({
      description:
        "Ids or patterns (`jsb/*`, `*/gru`, `*/lstm*`) of the models to ask; in JSON a list or one text with commas. Default: every model of the input's kind, which are the only ones that a pattern can find.",
      example: ["jsb/*"],
      param: { style: "form", explode: false },
    }),
  transpose: number(
    z.union([integer(-LARGEST_SHIFT, LARGEST_SHIFT), z.literal("auto")], {
      error: `an integer from -${LARGEST_SHIFT} to ${LARGEST_SHIFT}, or "auto"`,
    }),
  )
    .optional()
    .openapi({
      description: `Music only. Semitones by which the input is shifted, or \`auto\`: for each model the shift from -6 to 5 that leaves out the fewest notes and, among those, has the lowest NLL; \`transposedBy\` reports it. \`auto\` takes at most ${DEFAULT_LIMITS.autoFrames} frames, for it scores them in all twelve keys.`,
      default: 0,
    }),
  channels: list(number(integer(1, 16)))
    .optional()
    .openapi({
      description: "MIDI input only: the channels (1 to 16) to read. Default: all but channel 10, the drums.",
      example: [1, 2],
      param: { style: "form", explode: false },
    }),
  framesPerQuarter: number(
    z.number(WANTED_RATE).min(FRAMES_PER_QUARTER.least, WANTED_RATE).max(FRAMES_PER_QUARTER.most, WANTED_RATE),
  )
    .optional()
    .openapi({
      description:
        "Music only. Frames per quarter note, only to override the model's own frame rate: MIDI input is read at it; a `pianoRoll` stays as it is and has it as its own rate, by which `nllPerQuarter` is reckoned.",
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
        "`frames` adds the NLL of every frame, or of every block of audio. Of music, `notes` adds also the NLL of every note at its onset, and `comparison` adds how sure one can be that the best model is better than each of the others.",
      default: "none",
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
        "State tokens of an earlier answer, one for each model to ask: the input holds only the frames that are new since then, and the answer equals that to the whole sequence bit for bit. A token carries its model, its transposition and its frame rate, so `transpose` and `framesPerQuarter` stay unset, and `models`, if set, names the same models. MIDI input is trimmed of leading and trailing silence; send new frames as `pianoRoll` to keep rests. Audio continues at the rate of the models, 8 kHz.",
      param: { style: "form", explode: false },
    }),
  steps: number(integer(1, MOST_STEPS.audio))
    .optional()
    .openapi({
      description: `Frames (at most ${MOST_STEPS.music}) or blocks of ten audio samples to sample after the input, given back as \`continuation\`.`,
    }),
  temperature: number(positive(10)).optional().openapi({
    description:
      "Divides the logits when sampling, those of each member of a mixture; of audio also the variances are multiplied by it. Below 1 more cautious, above 1 wilder.",
    default: 1,
  }),
  seed: number(integer(0, 2 ** 32 - 1))
    .optional()
    .openapi({ description: "Seed of the sampling: the same seed gives the same continuation.", default: 0 }),
});
export type PredictOptions = z.infer<typeof PredictOptions>;

const Pitch = integer(1, 127);

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

export const SampleRate = integer(SAMPLE_RATES.least, SAMPLE_RATES.most).openapi({ description: "Hz", example: 8000 });

const file = { file: z.string().openapi({ format: "binary", description: "One MIDI or audio file." }) };

/** Bodies of /score and /predict as JSON, and as a form. They are for the specification: input.ts reads their parts. */
const audio = { samples: Samples, sampleRate: SampleRate };
export const ScoreJson = z.union([
  z.strictObject({ pianoRoll: Frames, ...ScoreOptions.shape }),
  z.strictObject({ ...audio, ...ScoreOptions.shape }),
]);
export const PredictJson = z.union([
  z.strictObject({ pianoRoll: Frames, ...PredictOptions.shape }),
  z.strictObject({ ...audio, ...PredictOptions.shape }),
]);
export const ScoreForm = z.strictObject({ ...file, ...ScoreOptions.shape });
export const PredictForm = z.strictObject({ ...file, ...PredictOptions.shape });
export const Bytes = z.string().openapi({ format: "binary" });

const modelId = z.string().openapi({
  description:
    "`<set>/<cell>`, or `<set>/<cell>-<preset>` when it was not trained by the paper's preset; `mixture` in the cell's place is the even average of the likelihoods, frame by frame, of the set's models of that preset.",
  example: "jsb/gru",
});
const version = z.string().openapi({
  description: "sha256 of the checkpoint file; of a mixture, of its members' versions.",
  example: "sha256:9f86d0…",
});
const count = z.int().min(0);

const Warning = z
  .object({
    code: z.enum([
      "notes-left-out",
      "unclosed-notes",
      "constant",
      "silence",
      "clipping",
      "dc-offset",
      "low-sample-rate",
      "unlike-speech",
    ]),
    count: count.openapi({ description: "Notes, or samples of the file, concerned." }),
    detail: z.string(),
  })
  .openapi("Warning", { description: "Something that the numbers do not show." });
export type Warning = z.infer<typeof Warning>;

const perModel = {
  model: modelId,
  version,
  framesPerQuarter: z.number().openapi({ description: "Frame rate at which the input was read." }),
  frames: count.openapi({ description: "Frames of the input." }),
  transposedBy: z.int().openapi({ description: "Semitones from the input's own key to the key that the model read." }),
  warnings: z.array(Warning),
};

const MusicInput = z
  .object({
    kind: z.literal("music"),
    notes: count.openapi({ description: "Notes read from the MIDI file, or onsets in the piano roll." }),
    durationQuarters: z.number().optional().openapi({
      description: "From the first onset to the last release in quarter notes; MIDI input only, a roll has no clock.",
    }),
    warnings: z.array(Warning),
  })
  .openapi("MusicInput");
export type MusicInput = z.infer<typeof MusicInput>;

const AudioInput = z
  .object({
    kind: z.literal("audio"),
    sampleRate: z.number().openapi({ description: "Of the recording, Hz." }),
    samples: count.openapi({ description: "Of the recording, at its own rate and of one channel." }),
    durationSeconds: z.number(),
    warnings: z.array(Warning),
  })
  .openapi("AudioInput");
export type AudioInput = z.infer<typeof AudioInput>;

const NoteScore = z
  .object({
    frame: count,
    pitch: Pitch.openapi({ description: "In the input's own key." }),
    nll: z.number().nullable().openapi({
      description:
        "-log p(this pitch sounds), nats; null in the first frame. Under a mixture the pitches of a frame depend on each other, so these do not add up to what the frame's notes take together.",
    }),
  })
  .openapi("NoteScore");

const Score = z
  .object({
    ...perModel,
    scoredFrames: count.openapi({ description: "All but the first, which no model predicts." }),
    logLikelihood: z.number().openapi({ description: "log p of the scored frames, nats." }),
    nll: z.number().openapi({ description: "-logLikelihood per scored frame." }),
    nllPerQuarter: z.number().openapi({
      description:
        "-logLikelihood per quarter note: the measure to compare models of different frame rates by. Exactly comparable at one frame rate; a finer one also has to predict the finer timing.",
    }),
    perFrame: z.array(z.number().nullable()).optional().openapi({
      description: "NLL of each frame, nats; first entry null. Only with `detail`.",
    }),
    notes: z.array(NoteScore).optional().openapi({ description: "Every onset. Only with `detail=notes`." }),
  })
  .openapi("Score");
export type Score = z.infer<typeof Score>;

const Comparison = z
  .object({
    model: modelId,
    difference: z.number().openapi({ description: "Its NLL less that of `best`, in nats per scored frame." }),
    interval: z.object({ low: z.number(), high: z.number() }).openapi({
      description:
        "95% interval of the difference by a block bootstrap over the frames: how far it might have come out otherwise had the piece gone on in the same manner.",
    }),
    better: modelId.nullable().openapi({
      description: "The model that is better if the interval holds no zero; null if one cannot tell.",
    }),
  })
  .openapi("Comparison");
export type Comparison = z.infer<typeof Comparison>;

const NotCompared = z
  .object({ model: modelId, reason: z.string() })
  .openapi("NotCompared", { description: "A model whose frames cannot be paired with those of `best`, and why." });
export type NotCompared = z.infer<typeof NotCompared>;

const perSpeechModel = {
  model: modelId,
  version,
  sampleRate: z.number().openapi({ description: "Hz, at which the model reads the recording." }),
  samples: count.openapi({ description: "Of the recording at that rate." }),
  warnings: z.array(Warning),
};

const AudioScore = z
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
    input: MusicInput,
    scores: z.array(Score),
    best: modelId.openapi({
      description:
        "The model with the lowest nllPerQuarter among those that left out the fewest notes: one that leaves notes out scores easier music.",
    }),
    comparisons: z.array(Comparison).optional().openapi({
      description:
        "Each other model against `best`, if both read the same frames. Only with `detail=comparison`. Each interval stands for itself and for this piece alone.",
    }),
    notCompared: z.array(NotCompared).optional().openapi({ description: "Only with `detail=comparison`." }),
  })
  .openapi("MusicScoreResponse");
export type MusicScoreResponse = z.infer<typeof MusicScoreResponse>;

export const AudioScoreResponse = z
  .object({
    input: AudioInput,
    scores: z.array(AudioScore),
    best: modelId.openapi({ description: "The model with the lowest bitsPerSample." }),
  })
  .openapi("AudioScoreResponse");
export type AudioScoreResponse = z.infer<typeof AudioScoreResponse>;

export const ScoreResponse = z.union([MusicScoreResponse, AudioScoreResponse]).openapi("ScoreResponse");
export type ScoreResponse = z.infer<typeof ScoreResponse>;

const Prediction = z
  .object({
    ...perModel,
    probabilities: z.array(z.number()).openapi({
      description:
        "p(pitch sounds in the frame after the input's last) for MIDI pitches 1 to D, in the model's key, that is shifted by transposedBy.",
    }),
    likely: z
      .array(z.object({ pitch: Pitch, probability: z.number() }))
      .openapi({ description: "The ten most probable pitches, highest first, in the input's own key." }),
    state: z.string().openapi({
      description: "Opaque token of the hidden state after the input's last frame, before any sampled one.",
    }),
    continuation: z
      .array(z.array(Pitch))
      .optional()
      .openapi({ description: "The sampled frames, in the input's own key. Only with `steps`." }),
  })
  .openapi("Prediction");
export type Prediction = z.infer<typeof Prediction>;

const AudioPrediction = z
  .object({
    ...perSpeechModel,
    weights: z.array(z.number()).openapi({ description: "Of the Gaussians of the mixture; they add up to 1." }),
    means: z.array(z.array(z.number())).openapi({
      description:
        "Of each Gaussian and each sample that follows, full scale = 1. Blocks of ten begin at sample 20, so after 20 + 10 k samples there are ten; else those that are left of the block under way, and the mixture is the one given the block's samples that are known.",
    }),
    scales: z.array(z.array(z.number())).openapi({ description: "Standard deviations, in the order of `means`." }),
    expected: z.array(z.number()).openapi({ description: "The expected samples that follow." }),
    state: z.string().openapi({
      description: "Opaque token of the hidden state after the input's last sample, before any sampled one.",
    }),
    continuation: z.array(z.number()).optional().openapi({
      description:
        "The sampled samples at `sampleRate`, full scale = 1: what is left of the block under way, then blocks of ten. Only with `steps`.",
    }),
  })
  .openapi("AudioPrediction");
export type AudioPrediction = z.infer<typeof AudioPrediction>;

export const MusicPredictResponse = z
  .object({ input: MusicInput, predictions: z.array(Prediction) })
  .openapi("MusicPredictResponse");
export type MusicPredictResponse = z.infer<typeof MusicPredictResponse>;

export const AudioPredictResponse = z
  .object({ input: AudioInput, predictions: z.array(AudioPrediction) })
  .openapi("AudioPredictResponse");
export type AudioPredictResponse = z.infer<typeof AudioPredictResponse>;

export const PredictResponse = z.union([MusicPredictResponse, AudioPredictResponse]).openapi("PredictResponse");
export type PredictResponse = z.infer<typeof PredictResponse>;

const Measured = z.object({ micro: z.number(), macro: z.number() }).optional().openapi({
  description: "NLL in nats per frame, or step of 10 samples: over all of them, and the mean over pieces.",
});

export const ModelInfo = z
  .object({
    id: modelId,
    version,
    kind: z.enum(["music", "audio"]).openapi({ description: "Of the input that it reads." }),
    set: z.string().openapi({ description: "The data set that it was trained on.", example: "jsb" }),
    preset: z.string().openapi({
      description: "The settings that it was trained by; `paper`: sizes and protocol of Chung et al. (2014).",
      example: "paper",
    }),
    cell: z.enum(CELLS).optional().openapi({ description: "Absent in a mixture, as are `units` and `metadata`." }),
    units: count.optional(),
    members: z.array(modelId).optional().openapi({ description: "Only of a mixture: the models that it averages." }),
    parameters: count.openapi({ description: "All weights, the output layer included; of a mixture, of all members." }),
    pitches: count.optional().openapi({ description: "Of music, D: the model knows MIDI pitches 1 to D." }),
    framesPerQuarter: z.number().optional().openapi({ description: "Of music." }),
    sampleRate: z.number().optional().openapi({ description: "Of audio, Hz." }),
    metrics: z.object({ valid: Measured, test: Measured }).openapi({
      description: "On the model's own data set, as far as it was measured; that of a mixture is not.",
    }),
    metadata: z.record(z.string(), z.string()).optional().openapi({
      description: "What the checkpoint says of itself, as it says it: data, training settings, seed.",
    }),
  })
  .openapi("Model");
export type ModelInfo = z.infer<typeof ModelInfo>;
export const ModelList = z.object({ models: z.array(ModelInfo) }).openapi("ModelList");
export const ModelPath = z.object({
  set: z.string(),
  cell: z.string().openapi({ description: "What stands behind the / in the model's id.", example: "lstm-large" }),
});

export const Health = z
  .object({
    status: z.enum(["live", "ready"]),
    models: count.optional(),
    lastError: z
      .string()
      .nullable()
      .optional()
      .openapi({ description: "Why the store could last not be read, if so." }),
  })
  .openapi("Health");

export const Problem = z
  .object({
    type: z.string().openapi({ example: "about:blank" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: "One sentence: what was found against what was wanted." }),
    code: z.string().openapi({ description: "Stable name of the error.", example: "malformed-midi" }),
    instance: z.string().openapi({ description: "Path of the request and, after #, its id." }),
  })
  .openapi("Problem", { description: "RFC 9457 problem document." });
export type Problem = z.infer<typeof Problem>;
