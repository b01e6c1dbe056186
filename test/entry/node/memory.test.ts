/** The largest requests that are legal, against a server with half a gigabyte of heap: it answers, and stays within bounds. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CELLS } from "../../../src/kernel/config.ts";
import { DEFAULT_LIMITS, MAX_SAMPLES, MAX_STEPS } from "../../../src/limits.ts";
import { addToFolder } from "../../../src/store/files.ts";
import { randomCheckpoint, randomSpeechNetwork } from "../../support/models.ts";
import { Server } from "../../support/server.ts";

const MAX_RESIDENT_MB = 1500;

let folder: string;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-"));
  for (const cell of CELLS) await addToFolder(folder, randomCheckpoint({ set: "jsb", cell }));
  await addToFolder(folder, randomSpeechNetwork({ cell: "gru" }).checkpoint);
  server = await Server.start({ SURPRISAL_MODELS: folder, NODE_OPTIONS: "--max-old-space-size=512" });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** The most memory that the server has had, MB; undefined where the system does not tell. */
async function peak(): Promise<number | undefined> {
  const status = await readFile(`/proc/${server.child.pid}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1000;
}

const isWithinBounds = (megabytes?: number) => megabytes === undefined || megabytes < MAX_RESIDENT_MB;

async function post(path: string, type: string, body: BodyInit): Promise<number> {
  const response = await fetch(`${server.url}${path}`, { method: "POST", headers: { "Content-Type": type }, body });
  await response.arrayBuffer();
  return response.status;
}

/** As many bytes of 32-bit samples as a body may have, ten minutes. */
function longestWav(): Uint8Array<ArrayBuffer> {
  const sampleRate = Math.min(Math.floor((DEFAULT_LIMITS.bodyBytes - 44) / 4 / 600), Math.floor(MAX_SAMPLES / 600));
  const samples = Float32Array.from({ length: 600 * sampleRate }, (_, t) => 0.1 * Math.sin(t / 9));
  const file = Buffer.alloc(44);
  file.write("RIFF");
  file.writeUInt32LE(36 + samples.byteLength, 4);
  file.write("WAVEfmt ", 8);
  for (const [at, value] of [
    [16, 16],
    [24, sampleRate],
    [28, 4 * sampleRate],
    [40, samples.byteLength],
  ])
    file.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 3],
    [22, 1],
    [32, 4],
    [34, 32],
  ])
    file.writeUInt16LE(value, at);
  file.write("data", 36);
  return Uint8Array.from(Buffer.concat([file, Buffer.from(samples.buffer)]));
}

/** As many notes as an answer may hold with the times of each. */
function fullestMidi(): Uint8Array<ArrayBuffer> {
  const events = Array.from({ length: 30_000 }, (_, i) => [
    0,
    0x90,
    30 + ((i * 7) % 60),
    64,
    20,
    30 + ((i * 7) % 60),
    0,
  ]).flat();
  const track = [...events, 0, 0xff, 0x2f, 0];
  const uint32 = (n: number) => [24, 16, 8, 0].map((shift) => (n >> shift) & 255);
  const head = [
    0x4d,
    0x54,
    0x68,
    0x64,
    ...uint32(6),
    0,
    0,
    0,
    1,
    1,
    0xe0,
    0x4d,
    0x54,
    0x72,
    0x6b,
    ...uint32(track.length),
  ];
  return Uint8Array.from(head.concat(track));
}

const frames = Array.from({ length: DEFAULT_LIMITS.frames }, () => Array.from({ length: 96 }, (_, d) => d + 1));
const wav = longestWav();

describe("the largest requests", () => {
  test.each<[string, string, string, () => BodyInit, number]>([
    ["a piano roll", "/score", "application/json", () => JSON.stringify({ pianoRoll: frames }), 200],
    [
      "its notes",
      "/score?detail=notes&models=jsb/gru",
      "application/json",
      () => JSON.stringify({ pianoRoll: frames }),
      200,
    ],
    ["empty frames", "/score", "application/json", () => `{"pianoRoll":[${"[],".repeat(1_390_000)}[]]}`, 413],
    [
      "samples as text",
      "/score",
      "application/json",
      () => `{"sampleRate":8000,"samples":[${"0,".repeat(2_090_000)}0]}`,
      200,
    ],
    ["lists in lists", "/score", "application/json", () => "[".repeat(4_000_000), 400],
    ["notes of a MIDI file", "/score?detail=notes&models=jsb/gru", "audio/midi", fullestMidi, 200],
    ["blocks of audio to come", `/predict?steps=${MAX_STEPS.audio}`, "audio/wav", () => wav.slice(0, 4_000_044), 200],
  ])("%s, are answered", async (_, path, type, body, status) => {
    expect(await post(path, type, body())).toBe(status);
    expect(await peak()).toSatisfy(isWithinBounds);
  });

  test("more audio at a time than all bodies may have is answered, or refused for now", {
    timeout: 300_000,
  }, async () => {
    const times = Math.ceil(DEFAULT_LIMITS.bodiesBytes / wav.length) + 2;
    const statuses = await Promise.all(Array.from({ length: times }, () => post("/score", "audio/wav", wav)));
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(await peak()).toSatisfy(isWithinBounds);
  });
});
