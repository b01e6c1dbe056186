/**
 * The server under load: small MIDI files over 2 to 256 connections, alone and beside long work. Prints load.md:
 *
 *   npm ci                                # in the project's root, which builds the server
 *   cd bench && npm run -s load > load.md             # 12 minutes; `npm run -s load -- 5 5` tries it with five seconds each
 *
 * The clients run in this process and the server in another, on the same cores.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { cpus, loadavg } from "node:os";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { writeMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { writeWav } from "../src/formats/wav.ts";
import { randomPiece, randomRecording } from "../test/support/models.ts";

/** Of a row, and between the end of the last client and the look at an idle server. */
const [SECONDS, IDLE_SECONDS] = [Number(process.argv[2] ?? 30), Number(process.argv[3] ?? 60)];
const CONNECTIONS = [2, 16, 64, 256];
const midi = writeMidi(pianoRoll(randomPiece(1, 32)), { framesPerQuarter: 1 });
const recording = writeWav({ samples: randomRecording(1, 600 * 8000), sampleRate: 8000 });

const server = spawn(process.execPath, [fileURLToPath(new URL("../dist/entry/node/main.js", import.meta.url))], {
  env: { ...process.env, PORT: "0", HOST: "127.0.0.1" },
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
for await (const chunk of server.stdout) {
  said += chunk;
  if (said.includes("Models:")) break; // the threads have started
}
server.stdout.resume();
const url = new URL(/http:\/\/\S+/.exec(said)?.[0] ?? "");

/** One request; its status, 0 when the connection broke. */
function ask(path: string, body: Uint8Array, agent: Agent, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    const headers = { "Content-Type": "application/octet-stream", "Content-Length": body.length };
    const sent = request(new URL(path, url), { method: "POST", headers, agent, signal }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", () => resolve(0)).end(body);
  });
}

interface Load {
  readonly perSecond: number;
  readonly p50: number; // ms
  readonly p99: number;
  readonly refused: number; // share that was answered 503
  readonly errors: number; // neither 200 nor 503
}

/** Small files, one after the other over each connection. */
async function load(connections: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let [refused, errors] = [0, 0];
  const until = performance.now() + 1000 * SECONDS;
  const client = async () => {
    while (performance.now() < until) {
      const began = performance.now();
      const status = await ask("/v1/score", midi, agent);
      if (status === 200) times.push(performance.now() - began);
      else if (status === 503) refused += 1;
      else errors += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * times.length)] ?? Number.NaN;
  const all = times.length + refused + errors;
  return { perSecond: times.length / SECONDS, p50: at(0.5), p99: at(0.99), refused: refused / all, errors };
}

/** What goes on beside the small files, until the signal. */
const BESIDE: Readonly<Record<string, (signal: AbortSignal) => void>> = {
  nothing() {},
  async "ten minutes of speech, one after the other"(signal) {
    const agent = new Agent();
    while (!signal.aborted) await ask("/v1/score", recording, agent, signal);
  },
  "500 slow connections"(signal) {
    for (let k = 0; k < 500; k++) {
      const socket = connect(Number(url.port), url.hostname, () =>
        socket.write("POST /v1/score HTTP/1.1\r\nHost: x\r\n"),
      );
      socket.on("error", () => {});
      signal.addEventListener("abort", () => socket.destroy());
    }
  },
  "100 continuations at a time"(signal) {
    const agent = new Agent({ maxSockets: 100 });
    const client = async () => {
      while (!signal.aborted) await ask("/v1/predict?steps=64&models=*/*-nade", midi, agent, signal);
    };
    for (let k = 0; k < 100; k++) void client();
  },
};

const ofServer = (file: string) => readFile(`/proc/${server.pid}/${file}`, "utf8");

/** CPU-seconds that the server has used. */
const used = async () => {
  const [, fields] = (await ofServer("stat")).split(") ");
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return (user + system) / 100;
};

await load(16); // warms up
const rows: string[] = [];
for (const [name, begin] of Object.entries(BESIDE)) {
  for (const connections of CONNECTIONS) {
    const end = new AbortController();
    begin(end.signal);
    await setTimeout(1000);
    const { perSecond, p50, p99, refused, errors } = await load(connections);
    end.abort();
    await setTimeout(2000);
    const cells = [perSecond.toFixed(0), p50.toFixed(1), p99.toFixed(1), `${(100 * refused).toFixed(2)}%`, errors];
    rows.push(`| ${name} | ${connections} | ${cells.join(" | ")} |`);
    console.error(rows.at(-1));
  }
}
await setTimeout(1000 * IDLE_SECONDS);
const before = await used();
await setTimeout(5000);
const idle = (await used()) - before;
const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(await ofServer("status")) ?? [];
server.kill("SIGTERM");
console.log(`# The server under load

Written by \`npm run -s load > load.md\` (see load.ts) on ${new Date().toISOString().slice(0, 10)}.
Machine: ${cpus()[0].model}, ${cpus().length} cores, which the clients share, load average ${loadavg()[0].toFixed(0)}. Node ${process.versions.node}.
A MIDI file of 32 frames to /v1/score with the recommended models, over and over for ${SECONDS} s. Milliseconds are those of
requests that were answered 200; refused are those answered 503.

| beside | connections | a second | median, ms | p99, ms | refused | other errors |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

${IDLE_SECONDS} seconds after the last client had left, the server used ${idle.toFixed(2)} CPU-seconds in five seconds. Its RSS was at most
${(Number(peak) / 1024).toFixed(0)} MiB in all of this.`);
