/** A small made-up music set: pieces of uneven length whose frames repeat, so that there is something to learn. */
import { type PianoRoll, pianoRoll } from "../../src/sequence.ts";
import type { MusicSet } from "../../src/training/datasets.ts";
import { type Protocol, parseTarget, presetOf } from "../../src/training/protocol.ts";
import { Random } from "../random.ts";

export const smallProtocol: Protocol = {
  ...presetOf(parseTarget("nottingham/gru")),
  units: 5,
  epochs: 6,
  sequences: 3,
  steps: 7,
};

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
