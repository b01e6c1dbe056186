/**
 * A folder of WAV files -> the two speech sets, in the shape of Chung et al. 2014, section 4.1: "short", 7,230 training
 * sequences of 500 samples, and "long", 800 of 8,000. Recordings are split, so none is on two sides; sequences are cuts of
 * one recording each. A set is one safetensors file: per split samples (sequences, length) and the place of each cut.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expected, SurprisalError } from "../errors.ts";
import { dithered } from "../formats/dither.ts";
import { readSafetensors, type Tensor, writeSafetensors } from "../formats/safetensors.ts";
import { readWav } from "../formats/wav.ts";
import { SPEECH } from "../kernel/config.ts";
import { writeFileAtomically } from "../store/atomic.ts";
import { uniform } from "../util/random.ts";
import { shuffle } from "./batches.ts";
import { hashOf, readIfThere, SPLITS, type Split, type TrainingSet } from "./datasets.ts";

/** Shapes of the sets; validation and test have as many sequences as their recordings give, up to `others`. */
export const SPEECH_SHAPES = {
  "speech-short": { length: 500, train: 7230, others: 1500 },
  "speech-long": { length: 8000, train: 800, others: 300 },
} as const;

export type SpeechSetName = keyof typeof SPEECH_SHAPES;

export const SPEECH_SETS = Object.keys(SPEECH_SHAPES) as SpeechSetName[];

export const SPEECH_FOLDER = "data/speech";

export const SPEECH_RATE = 8000; // Hz

/** Shares of the recordings; the rest is for the test. */
const SHARES = { train: 0.7, valid: 0.15 };
const SEED = 1;

/** A cut of a recording: samples as they were recorded (full scale = 1) and where they begin in it. */
export interface Cut {
  readonly samples: Float32Array;
  readonly start: number;
}

/**
 * Reads every WAV file below a folder, by the order of their paths.
 * @throws SurprisalError `missing-data` when there is none, `malformed-data` when one is not of 8 kHz.
 */
export async function readRecordings(folder: string): Promise<Float32Array[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const paths = names.filter((name) => /\.wav$/i.test(name)).sort();
  if (paths.length === 0) throw new SurprisalError("missing-data", `${folder} has no WAV files.`);
  return Promise.all(
    paths.map(async (path) => {
      const { samples, sampleRate } = await readWav(await readFile(join(folder, path)), Number.POSITIVE_INFINITY);
      if (sampleRate === SPEECH_RATE) return samples;
      throw new SurprisalError("malformed-data", expected(`${SPEECH_RATE} Hz in ${path}`, `${sampleRate} Hz`));
    }),
  );
}

/**
 * Makes a set from recordings and writes it to `<folder>/<name>.safetensors`.
 * @throws SurprisalError `missing-data` when a split gets no sequence.
 */
export async function makeSpeechSet(
  name: SpeechSetName,
  recordings: readonly Float32Array[],
  folder = SPEECH_FOLDER,
): Promise<void> {
  const { length, train, others } = SPEECH_SHAPES[name];
  const tensors = new Map<string, Tensor>();
  for (const [split, some] of Object.entries(splitRecordings(recordings))) {
    const most = split === "train" ? train : others;
    const cuts = cutsOf(some, name, most);
    if (cuts.length === 0) {
      throw new SurprisalError("missing-data", `No ${split} recording of ${name} has ${length} samples.`);
    }
    const values = new Float32Array(cuts.length * length);
    cuts.forEach(({ samples }, n) => {
      values.set(samples, n * length);
    });
    tensors.set(`${split}.samples`, { shape: [cuts.length, length], values });
    tensors.set(`${split}.starts`, { shape: [cuts.length], values: Float32Array.from(cuts, ({ start }) => start) });
  }
  const metadata = { sampleRate: String(SPEECH_RATE), recordings: String(recordings.length) };
  await writeFileAtomically(join(folder, `${name}.safetensors`), writeSafetensors({ metadata, tensors }));
}

/** Recordings in an order drawn by the seed; the same for both sets. */
export function splitRecordings(recordings: readonly Float32Array[]): Record<Split, readonly Float32Array[]> {
  const shuffled = shuffle(recordings, uniform(SEED));
  const [train, valid] = [SHARES.train, SHARES.train + SHARES.valid].map((share) =>
    Math.round(share * shuffled.length),
  );
  return { train: shuffled.slice(0, train), valid: shuffled.slice(train, valid), test: shuffled.slice(valid) };
}

/** Sequences of a set's length, end to end from the start of each recording; of all of them so many, drawn by the seed. */
export function cutsOf(recordings: readonly Float32Array[], name: SpeechSetName, most: number): Cut[] {
  const { length } = SPEECH_SHAPES[name];
  const all = recordings.flatMap((samples) =>
    Array.from({ length: Math.floor(samples.length / length) }, (_, n) => ({
      samples: samples.subarray(n * length, (n + 1) * length),
      start: n * length,
    })),
  );
  return shuffle(all, uniform(SEED)).slice(0, most);
}

/**
 * Reads a set that `npm run data -- speech` has made: dithered, and standardised by the training samples.
 * @throws SurprisalError `missing-data` when it is not there.
 */
export async function loadSpeechSet(name: SpeechSetName, folder = SPEECH_FOLDER): Promise<TrainingSet> {
  const path = join(folder, `${name}.safetensors`);
  const bytes = await readIfThere(path);
  if (bytes === undefined) {
    throw new SurprisalError(
      "missing-data",
      `${path} is not there; \`npm run data -- speech --from FOLDER\` makes it.`,
    );
  }
  const { tensors } = readSafetensors(bytes);
  const [train, valid, test] = SPLITS.map((split) => piecesOf(tensors, split, path));
  const { mean, std } = momentsOf(train);
  const standardised = (pieces: readonly Float32Array[]) =>
    pieces.map((piece) => piece.map((sample) => (sample - mean) / std));
  return {
    name,
    ...SPEECH,
    sha256: hashOf(bytes),
    described: { sampleRate: String(SPEECH_RATE), mean: String(mean), std: String(std) },
    train: standardised(train),
    valid: standardised(valid),
    test: standardised(test),
  };
}

function piecesOf(tensors: ReadonlyMap<string, Tensor>, split: Split, path: string): Float32Array[] {
  const [samples, starts] = [tensors.get(`${split}.samples`), tensors.get(`${split}.starts`)];
  if (!samples || !starts) throw new SurprisalError("malformed-data", `${path} has no ${split} sequences.`);
  const [count, length] = samples.shape;
  return Array.from({ length: count }, (_, n) =>
    dithered(samples.values.subarray(n * length, (n + 1) * length), starts.values[n]),
  );
}

/** Mean and standard deviation of samples, full scale = 1. */
export interface Moments {
  readonly mean: number;
  readonly std: number;
}

/** Over all samples. */
export function momentsOf(pieces: readonly Float32Array[]): Moments {
  let [count, sum, squares] = [0, 0, 0];
  for (const piece of pieces) {
    count += piece.length;
    for (const sample of piece) {
      sum += sample;
      squares += sample ** 2;
    }
  }
  const mean = sum / count;
  return { mean, std: Math.sqrt(squares / count - mean ** 2) };
}
