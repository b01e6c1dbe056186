/**
 * How long after its start a process has scored its first MIDI file: the command line, the server, and beside them
 * TensorFlow.js on WASM with the same weights. Prints a part of results.md:
 *
 *   npm ci                       # in the project's root
 *   cd bench && npm run -s start >> results.md
 *
 * The server answers over HTTP; the command line and the peer print. All are bundled, and take turns.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { median } from "./race.ts";

const ROUNDS = 15;
const PORT = "8797";

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const file = at("test/fixtures/midi/format-1.mid");
const midi = await readFile(file);
const { models } = JSON.parse(await readFile(at("models/catalogue.json"), "utf8"));
// Those that the TensorFlow.js peer computes: of music, with independent pitches.
const all: string[] = models
  .map(({ id }: { id: string }) => id)
  .filter((id: string) => !id.startsWith("speech") && !id.includes("-nade"));

const folder = await mkdtemp(at("bench/.start-")); // within reach of node_modules
const peer = join(folder, "tfjs-start.js");
await build({
  entryPoints: [at("bench/peers/tfjs-start.ts")],
  outfile: peer,
  bundle: true,
  format: "esm",
  platform: "node",
  external: ["@tensorflow/*"],
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
});

/** Seconds from the start of a process to `done`, which is given its lines of output. */
async function timed(args: readonly string[], done: (lines: AsyncIterable<string>) => Promise<number>) {
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PORT, NODE_COMPILE_CACHE: join(tmpdir(), "surprisal-bench-cache") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const nll = await done(createInterface({ input: child.stdout }));
  const seconds = (performance.now() - start) / 1000;
  child.kill();
  if (child.exitCode === null) await once(child, "exit");
  return { seconds, nll };
}

const commandLine = (ids: readonly string[]) =>
  timed(
    [at("dist/entry/cli/main.js"), "score", file, "--json", "--transpose", "0", "--models", ids.join(",")],
    async (lines) => {
      for await (const line of lines) return JSON.parse(line).scores.at(-1).nll;
      return Number.NaN;
    },
  );

const server = (ids: readonly string[]) =>
  timed([at("dist/entry/node/main.js")], async (lines) => {
    for await (const line of lines) if (line.includes("listens on")) break;
    const url = `http://127.0.0.1:${PORT}/v1/score?transpose=0&models=${ids.join(",")}`;
    const response = await fetch(url, { method: "POST", body: midi, headers: { "Content-Type": "audio/midi" } });
    const { scores } = await response.json();
    return scores.at(-1).nll;
  });

const tensorflow = (ids: readonly string[]) =>
  timed([peer, at("models"), file, ...ids], async (lines) => {
    let nll = Number.NaN;
    let left = ids.length;
    for await (const line of lines) {
      nll = Number(line.split(" ")[1]);
      left -= 1;
      if (left === 0) break;
    }
    return nll;
  });

/** Node that prints a number and ends. */
const nothing = () =>
  timed(["-e", "console.log(0)"], async (lines) => {
    for await (const line of lines) return Number(line);
    return Number.NaN;
  });

const shown = (seconds: readonly number[]) =>
  `${(1000 * median(seconds)).toFixed(0)} (${[Math.min, Math.max].map((f) => (1000 * f(...seconds)).toFixed(0)).join("–")})`;

const rows: string[] = [];
const floor: number[] = [];
for (const [title, ids] of [
  ["jsb/gru", ["jsb/gru"]],
  [`all ${all.length} networks of independent pitches`, all],
] as const) {
  const contenders = [commandLine, server, tensorflow];
  const seconds: number[][] = contenders.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    const results: Awaited<ReturnType<typeof timed>>[] = [];
    floor.push((await nothing()).seconds);
    for (const contender of contenders) results.push(await contender(ids));
    const [{ nll }] = results;
    const others = results.map((result) => result.nll).filter((other) => !(Math.abs(other / nll - 1) < 1e-4));
    if (others.length > 0) throw new Error(`NLL ${nll} and ${others}.`);
    for (const [i, result] of results.entries()) seconds[i].push(result.seconds);
  }
  const [ours, , theirs] = seconds;
  const ratio = median(theirs.map((each, k) => each / ours[k]));
  rows.push(`| ${title} | ${seconds.map(shown).join(" | ")} | ${ratio.toFixed(1)}× |`);
}
await rm(folder, { recursive: true });

console.log(`
## From the start of a process to its first score

Written by \`npm run -s start >> results.md\` (see start.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model}, ${cpus().length} cores. Node ${process.version.slice(1)}.
Milliseconds until a MIDI file is scored, median (least–most) of ${ROUNDS} starts each, in turn, with Node's compile cache warm. The
command line (\`surprisal score\`) and TensorFlow.js (WASM) load the models that are asked for and print, the server answers over
HTTP. Node alone, printing a number: ${shown(floor)}.

| scored by | command line | server | tfjs-wasm | tfjs-wasm / command line |
| --- | --- | --- | --- | --- |
${rows.join("\n")}`);
