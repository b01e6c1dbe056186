/**
 * Many small pieces, one request each over one connection, and all in one batch: pieces a second, the ratio of the medians of
 * three rounds, and the memory of the server beside the number of lines.
 *
 *   npm ci                                      # in the project's root, which builds the server
 *   cd bench && node batch.ts [PIECES] [MODELS]
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
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

/** Sends pieces of a body while the answer is read. */
function ask(path: string, type: string, parts: readonly Uint8Array[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", agent, headers: { "Content-Type": type } };
    const sent = request(`${url}/v1/${path}?models=${MODELS}`, options, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      resolve(text);
    });
    sent.on("error", reject);
    sent.end(Buffer.concat(parts));
  });
}

const resident = async () =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${server.pid}/status`, "utf8"))?.[1]) / 1000;
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
const together = async () => {
  answers = await ask("batch", "application/x-ndjson", lines);
};
await oneByOne();
await together();
const [alone, batched]: [number[], number[]] = [[], []];
const before = await resident();
for (let round = 0; round < ROUNDS; round++) {
  alone.push(await timed(oneByOne, FEW));
  batched.push(await timed(together, PIECES));
}
const after = await resident();
const found = answers.trimEnd().split("\n");
const differing = singles.filter((single, k) => found[k] !== `{"index":${k},${single.slice(1)}`).length;
server.kill("SIGTERM");
agent.destroy();
console.log(`${cpus()[0].model}, ${cpus().length} cores, load average ${loadavg()[0].toFixed(0)}, Node ${process.versions.node}
${PIECES} pieces of 4 frames under ${MODELS}, medians of ${ROUNDS} rounds
one by one: ${median(alone).toFixed(0)} a second
in a batch: ${median(batched).toFixed(0)} a second, ${(median(batched) / median(alone)).toFixed(1)} times as many
answers that differ in a bit: ${differing} of ${FEW}; lines: ${found.length}
peak memory of the server: ${before.toFixed(0)} MB after the first batch, ${after.toFixed(0)} MB after ${ROUNDS} more`);
