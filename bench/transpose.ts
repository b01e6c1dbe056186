/**
 * What it costs to find the key of a piece: all shipped models of music score a file of 500 frames as it stands, and with the
 * transposition into the key of each set, in turn. Prints a part of results.md:
 *
 *   npm ci                       # in the project's root
 *   cd bench && npm run -s transpose >> results.md
 */
import { cpus } from "node:os";
import { DEFAULT_FOLDER, openModels } from "../src/entry/node/local.ts";
import { parseMidi, writeMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { pieceOfMidi } from "../src/inference/piece.ts";
import { scoreMusic } from "../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import { modelsOfKind } from "../src/model/select.ts";
import { randomPiece } from "../test/support/models.ts";
import { median } from "./race.ts";

const FRAMES = 500; // eighth notes
const ROUNDS = 25;

const models = modelsOfKind(await (await openModels(DEFAULT_FOLDER)).models(), "music");
const file = writeMidi(pianoRoll(randomPiece(1, FRAMES)), { framesPerQuarter: 2 });

/** Milliseconds from the file's bytes to its scores. */
async function timed(transpose: "auto" | 0): Promise<number> {
  const start = performance.now();
  await scoreMusic(pieceOfMidi(parseMidi(file), DEFAULT_LIMITS), models, { transpose });
  return performance.now() - start;
}

for (let warmUp = 0; warmUp < 5; warmUp++) await timed("auto");
const rounds: { plain: number; auto: number }[] = [];
for (let round = 0; round < ROUNDS; round++) rounds.push({ plain: await timed(0), auto: await timed("auto") });
const shown = (values: readonly number[], digits: number) =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

console.log(`
## Finding the key of a piece

Written by \`npm run -s transpose >> results.md\` (see transpose.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model.replace(/ \d+-Core.*/, "")}, ${cpus().length} cores. Node ${process.version.slice(1)}.
Milliseconds to score a MIDI file of ${FRAMES} frames by all ${models.length} models of music, median (least–most) of ${ROUNDS} rounds in turn.

| as it stands | transposed into the key of each set | ratio |
| --- | --- | --- |
| ${shown(
  rounds.map(({ plain }) => plain),
  0,
)} | ${shown(
  rounds.map(({ auto }) => auto),
  0,
)} | ${shown(
  rounds.map(({ plain, auto }) => auto / plain),
  2,
)} |`);
