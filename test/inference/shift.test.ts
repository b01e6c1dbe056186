import { describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { pieceOfMidi, pieceOfRoll } from "../../src/inference/piece.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { shiftsBySet } from "../../src/inference/shift.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { shiftsOf, tonicOdds } from "../../src/model/sets.ts";
import { randomCheckpoint, randomModel, randomPiece, testModels } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

const piece = randomPiece(5, 40);
const roll = (frames: number[][]) => pieceOfRoll(pianoRoll(frames), DEFAULT_LIMITS);
const gru = randomModel({ set: "jsb", cell: "gru", seed: 3 });

test("odds of the tonic are those of the share against any other pitch class", () => {
  const { first, last } = tonicOdds("jsb");
  // exp(odds) : 1 against each of eleven others gives the share back.
  expect(Math.exp(first) / (Math.exp(first) + 11)).toBeCloseTo(0.882, 12);
  expect(Math.exp(last) / (Math.exp(last) + 11)).toBeCloseTo(0.934, 12);
  expect(tonicOdds("a-set-of-ones-own").last).toBeCloseTo(0, 12);
});

test("every key is tried once, and for JSB Chorales the register above as well", () => {
  expect(shiftsOf("nottingham")).toEqual([-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]);
  expect([shiftsOf("jsb").at(0), shiftsOf("jsb").at(-1)]).toEqual([-6, 17]);
  expect(shiftsOf("a-set-of-ones-own")).toHaveLength(12);
  expect(shiftsOf("constructor")).toHaveLength(12);
});

test("where the pieces of a set stand in their own keys, a piece stays in its own", async () => {
  const checkpoint = randomCheckpoint({ set: "mine", cell: "gru", seed: 3 });
  const shiftUnder = async (key: string) => {
    const metadata = { ...checkpoint.metadata, key };
    const model = new MusicNetwork({ ...checkpoint, metadata }, "", kernelModule);
    const midi = parseMidi(writeMidi(pianoRoll(piece), { framesPerQuarter: 1 }));
    const shifts = await shiftsBySet(pieceOfMidi(midi, DEFAULT_LIMITS), [model], [model], {});
    return shifts.get("mine")?.semitones;
  };
  expect(await shiftUnder("auto")).not.toBe(0);
  expect(await shiftUnder("none")).toBe(0);
});

describe("auto", () => {
  test("is the shift at which the smallest model of the set expects the piece most, for all of its models", async () => {
    const models = testModels();
    const jsb = models.filter(({ set }) => set === "jsb");
    const smallest = jsb.filter(({ checkpoint }) => checkpoint.config.cell === "tanh");
    const bass = (frame: number[] = [], shift: number) => (Math.min(...frame) + shift) % 12;
    const { first, last } = tonicOdds("jsb");
    const tried = [];
    for (const shift of shiftsOf("jsb")) {
      const [score] = (await scoreMusic(roll(piece), smallest, { transpose: shift })).scores;
      const begins = bass(piece[0], shift) === 0 ? first : 0;
      const ends = bass(piece.at(-1), shift) === 0 ? last : 0;
      tried.push({ shift, leftOut: score.warnings.length, fit: score.logLikelihood + begins + ends });
    }
    const [best] = tried.toSorted((a, b) => a.leftOut - b.leftOut || b.fit - a.fit);
    const { scores } = await scoreMusic(roll(piece), models, { transpose: "auto" });
    for (const { model, transposedBy } of scores) {
      if (model.startsWith("jsb/")) expect(transposedBy).toBe(best.shift);
    }
  });

  test("puts C into the bass of both ends where the model has no opinion, and of the last frame rather than the first", async () => {
    const indifferentOf = (set: string) => {
      const checkpoint = randomCheckpoint({ set, cell: "gru" });
      for (const tensor of Object.values(checkpoint.tensors)) tensor.fill(0);
      return new MusicNetwork(checkpoint, "0".repeat(64), kernelModule);
    };
    const indifferent = indifferentOf("jsb");
    const shiftOf = async (frames: number[][], model = indifferent) =>
      [...(await shiftsBySet(roll(frames), [model], [model], { transpose: "auto" })).values()][0].semitones;
    expect(await shiftOf([[], [62, 69], [67], [50, 62, 66], []])).toBe(-2);
    expect(await shiftOf([[62, 69], [67], [55, 67, 71]])).toBe(5);
    expect(await shiftOf([[62, 69], [67], [50, 62]], indifferentOf("a-set-of-ones-own"))).toBe(-6); // the first tried
  });

  test("does not depend on which models are asked", async () => {
    const models = testModels();
    const all = (await scoreMusic(roll(piece), models, { transpose: "auto" })).scores;
    for (const [i, model] of models.entries()) {
      const [alone] = (await scoreMusic(roll(piece), [model], { transpose: "auto" }, models)).scores;
      expect(alone).toEqual(all[i]);
    }
  });

  test("does not push notes out of the model's range to score better", async () => {
    const high = randomPiece(6, 30).map((frame) => frame.map((pitch) => (pitch % 12) + 85)); // 85 … 96
    const [score] = (await scoreMusic(roll(high), [gru], { transpose: "auto" })).scores;
    expect(score.transposedBy).toBeLessThanOrEqual(0);
    expect(score.warnings).toEqual([]);
    const pushed = (await scoreMusic(roll(high), [gru], { transpose: 5 })).scores[0];
    expect(pushed.nll).toBeLessThan(score.nll); // else this test shows nothing
  });

  test("is found on the first 2,000 frames of a longer piece, and says so", async () => {
    const long = randomPiece(7, 2300);
    long[2299] = long[1999]; // the bass of the last frame counts too
    const [whole] = (await scoreMusic(roll(long), [gru], { transpose: "auto" })).scores;
    expect(whole.frames).toBe(2300);
    expect(whole.warnings).toMatchObject([
      { code: "shift-from-excerpt", detail: "The transposition was found on the first 2000 of 2300 frames." },
    ]);
    const [excerpt] = (await scoreMusic(roll(long.slice(0, 2000)), [gru], { transpose: "auto" })).scores;
    expect(excerpt.warnings).toEqual([]);
    expect(whole.transposedBy).toBe(excerpt.transposedBy);
  });

  test("is the default of a MIDI file, which stands in its own key, and not of a piano roll", async () => {
    const file = pieceOfMidi(parseMidi(writeMidi(pianoRoll(piece), { framesPerQuarter: 1 })), DEFAULT_LIMITS);
    const auto = await shiftsBySet(roll(piece), [gru], [gru], { transpose: "auto" });
    expect(auto.get("jsb")?.semitones).not.toBe(0); // else this test shows nothing
    expect(await shiftsBySet(file, [gru], [gru], {})).toEqual(auto);
    expect((await shiftsBySet(roll(piece), [gru], [gru], {})).get("jsb")?.semitones).toBe(0);
    expect((await shiftsBySet(file, [gru], [gru], { transpose: 4 })).get("jsb")?.semitones).toBe(4);
  });
});
