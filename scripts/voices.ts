/** Models of speech + recordings of another voice -> how much less they expect it than the voice that they learned. */
import { basename } from "node:path";
import { bitsPerSample } from "../src/inference/score-speech.ts";
import type { SpeechNetwork } from "../src/model/speech-network.ts";
import { evaluate } from "../src/training/evaluate.ts";
import {
  type Cut,
  cutsOf,
  momentsOf,
  readRecordings,
  SPEECH_SHAPES,
  type SpeechSetName,
} from "../src/training/speech.ts";
import { normal, uniform } from "../src/util/random.ts";
import { setOf } from "./models.ts";

/** What one model says of each kind of sound. */
export interface Voices {
  readonly model: string;
  readonly version: string;
  readonly sounds: readonly Sound[];
}

export interface Sound {
  readonly sound: string;
  readonly sequences: number;
  readonly deviation: number; // of its samples, full scale = 1
  readonly nll: number; // nats per step
  readonly bitsPerSample: number;
}

const SEED = 1;

/** @param nll nats per step of standardised samples */
export const bitsPerStep = ({ shape, std }: SpeechNetwork, nll: number): number =>
  bitsPerSample(nll / shape.block, std);

/**
 * Scores held-out recordings of the voice that each model learned, recordings of a folder as they are and at the level of
 * the former (a density is the higher the quieter the sound), and white noise of that level: sequences of equal length.
 * @throws SurprisalError as readRecordings and setOf
 */
export async function voices(models: readonly SpeechNetwork[], folder: string): Promise<Voices[]> {
  const recordings = await readRecordings(folder);
  const table: Voices[] = [];
  for (const model of models) {
    const set = await setOf(model);
    const { length, others } = SPEECH_SHAPES[set.name as SpeechSetName];
    const test = set.test as readonly Float32Array[];
    const level = model.std * deviationOf(test);
    const other = cutsOf(recordings, set.name as SpeechSetName, others);
    const gain = level / deviationOf(other.map(({ samples }) => samples));
    const random = uniform(SEED);
    const noise = test.map((): Cut => {
      return { samples: Float32Array.from({ length }, () => level * normal(random)), start: 0 };
    });
    const read = (cuts: readonly Cut[]) => cuts.map(({ samples, start }) => model.standardise(samples, start));
    const louder = other.map(({ samples, start }) => ({ samples: samples.map((sample) => gain * sample), start }));
    const name = basename(folder);
    const sounds: Sound[] = [];
    for (const [sound, pieces] of [
      ["held out", test],
      [name, read(other)],
      [`${name}, as loud`, read(louder)],
      ["white noise, as loud", read(noise)],
    ] as const) {
      const { micro } = await evaluate(model, pieces);
      sounds.push({
        sound,
        sequences: pieces.length,
        deviation: model.std * deviationOf(pieces),
        nll: micro,
        bitsPerSample: bitsPerStep(model, micro),
      });
    }
    table.push({ model: model.id, version: model.version, sounds });
  }
  return table;
}

const deviationOf = (pieces: readonly Float32Array[]): number => momentsOf(pieces).std;
