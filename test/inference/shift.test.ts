import { describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { pieceOfMidi, pieceOfRoll } from "../../src/inference/piece.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { shiftsBySet } from "../../src/inference/shift.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { shiftsOf } from "../../src/model/sets.ts";
import { randomModel, randomPiece, testModels } from "../support/models.ts";

const piece = randomPiece(5, 40);
const roll = (frames: number[][]) => pieceOfRoll(pianoRoll(frames), DEFAULT_LIMITS);
const gru = randomModel({ set: "jsb", cell: "gru", seed: 3 });

test("every key is tried once, and for JSB Chorales the register above as well", () => {
  expect(shiftsOf("nottingham")).toEqual([-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]);
  expect([shiftsOf("jsb").at(0), shiftsOf("jsb").at(-1)]).toEqual([-6, 17]);
  expect(shiftsOf("a-set-of-ones-own")).toHaveLength(12);
  expect(shiftsOf("constructor")).toHaveLength(12);
});

describe("auto", () => {
  test("is the shift of lowest NLL under the smallest model of the set, for all of its models", async () => {
    const models = testModels();
    const jsb = models.filter(({ set }) => set === "jsb");
    const smallest = jsb.filter(({ checkpoint }) => checkpoint.config.cell === "tanh");
    const tried = [];
    for (const transpose of shiftsOf("jsb"))
      tried.push((await scoreMusic(roll(piece), smallest, { transpose })).scores[0]);
    const [best] = tried.toSorted((a, b) => a.warnings.length - b.warnings.length || a.nll - b.nll);
    const { scores } = await scoreMusic(roll(piece), models, { transpose: "auto" });
    for (const { model, transposedBy } of scores) {
      if (model.startsWith("jsb/")) expect(transposedBy).toBe(best.transposedBy);
    }
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
