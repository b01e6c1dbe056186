/**
 * How fast the page shows something, in Chromium against a warm server on this machine: when it is opened, and for a MIDI file of
 * five minutes, ten of the test chorales in a row. Prints page.md:
 *
 *   npm ci && npm run build      # in the project's root
 *   cd bench && npm run -s page > page.md
 *
 * Times are taken in the browser, from the navigation or the choice of the file to the frame that shows the result.
 */
import { readdir, readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { browse } from "../scripts/browse.ts";
import { writeMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { median } from "./race.ts";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const ROUNDS = 9;
const QUARTERS = 600; // at 120 a minute
const CHORALES = "test/fixtures/chorales";

/** What a visitor waits for, as conditions on the page; `name` is the file's. */
const STAGES = {
  "notes in the colours of one model": `document.querySelector(\`figure[aria-label^="\${name}"] canvas\`)`,
  "verdict of all small models": `document.querySelector(".verdict")?.textContent.includes("predicts it best")`,
  "what was expected at every note": `document.querySelector(".progress")?.dataset.busy === "false"`,
};
type Stage = keyof typeof STAGES;

/** Sets window.watch(), which resolves with the ms at which each stage was painted, in their order, and sums layout shifts. */
const WATCH = `window.watch = async (name, from) => {
  const times = [];
  for (const isThere of [${Object.values(STAGES).map((condition) => `() => ${condition}`)}]) {
    while (!isThere()) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - from);
  }
  return times;
};
window.shift = 0;
new PerformanceObserver((list) => {
  for (const { hadRecentInput, value } of list.getEntries()) shift += hadRecentInput ? 0 : value;
}).observe({ type: "layout-shift", buffered: true });`;

async function fiveMinutes(): Promise<Buffer> {
  const frames: number[][] = [];
  for (const name of (await readdir(CHORALES)).filter((name) => name.endsWith(".json")).sort()) {
    frames.push(...JSON.parse(await readFile(`${CHORALES}/${name}`, "utf8")).pianoRoll);
  }
  return Buffer.from(writeMidi(pianoRoll(frames.slice(0, QUARTERS)), { framesPerQuarter: 1 }));
}

/** Opens the page as a first visit. */
async function opened(page: Page, url: string): Promise<number[]> {
  await page.addInitScript(WATCH);
  await page.goto(url, { waitUntil: "commit" });
  return page.evaluate(`watch("old-hundredth.mid", 0)`);
}

/** Chooses a file on the open page. */
async function chosen(page: Page, buffer: Buffer): Promise<number[]> {
  await page.evaluate(`document.querySelector("input[type=file]").addEventListener("change", () => {
    window.times = watch("five.mid", performance.now());
  })`);
  await page.getByLabel("Choose files").setInputFiles({ name: "five.mid", mimeType: "audio/midi", buffer });
  return page.evaluate("times");
}

const cell = (values: readonly number[]) =>
  `${Math.round(median(values))} (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))})`;

await browse(async (browser, url) => {
  const midi = await fiveMinutes();
  const runs: { readonly opened: number[]; readonly chosen: number[] }[] = [];
  let scripts = 0;
  let shift = 0;
  for (let round = -2; round < ROUNDS; round++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const times = { opened: await opened(page, url), chosen: await chosen(page, midi) };
    if (round >= 0) runs.push(times); // the first ones warm the server
    const sent = `performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"))`;
    scripts = await page.evaluate(`${sent}.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`);
    shift = await page.evaluate("shift");
    await context.close();
  }
  const rows = (Object.keys(STAGES) as Stage[]).map((stage, k) => {
    const [opening, choosing] = [runs.map(({ opened }) => opened[k]), runs.map(({ chosen }) => chosen[k])];
    const ratio = median(runs.map(({ chosen }) => chosen[k] / chosen[chosen.length - 1]));
    return `| ${stage} | ${cell(opening)} | ${cell(choosing)} | ${ratio.toFixed(2)} |`;
  });
  console.log(`# How fast the page is

Written by \`npm run -s page > page.md\` (see page.ts): milliseconds until something is shown, median (least–most) of ${ROUNDS}
first visits in Chromium ${browser.version()} to a warm server on the same machine. Machine: ${cpus()[0].model}, ${cpus().length} cores.

| shown | page opened, with its chorale | file of five minutes chosen | share of the whole |
| --- | --- | --- | --- |
${rows.join("\n")}

Script that is loaded before the first result: ${(scripts / 1000).toFixed(1)} kB, compressed. Cumulative layout shift: ${shift.toFixed(3)}.`);
});
