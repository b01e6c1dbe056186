/**
 * Chorales as people have them -> the number that the table of results promises: a file is read on the grid, in the key and in
 * the register of the set. The rolls are those of the published set, see fixtures/chorales/README.md.
 */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { DEFAULT_FOLDER, openModels } from "../src/entry/node/local.ts";
import { parseMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { type Piece, pieceOfMidi, pieceOfRoll } from "../src/inference/piece.ts";
import { scoreMusic } from "../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import type { MusicModel } from "../src/model/music-model.ts";
import { modelsOfKind } from "../src/model/select.ts";

const folder = new URL("fixtures/chorales/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder));
const names = readdirSync(folder).filter((name) => name.endsWith(".mid"));

const rolls = names.map((name): Piece => {
  const { pianoRoll: frames } = JSON.parse(read(name.replace(".mid", ".json")).toString());
  return pieceOfRoll(pianoRoll(frames), DEFAULT_LIMITS);
});
const files = names.map((name) => parseMidi(read(name)));

let models: readonly MusicModel[];
let gru: readonly MusicModel[];
beforeAll(async () => {
  models = modelsOfKind(await (await openModels(DEFAULT_FOLDER)).models(), "music", ["jsb/*"]);
  gru = models.filter(({ id }) => id === "jsb/gru");
});

/** Micro average over pieces, nats a frame. */
async function nllOf(pieces: readonly Piece[], transpose?: number): Promise<number> {
  let [sum, frames] = [0, 0];
  for (const piece of pieces) {
    const [score] = (await scoreMusic(piece, gru, { transpose }, models)).scores;
    sum -= score.logLikelihood;
    frames += score.scoredFrames;
  }
  return sum / frames;
}

test("in the set's key a file scores what the set's own roll scores", async () => {
  expect(names.length).toBeGreaterThan(20);
  const fromFiles = await nllOf(
    files.map((notes) => pieceOfMidi(notes, DEFAULT_LIMITS)),
    0,
  );
  const fromRolls = await nllOf(rolls, 0);
  expect(Math.abs(fromFiles - fromRolls)).toBeLessThan(0.02);
  expect(fromRolls).toBeLessThan(8.5);
});

test("in any other key the set's own is found for at least 95% of the pieces, at 8.75 nats or less", async () => {
  let [found, tried] = [0, 0];
  const pieces: Piece[] = [];
  // The shifts to the set's register from the keys and registers in which chorales are printed.
  for (let shift = 6; shift <= 17; shift++) {
    for (const notes of files) {
      const piece = pieceOfMidi({ ...notes, pitches: notes.pitches.map((pitch) => pitch - shift) }, DEFAULT_LIMITS);
      const [score] = (await scoreMusic(piece, gru, {}, models)).scores;
      pieces.push(piece);
      tried += 1;
      found += Number(score.transposedBy === shift);
    }
  }
  expect(found / tried).toBeGreaterThanOrEqual(0.95);
  expect(await nllOf(pieces)).toBeLessThanOrEqual(8.75);
});

test("a chorale lies among the test pieces, and a random roll does not", async () => {
  const [{ percentile, warnings }] = (await scoreMusic(rolls[0], gru, {})).scores;
  expect(percentile).toBeGreaterThan(0);
  expect(percentile).toBeLessThan(100);
  expect(warnings).toEqual([]);
  const noise = Array.from({ length: 60 }, (_, t) => [40 + ((t * 7) % 40), 41 + ((t * 11) % 40), 42 + ((t * 13) % 40)]);
  const [odd] = (await scoreMusic(pieceOfRoll(pianoRoll(noise), DEFAULT_LIMITS), gru, {})).scores;
  expect(odd.percentile).toBe(100);
  expect(odd.warnings).toMatchObject([{ code: "unlike-training-music" }]);
});
