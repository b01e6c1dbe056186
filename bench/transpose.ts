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
import type { MusicModel } from "../src/model/music-model.ts";
import { modelsOfKind } from "../src/model/select.ts";
import { randomPiece } from "../test/support/models.ts";
import { median } from "./race.ts";

const FRAMES = 500; // eighth notes
const ROUNDS = 25;

const all = await (await openModels(DEFAULT_FOLDER)).models();
const file = writeMidi(pianoRoll(randomPiece(1, FRAMES)), { framesPerQuarter: 2 });

/** Milliseconds from the file's bytes to its scores. */
async function timed(models: readonly MusicModel[], transpose: "auto" | 0): Promise<number> {
  const start = performance.now();
  await scoreMusic(
    pieceOfMidi(parseMidi(file), DEFAULT_LIMITS),
    models,
    { transpose },
    modelsOfKind(all, "music", ["*/*"]),
  );
  return performance.now() - start;
}

const shown = (values: readonly number[], digits: number) =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

/** A row of the table, by the models that patterns name. */
async function row(title: string, patterns?: readonly string[]): Promise<string> {
  const models = modelsOfKind(all, "music", patterns);
  for (let warmUp = 0; warmUp < 5; warmUp++) await timed(models, "auto");
  const rounds: { plain: number; auto: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ plain: await timed(models, 0), auto: await timed(models, "auto") });
  }
  const plain = rounds.map((each) => each.plain);
  const auto = rounds.map((each) => each.auto);
  const ratios = rounds.map((each) => each.auto / each.plain);
  return `| ${title}, ${models.length} | ${shown(plain, 0)} | ${shown(auto, 0)} | ${shown(ratios, 2)} |`;
}

const rows = [await row("all", ["*/*"]), await row("recommended")];

console.log(`
## Finding the key of a piece

Written by \`npm run -s transpose >> results.md\` (see transpose.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model.replace(/ \d+-Core.*/, "")}, ${cpus().length} cores. Node ${process.version.slice(1)}.
Milliseconds to score a MIDI file of ${FRAMES} frames by models of music, median (least–most) of ${ROUNDS} rounds in turn.

| models | as it stands | transposed into the key of each set | ratio |
| --- | --- | --- | --- |
${rows.join("\n")}`);
