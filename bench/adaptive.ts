/**
 * What adaptive scoring costs beside a plain score, with both heads. Prints a section of results.md:
 *
 *   cd bench && npm run -s adaptive >> results.md
 */
import { statSync } from "node:fs";
import { cpus } from "node:os";
import type { Cell, Config } from "../src/kernel/config.ts";
import { adaptingKernel, scoringKernel } from "./peers/kernel.ts";
import { line, ROUNDS, RUN_SECONDS, race, table } from "./race.ts";
import { configOf, pieces, STEPS } from "./task.ts";

const CELLS: readonly Cell[] = ["gru", "lstm", "tanh"];
const HEADS = { bernoulli: "independent pitches", nade: "NADE" } as const;

const models: [string, Config][] = Object.entries(HEADS).flatMap(([head, title]) => [
  ...CELLS.map((cell): [string, Config] => {
    const config = configOf(cell, head as keyof typeof HEADS);
    return [`${cell}-${config.units}, ${title}`, config];
  }),
  [`lstm-200, ${title}`, { ...configOf("lstm", head as keyof typeof HEADS), units: 200 }],
]);

const lines: string[] = [];
for (const [title, config] of models) {
  const [piece] = pieces;
  lines.push(line(title, await race([scoringKernel(config, [piece]), adaptingKernel(config, piece)], STEPS)));
}

const { size } = statSync(new URL("../dist/kernel.wasm", import.meta.url));

console.log(`
## Adaptive scoring

Written by \`npm run -s adaptive >> results.md\` (see adaptive.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model}, ${cpus().length} cores. Node ${process.version.slice(1)}; the portable build, ${size} bytes with all that it does.
Thousand frames per second of one piece of ${STEPS} frames: median (least–most) of ${ROUNDS} rounds of ${RUN_SECONDS} s, in turn. Adaptive
scoring loads the trained weights before each piece.

${table("model", ["plain", "adaptive"], lines)}`);
