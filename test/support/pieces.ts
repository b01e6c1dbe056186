/** Small made-up sets in which there is something to learn. */

import { type PianoRoll, pianoRoll } from "../../src/formats/piano-roll.ts";
import { SPEECH } from "../../src/kernel/config.ts";
import type { MusicSet, TrainingSet } from "../../src/training/datasets.ts";
import type { Protocol } from "../../src/training/protocol.ts";
import { parseTarget, presetOf } from "../../src/training/targets.ts";
import { Random } from "./random.ts";

export const smallProtocol: Protocol = {
  ...presetOf(parseTarget("nottingham/gru")),
  units: 5,
  epochs: 6,
  batchSize: 3,
  bpttSteps: 7,
};

/** Recordings of uneven length, of a tone that swells, in a little noise. */
export function smallSpeechSet(seed = 1): TrainingSet {
  const random = new Random(seed);
  const recording = (): Float32Array => {
    const [start, pitch] = [random.integer(0, 100), 4 + random.uniform()];
    return Float32Array.from({ length: random.integer(40, 300) }, (_, t) => {
      return Math.sin((start + t) / 30) * Math.sin((start + t) / pitch) + 0.1 * random.normal();
    });
  };
  const pieces = (count: number) => Array.from({ length: count }, recording);
  return {
    name: "speech-short",
    ...SPEECH,
    described: {},
    sha256: "",
    train: pieces(8),
    valid: pieces(3),
    test: pieces(4),
  };
}

/** Pieces of uneven length whose frames repeat. */
export function smallSet(seed = 1): MusicSet {
  const random = new Random(seed);
  const chords = Array.from({ length: 3 }, () => [random.integer(1, 5), random.integer(6, 9)]);
  const piece = (): PianoRoll => {
    const start = random.integer(0, 14);
    const frame = (t: number) => (t % 5 === 4 ? [] : chords[t % 3]);
    return pianoRoll(Array.from({ length: random.integer(2, 20) }, (_, t) => frame(start + t)));
  };
  const pieces = (count: number) => Array.from({ length: count }, piece);
  return {
    name: "jsb",
    inputs: 9,
    framesPerQuarter: 1,
    described: { framesPerQuarter: "1" },
    sha256: "",
    train: pieces(8),
    valid: pieces(3),
    test: pieces(4),
  };
}
