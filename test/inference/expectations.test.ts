import { describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll, sliceRoll } from "../../src/formats/piano-roll.ts";
import { expectationsOf, placesOf } from "../../src/inference/expectations.ts";
import { pieceOfMidi, pieceOfRoll, prepareFor } from "../../src/inference/piece.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { Ensemble } from "../../src/model/ensemble.ts";
import { Work } from "../../src/util/work.ts";
import { plainNll, randomModel, randomPiece } from "../support/models.ts";

const frames = randomPiece(5, 12);
const piece = pieceOfRoll(pianoRoll(frames), DEFAULT_LIMITS);
const gru = randomModel({ set: "jsb", cell: "gru", seed: 3 });
const nade = randomModel({ set: "jsb", cell: "gru", preset: "nade", hidden: 7, seed: 4 });
const other = randomModel({ set: "jsb", cell: "lstm", preset: "nade", hidden: 5, seed: 5 });
const ensemble = new Ensemble({ id: "jsb/mixture-nade", version: "0" }, [nade, other]);

const of = async (model: typeof gru | Ensemble) => {
  const input = prepareFor(model, piece, {});
  return expectationsOf(model, input, new Work());
};

describe.each([
  ["independent pitches", gru],
  ["a NADE head", nade],
  ["an ensemble", ensemble],
])("under %s", (_, model) => {
  test("the places of a frame multiply to its probability", async () => {
    const { places } = await of(model);
    const { nll } = await model.score(pianoRoll(frames));
    expect(places[0]).toBeNull();
    for (let t = 1; t < frames.length; t++) {
      const own = places[t] ?? [];
      expect(own.map(({ pitch }) => pitch)).toEqual([...frames[t].toSorted((a, b) => a - b), null]);
      expect(own.reduce((sum, { probability }) => sum - Math.log(probability), 0)).toBeCloseTo(nll[t - 1], 3);
    }
  });

  test("the alternatives of a place are what would have been scored in it", async () => {
    const { next } = await model.advance(model.initialState(), sliceRoll(pianoRoll(frames), 0, 1));
    const [first] = placesOf(next, [60], model.pitches);
    for (const { pitch, probability } of first.likeliest) {
      const [same] = placesOf(next, pitch === null ? [] : [pitch], model.pitches);
      expect(same.probability).toBeCloseTo(probability, 12);
    }
    expect(first.likeliest.map(({ probability }) => probability)).toEqual(
      first.likeliest.map(({ probability }) => probability).toSorted((a, b) => b - a),
    );
  });

  test("the likeliest frames are those of /predict", async () => {
    const { chords } = await of(model);
    const { next } = await model.advance(model.initialState(), sliceRoll(pianoRoll(frames), 0, 5));
    expect(chords[5]).toEqual(await next.chords(3));
  });
});

test("the entropy is the mean NLL of all frames, and only of independent pitches", async () => {
  const { entropy = [] } = await of(gru);
  const { logits } = plainNll(gru, frames);
  const wanted = Array.from({ length: 96 }, (_, d) => {
    const p = 1 / (1 + Math.exp(-logits[3 * 96 + d]));
    return -p * Math.log(p) - (1 - p) * Math.log(1 - p);
  });
  expect(entropy[4]).toBeCloseTo(
    wanted.reduce((a, b) => a + b),
    3,
  );
  expect(await of(nade)).not.toHaveProperty("entropy");
  expect(await of(ensemble)).not.toHaveProperty("entropy");
});

test("answers have it in the key of the file", async () => {
  const midi = pieceOfMidi(parseMidi(writeMidi(pianoRoll(frames), { framesPerQuarter: 1 })), DEFAULT_LIMITS);
  const score = async (transpose: number) =>
    (await scoreMusic(midi, [nade], { transpose, detail: "notes", expected: true })).scores[0];
  const own = await score(0);
  const [note] = own.notes?.filter(({ frame }) => frame === 4) ?? [];
  expect(own.notes?.[0]).toMatchObject({ frame: 0, probability: null, expected: null });
  expect(note.expected).toHaveLength(3);
  expect(own.expected?.[4]).toHaveLength(3);
  const up = await score(2);
  for (const { pitch } of up.notes?.flatMap(({ expected }) => expected ?? []) ?? []) {
    if (pitch !== null) expect(pitch).toBeGreaterThanOrEqual(-1);
  }
  expect(up.notes?.map(({ pitch }) => pitch)).toEqual(own.notes?.map(({ pitch }) => pitch));
});
