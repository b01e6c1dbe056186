/**
 * Many small pieces, one request each over one connection, and all in one batch: pieces a second, the ratio of the medians of
 * three rounds, and the memory of the server as it answers more and more of them. Prints batch.md:
 *
 *   npm ci                                      # in the project's root, which builds the server
 *   cd bench && npm run -s batch > batch.md     # two minutes; `npm run -s batch -- 1000` tries it with 1,000 pieces
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { randomPiece } from "../test/support/models.ts";

const PIECES = Number(process.argv[2] ?? 10_000);
const MODELS = process.argv[3] ?? "jsb/gru";
const ROUNDS = 3;
const lines = Array.from({ length: PIECES }, (_, k) =>
  Buffer.from(`${JSON.stringify({ id: String(k), pianoRoll: randomPiece(k, 4) })}\n`),
);

const server = spawn(process.execPath, [fileURLToPath(new URL("../dist/entry/node/main.js", import.meta.url))], {
  env: { ...process.env, PORT: "0", HOST: "127.0.0.1", SURPRISAL_LOG: "silent" },
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
for await (const chunk of server.stdout) {
  said += chunk;
  if (said.includes("Models:")) break; // the threads have started
}
server.stdout.resume();
const url = /http:\/\/\S+/.exec(said)?.[0] ?? "";
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Sends pieces of a body while the answer is read. @param heard called with what has come so far */
function ask(path: string, type: string, parts: readonly Uint8Array[], heard?: (chunk: string) => void) {
  return new Promise<string>((resolve, reject) => {
    const options = { method: "POST", agent, headers: { "Content-Type": type } };
    const sent = request(`${url}/v1/${path}?models=${MODELS}`, options, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) {
        text += chunk;
        heard?.(chunk);
      }
      resolve(text);
    });
    sent.on("error", reject);
    sent.end(Buffer.concat(parts));
  });
}

/** MiB of memory that the server has held at most. */
const peak = () => {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
};
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];
const timed = async (work: () => Promise<unknown>, count: number) => {
  const began = performance.now();
  await work();
  return (1000 * count) / (performance.now() - began);
};

const FEW = Math.min(PIECES, 2000); // one by one
const singles: string[] = [];
const oneByOne = async () => {
  singles.length = 0;
  for (const line of lines.slice(0, FEW)) singles.push(await ask("score", "application/json", [line]));
};
let answers = "";
const together = async (heard?: (chunk: string) => void) => {
  answers = await ask("batch", "application/x-ndjson", lines, heard);
};

// Before all else: what follows would hide the memory that the first pieces take.
const atStart = peak();
const peaks: [lines: number, peak: number][] = [];
const marks = [PIECES / 10, PIECES / 2, PIECES, 2 * PIECES];
let answered = 0;
const measure = (chunk: string) => {
  answered += chunk.split("\n").length - 1;
  while (marks.length > 0 && answered >= marks[0]) peaks.push([marks.shift() ?? 0, peak()]);
};
await together(measure);
await together(measure);
await oneByOne();
const [alone, batched]: [number[], number[]] = [[], []];
for (let round = 0; round < ROUNDS; round++) {
  alone.push(await timed(oneByOne, FEW));
  batched.push(await timed(() => together(), PIECES));
}
const found = answers.trimEnd().split("\n");
const differing = singles.filter((single, k) => found[k] !== `{"index":${k},${single.slice(1)}`).length;
server.kill("SIGTERM");
agent.destroy();
const perSecond = (rates: readonly number[]) =>
  `${median(rates).toFixed(0)} | ${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}`;
console.log(`# Many small pieces

Written by \`npm run -s batch > batch.md\` (see batch.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model}, ${cpus().length} cores, which the client shares, load average ${loadavg()[0].toFixed(0)}. Node ${process.versions.node}.
${PIECES} pieces of 4 frames under ${MODELS}; medians and spread of ${ROUNDS} rounds in turn.

| | pieces a second | spread |
| --- | --- | --- |
| one by one, over one connection | ${perSecond(alone)} |
| in one batch | ${perSecond(batched)} |

A batch answers ${(median(batched) / median(alone)).toFixed(1)} times as many. Of ${FEW} answers ${differing} differ in a bit; the batch had ${found.length} lines.

| pieces answered, in two batches | peak memory of the server, MiB |
| --- | --- |
| 0 | ${atStart} |
${peaks.map((row) => `| ${row.join(" | ")} |`).join("\n")}`);
