/** Every limit on what the program reads, stores and answers, once. What exceeds one is refused in a sentence that names it. */

/** A limit that an operator may set, by the variable that variableOf names. */
interface Limit {
  readonly value: number; // unless it is set
  readonly about: string;
  readonly code: string; // of the problem that a request beyond it is answered with
}

/** Seconds of audio that are read unless a caller says otherwise. */
export const MAX_SECONDS = 600;

/** What a request may ask of a server; each runtime may set them lower. */
export const LIMITS = {
  // 128 MB hold ten minutes of stereo at 48 kHz.
  bodyBytes: { value: 2 ** 27, code: "too-large", about: "bytes of a body, as it is sent and as it is decoded" },
  // Reading JSON takes many times its size.
  jsonBytes: { value: 2 ** 22, code: "too-large", about: "bytes of a body that is JSON" },
  bodiesBytes: { value: 2 ** 28, code: "busy", about: "bytes of the bodies of all requests under way together" },
  waiting: { value: 512, code: "busy", about: "requests that wait for a thread (Node)" },
  waitSeconds: { value: 20, code: "busy", about: "seconds that a request waits for a thread (Node)" },
  headersSeconds: { value: 20, code: "request-timeout", about: "seconds to send the head of a request (Node)" },
  bodySeconds: {
    value: 20,
    code: "request-timeout",
    about: "seconds to send the body, and one more for each 64 KiB of it",
  },
  requestSeconds: { value: 300, code: "request-timeout", about: "seconds to send a whole request (Node)" },
  readerSeconds: { value: 60, code: "none", about: "seconds for which an answer may be left unread (Node)" },
  // 83 minutes of quarter notes at 120 a minute.
  frames: { value: 10_000, code: "too-large", about: "frames of a piece" },
  seconds: { value: MAX_SECONDS, code: "too-large", about: "seconds of a recording" },
  // In multiply-adds (model/cost.ts): one core does 7 to 30 billion a second. The first lets the recommended models continue a
  // chord for as long as may be asked; both together let all six models score speech in Opus at 6 kbit/s, the lowest rate in use.
  work: { value: 6e9, code: "too-much-work", about: "multiply-adds that any request may ask for" },
  workPerByte: {
    value: 2.15e6,
    code: "too-much-work",
    about: "further multiply-adds for each byte of its body, as it is sent; a line of a batch has these alone",
  },
  // As JSON most take some 20 bytes.
  numbers: { value: 500_000, code: "too-large", about: "numbers of an answer" },
  clientWork: {
    value: Number.POSITIVE_INFINITY,
    code: "rate-limited",
    about: "multiply-adds a minute for each key, or each address where there are no keys (Node)",
  },
} as const satisfies Record<string, Limit>;

export type Limits = Readonly<Record<keyof typeof LIMITS, number>>;

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly (keyof Limits)[];

export const DEFAULT_LIMITS = Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMITS[name].value])) as Limits;

/** The variable of the environment that sets a limit, such as SURPRISAL_BODY_BYTES. */
export const variableOf = (name: keyof Limits): string =>
  `SURPRISAL_${name.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()}`;

/** Bytes a second in which a body has to arrive on average: half a megabit a second. */
export const MIN_BODY_RATE = 2 ** 16;

/** Of a request to Node: bytes of its first line and headers together, and headers. */
export const MAX_HEAD_BYTES = 2 ** 14;
export const MAX_HEADERS = 100;

/** Multiply-adds that a request may ask for. @param bodyBytes as they were sent */
export const workLimit = ({ work, workPerByte }: Limits, bodyBytes: number): number => work + workPerByte * bodyBytes;

/** Of a line of a batch: many short lines would have what any request may ask for many times. */
export const lineWorkLimit = ({ work, workPerByte }: Limits, bytes: number): number =>
  work === Number.POSITIVE_INFINITY ? work : workPerByte * bytes;

/** What a MIDI file may hold. midi-file takes up to 61 bytes of heap for a byte of the file (measured, Node 24): 64 MB at worst. */
export interface MidiLimits {
  readonly bytes: number;
  readonly notes: number;
}
export const MIDI_LIMITS: MidiLimits = { bytes: 2 ** 20, notes: 100_000 };

/** Frames that the notes of a file may span outside HTTP. */
export const MAX_FRAMES = 100_000;

/** Frames of a piece that is mostly one long silence, such as one with a stray note hours after the others. */
export const MAX_SILENT_FRAMES = 10_000;

/** Of a grid, frames per quarter note. */
export const FRAMES_PER_QUARTER = { min: 1 / 64, max: 1024 } as const;

/** Frames on which the transposition of a longer piece is found: it is scored there in every key. */
export const MAX_SHIFT_FRAMES = 2000;

/**
 * Frames of a piece to score adaptively, which takes up to four times as long as a plain score: by bench/results.md 0.4 s for each
 * model of the paper's sizes, and 2 s for one of 200 units.
 */
export const MAX_ADAPTIVE_FRAMES = 10_000;

/** Semitones of a transposition: it moves any MIDI pitch to any other. */
export const MAX_SHIFT = 127;

/** Frames of music, or blocks of audio, to sample. */
export const MAX_STEPS = { music: 512, audio: 8000 } as const;

/** Of audio, Hz. */
export const SAMPLE_RATES = { min: 1000, max: 768_000 } as const;

/** Samples of a recording, one channel: eleven minutes at 48 kHz, and 128 MiB as float32. */
export const MAX_SAMPLES = 2 ** 25;

/** Channels of audio. */
export const MAX_CHANNELS = 64;

/** Of a sample, full scale = 1: beyond, a float file is no audio, and float32 would overflow in the models. */
export const MAX_SAMPLE = 16;

/** Entries of a list that an option takes. */
export const MAX_LIST = 64;

/** Characters of a pattern of models; ids are shorter. */
export const MAX_PATTERN = 128;

/** Seconds over which the work of a client is summed. */
export const CLIENT_WINDOW_SECONDS = 60;

/** Characters of the text by which a client knows a request, and of a file's name. */
export const MAX_ID = 128;
export const MAX_FILE_NAME = 255;

/** Of sampling: below, the logits that it divides leave the range of numbers; from 0.01 on a draw is all but certain anyway. */
export const TEMPERATURES = { min: 0.01, max: 10 } as const;

/** Seconds after which a client that was answered 429 or 503 may ask again. */
export const RETRY_AFTER_SECONDS = 5;

/** Parts of a form, or fields of a JSON body: options and one file need no more, and many small parts would hold the server up. */
export const MAX_PARTS = 64;

/** Lists and objects of JSON within each other: a piano roll has three, and a text of brackets alone would take seconds to parse. */
export const MAX_JSON_DEPTH = 32;

/**
 * Of a batch: lines, and bytes of them, that a thread is sent at a time; bytes of answers after which it sends them on; bytes of
 * answers that wait for a client that sends before it reads.
 */
export const MAX_GROUP_LINES = 32;
export const MAX_GROUP_BYTES = 2 ** 16;
export const MAX_PART_BYTES = 2 ** 20;
export const MAX_ANSWERS_BYTES = 2 ** 20;

/** Of a network: input columns (MIDI pitches 1…127), units, and the shape of a mixture head. */
export const MAX_INPUTS = 127;
export const MAX_UNITS = 4096;
export const MAX_COMPONENTS = 256;
export const MAX_BLOCK = 127;

/**
 * Size of a weight: sums over as many units and inputs as above stay finite in float32, but not the exponential of one; see
 * model/finite.ts. Shipped models stay below 100.
 */
export const MAX_WEIGHT = 1e6;

/** Bytes of a checkpoint's header, of a checkpoint (100 times the paper's largest), of a catalogue, and of all checkpoints of a release. */
export const MAX_HEADER_BYTES = 2 ** 20;
export const MAX_FILE_BYTES = 2 ** 26;
export const MAX_CATALOGUE_BYTES = 2 ** 20;
export const MAX_RELEASE_BYTES = 2 ** 30; // a reader keeps them in memory

/** Seconds of a recording on the command line, to be scored or learned from. */
export const MAX_LOCAL_SECONDS = 3600;

/** Bytes of a file to learn from: what is larger is no music, and an hour of sound is smaller. */
export const MAX_CORPUS_FILE_BYTES = 2 ** 30;

/** Models of a catalogue. */
export const MAX_MODELS = 1000;

/** Characters of an id: a state token has one byte for its length. */
export const MAX_NAME = 100;

/** Of API Gateway and Lambda: it waits 30 s, and six models of speech take up to 0.13 s for each second of audio. */
export const LAMBDA_SECONDS = 150;

/** Bytes of a synchronous answer of Lambda, as JSON: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_RESULT_BYTES = 6 * 2 ** 20;

/** Of Workers: an isolate has 128 MB for all of its requests, and a body of 8 MB was measured to take up to 95. */
export const WORKERS_BODY_BYTES = 6 * 2 ** 20;
export const WORKERS_BODIES_BYTES = 8 * 2 ** 20;
/** A request has 30 s of CPU time, and six models of speech take 0.09 to 0.12 s for each second of audio. */
export const WORKERS_SECONDS = 200;
