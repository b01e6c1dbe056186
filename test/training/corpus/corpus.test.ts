import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeMidi } from "../../../src/formats/midi.ts";
import { type PianoRoll, pianoRoll, toFrames, transposeRoll } from "../../../src/formats/piano-roll.ts";
import { writeWav } from "../../../src/formats/wav.ts";
import { isRoll } from "../../../src/training/batches.ts";
import { keyOf, shiftToC } from "../../../src/training/corpus/key.ts";
import { readCorpus } from "../../../src/training/corpus/read.ts";
import { countsOf, splitCorpus, trainingSetOf } from "../../../src/training/corpus/set.ts";
import { foldsOf, splitPieces } from "../../../src/training/corpus/split.ts";
import { loadMusicSet, SPLITS } from "../../../src/training/datasets.ts";
import { hasMusicSet } from "../../support/data.ts";
import { randomPiece } from "../../support/models.ts";
import { Random } from "../../support/random.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-corpus-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), bytes);
}

const putMidi = (path: string, roll: PianoRoll, framesPerQuarter = 1) =>
  put(path, writeMidi(roll, { framesPerQuarter }));

/** I IV V I in four voices of a major key, each chord held for some frames. */
const cadence = (tonic: number, framesPerChord = 1): PianoRoll =>
  pianoRoll(
    [
      [0, 4, 7, 12],
      [0, 5, 9, 12],
      [-1, 2, 7, 11],
      [0, 4, 7, 12],
    ].flatMap((chord) => Array.from({ length: framesPerChord }, () => chord.map((step) => tonic + step))),
  );

const piece = (seed: number) => pianoRoll(randomPiece(seed, 12));

describe("a folder of MIDI files", () => {
  test("is read at any depth; what cannot be is listed with the reason", async () => {
    await putMidi("a/one.mid", piece(1));
    await putMidi("two.mid", piece(2));
    await put("damaged.mid", writeMidi(piece(3), { framesPerQuarter: 1 }).subarray(0, 40));
    await put("notes.txt", new TextEncoder().encode("about the pieces"));
    await put(".hidden.mid", new Uint8Array(3));
    const { pieces, unread, kind } = await readCorpus(folder, { name: "own" });
    expect(kind).toBe("music");
    expect(pieces.map(({ file }) => file)).toEqual(["a/one.mid", "two.mid"]);
    expect(unread.map(({ file }) => file)).toEqual(["damaged.mid", "notes.txt"]);
    expect(unread[1].reason).toBe("Expected a MIDI or audio file, got another.");
  });

  test("without one that can be read is an error with the first reason", async () => {
    await put("a.mid", new Uint8Array(30));
    await expect(readCorpus(folder, { name: "own" })).rejects.toThrow(
      /^Expected MIDI or audio files that can be read in .*, got none of 1\. a\.mid: Expected/,
    );
    await expect(readCorpus(join(folder, "b"), { name: "own" })).rejects.toThrow(
      `${join(folder, "b")}: There is no such file or folder.`,
    );
  });

  test("beside recordings is refused", async () => {
    await putMidi("one.mid", piece(1));
    await put("one.wav", writeWav({ samples: new Float32Array(100).fill(0.1), sampleRate: 8000 }));
    await expect(readCorpus(folder, { name: "own" })).rejects.toThrow("Expected files of one kind, got 1 of music");
  });

  test("has the fewest frames a quarter note that nearly all notes are in, unless these are given", async () => {
    for (const n of [1, 2, 3]) await putMidi(`${n}.mid`, piece(n), 3);
    expect((await readCorpus(folder, { name: "own" })).described.framesPerQuarter).toBe("3");
    const given = await readCorpus(folder, { name: "own", framesPerQuarter: 6 });
    expect(given.described.framesPerQuarter).toBe("6");
    await expect(readCorpus(folder, { name: "own", framesPerQuarter: 0 })).rejects.toThrow("framesPerQuarter");
  });

  test("is moved into C major, or stays in its keys", async () => {
    await putMidi("e-flat.mid", cadence(63), 1);
    const [moved] = (await readCorpus(folder, { name: "own" })).pieces;
    expect(moved.sequences.filter(isRoll).map(toFrames)).toEqual([toFrames(cadence(60))]);
    const [kept] = (await readCorpus(folder, { name: "own", key: "none" })).pieces;
    expect(kept.sequences.filter(isRoll).map(toFrames)).toEqual([toFrames(cadence(63))]);
  });

  test("with folders train, valid and test has their split, and what stands on two sides is counted", async () => {
    await putMidi("train/1.mid", piece(1));
    await putMidi("train/2.mid", piece(2));
    await putMidi("valid/3.mid", piece(3));
    await putMidi("test/2.mid", piece(2));
    const parts = splitCorpus(await readCorpus(folder, { name: "own" }), 1);
    expect(parts.train.map(({ file }) => file)).toEqual(["train/1.mid", "train/2.mid"]);
    expect(parts.test.map(({ file }) => file)).toEqual(["test/2.mid"]);
    expect(countsOf(parts)).toMatchObject({ duplicates: 1, onTwoSides: 1 });
  });

  test("has the same sha256 if and only if it gives the same set", async () => {
    for (const n of [1, 2, 3, 4]) await putMidi(`${n}.mid`, piece(n));
    const hashOf = async (seed: number, key: "auto" | "none") => {
      const corpus = await readCorpus(folder, { name: "own", key });
      return trainingSetOf(corpus, splitCorpus(corpus, seed)).sha256;
    };
    expect(await hashOf(1, "none")).toBe(await hashOf(1, "none"));
    expect(await hashOf(1, "none")).not.toBe(await hashOf(2, "none"));
    expect(await hashOf(1, "none")).not.toBe(await hashOf(1, "auto"));
  });
});

test.skipIf(!hasMusicSet("jsb"))("JSB Chorales written as MIDI is read as the same set", async () => {
  const set = await loadMusicSet("jsb");
  for (const split of SPLITS) {
    for (const [n, roll] of set[split].entries()) await putMidi(`${split}/${String(n).padStart(3, "0")}.mid`, roll);
  }
  const corpus = await readCorpus(folder, { name: "own", key: "none" });
  const read = trainingSetOf(corpus, splitCorpus(corpus, 1));
  expect([read.inputs, read.described.framesPerQuarter]).toEqual([set.inputs, "1"]);
  for (const split of SPLITS) expect(read[split]).toEqual(set[split]);
});

test("the same music in another key is a duplicate", async () => {
  await putMidi("a.mid", piece(1));
  await putMidi("b.mid", transposeRoll(piece(1), 2).roll);
  await putMidi("c.mid", piece(2));
  const [a, b, c] = (await readCorpus(folder, { name: "own", key: "none" })).pieces;
  expect(a.content).toBe(b.content);
  expect(a.content).not.toBe(c.content);
});

describe("splits", () => {
  const pieces = Array.from({ length: 100 }, (_, n) => ({ content: `${n % 40}`, n }));

  test("keep what is equal on one side, in shares of 70, 15 and 15", () => {
    const { train, valid, test } = splitPieces(pieces, 1);
    expect(train.length + valid.length + test.length).toBe(100);
    const contents = [train, valid, test].map((part) => new Set(part.map(({ content }) => content)));
    expect(contents.map(({ size }) => size)).toEqual([28, 6, 6]);
    expect(new Set(contents.flatMap((part) => [...part])).size).toBe(40);
  });

  test("folds test each piece once, by a model that knows nothing equal to it", () => {
    for (const k of [2, 3, 40]) {
      const folds = foldsOf(pieces, k, 1);
      expect(folds.flatMap(({ test }) => test.map(({ n }) => n)).sort((a, b) => a - b)).toEqual(
        pieces.map(({ n }) => n),
      );
      for (const { train, valid, test } of folds) {
        const seen = new Set([...train, ...valid].map(({ content }) => content));
        expect(test.filter(({ content }) => seen.has(content))).toEqual([]);
        expect(train.length * valid.length * test.length).toBeGreaterThan(0);
        expect(train.length + valid.length + test.length).toBe(100);
      }
    }
  });

  test.each([
    [() => splitPieces(pieces.slice(0, 2), 1), "at least 3 different pieces, to learn from some", 2],
    [() => foldsOf(pieces.slice(0, 4), 5, 1), "at least 5 different pieces", 4],
    [() => foldsOf(pieces.slice(0, 3), 2, 1), "at least 4 different pieces", 3],
  ])("of too few pieces are refused: %#", (split, wanted, found) => {
    expect(split).toThrow(wanted);
    expect(split).toThrow(`got ${found}.`);
  });

  test("of three pieces have one on each side", () => {
    const { train, valid, test } = splitPieces(pieces.slice(0, 3), 5);
    expect([train.length, valid.length, test.length]).toEqual([1, 1, 1]);
  });
});

describe("the key of a piece", () => {
  test.each([0, 3, 6, 7, 11])("a cadence on pitch class %i is in its major key", (tonic) => {
    const roll = cadence(60 + tonic);
    expect(keyOf(roll)).toEqual({ tonic, mode: "major" });
    expect((tonic + shiftToC(keyOf(roll)) + 12) % 12).toBe(0);
    expect(Math.abs(shiftToC(keyOf(roll)))).toBeLessThanOrEqual(6);
  });

  test("A minor goes to C minor", () => {
    const roll = pianoRoll([
      [57, 60, 64, 69],
      [57, 62, 65, 69],
      [56, 59, 64, 68],
      [57, 60, 64, 69],
    ]);
    expect(keyOf(roll)).toEqual({ tonic: 9, mode: "minor" });
    expect(shiftToC(keyOf(roll))).toBe(3);
  });

  test.skipIf(!hasMusicSet("jsb"))("of most chorales of the published set is where the set stands", async () => {
    const { train } = await loadMusicSet("jsb");
    const atHome = train.filter((roll) => shiftToC(keyOf(roll)) === 0);
    expect(atHome.length / train.length).toBeGreaterThan(0.75);
  });
});

describe("a folder of recordings", () => {
  const sound = (seed: number, length: number) => {
    const random = new Random(seed);
    return Float32Array.from({ length }, (_, t) => 0.3 * Math.sin(t / 5) + 0.05 * random.normal());
  };

  test("is cut into seconds at 8 kHz and standardised by what is learned from", async () => {
    for (const n of [1, 2, 3, 4]) {
      await put(`${n}.wav`, writeWav({ samples: sound(n, 40_000), sampleRate: 16_000 }));
    }
    await put("short.wav", writeWav({ samples: sound(5, 20), sampleRate: 8000 }));
    const corpus = await readCorpus(folder, { name: "own" });
    expect(corpus).toMatchObject({ kind: "audio", inputs: 20, unread: [{ file: "short.wav" }] });
    expect(corpus.pieces.map(({ sequences }) => sequences.map((cut) => !isRoll(cut) && cut.length))).toEqual(
      Array(4).fill([8000, 8000, 4000]),
    );
    const { train, described } = trainingSetOf(corpus, splitCorpus(corpus, 1));
    const samples = train.flatMap((cut) => (isRoll(cut) ? [] : [...cut]));
    const mean = samples.reduce((a, b) => a + b) / samples.length;
    const std = Math.sqrt(samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / samples.length);
    expect(mean).toBeCloseTo(0, 4);
    expect(std).toBeCloseTo(1, 4);
    expect(described).toMatchObject({ sampleRate: "8000" });
  });

  test("of silence is refused", async () => {
    for (const n of [1, 2, 3]) {
      await put(`${n}.wav`, writeWav({ samples: new Float32Array(9000 + n), sampleRate: 8000 }));
    }
    const corpus = await readCorpus(folder, { name: "own" });
    expect(() => trainingSetOf(corpus, splitCorpus(corpus, 1))).toThrow("recordings with sound in them, got silence");
  });
});
