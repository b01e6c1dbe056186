/** Kinds of requests that promise much work for few bytes, each of a size that can be searched. */
import { gzipSync } from "node:zlib";
import { writeMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { writeWav } from "../src/formats/wav.ts";

/** Of a body. */
export const MAX_BYTES = 10_000;

export interface Kind {
  readonly name: string; // with what its size counts
  readonly least: number;
  readonly most: number;
  request(size: number): { path: string; body: Uint8Array<ArrayBuffer>; headers: Record<string, string> };
}

type Bytes = Uint8Array<ArrayBuffer>;
const text = (value: string): Bytes => new TextEncoder().encode(value);
/** Bytes are worth work, so each body is as long as it may be. */
const padded = (json: string): Bytes => text(json.padEnd(MAX_BYTES));
const file = (path: string, body: Bytes) => ({ path, body, headers: { "Content-Type": "application/octet-stream" } });
const json = (path: string, body: Bytes) => ({ path, body, headers: { "Content-Type": "application/json" } });
const zipped = (path: string, body: Bytes, type = "application/octet-stream") => ({
  path,
  body: new Uint8Array(gzipSync(body, { level: 9 })),
  headers: { "Content-Type": type, "Content-Encoding": "gzip" },
});

/** Two notes with quarters of rest between them, and a text that fills the file. */
function midiRest(quarters: number): Bytes {
  const short = writeMidi(pianoRoll([[60], ...Array.from({ length: quarters }, () => []), [60]]), {
    framesPerQuarter: 1,
  });
  return withText(short);
}

/** A MIDI file of one track, with a text event of as many bytes as fit. */
function withText(midi: Bytes): Bytes {
  const room = MAX_BYTES - midi.length - 5;
  if (room < 1) return midi;
  const event = [0, 0xff, 0x01, 0x80 | (room >> 7), room & 0x7f, ...Array<number>(room).fill(32)];
  const track = midi.findIndex((_, i) => String.fromCharCode(...midi.subarray(i, i + 4)) === "MTrk");
  const bytes = new Uint8Array([...midi.subarray(0, track + 8), ...event, ...midi.subarray(track + 8)]);
  const view = new DataView(bytes.buffer);
  view.setUint32(track + 4, view.getUint32(track + 4) + event.length);
  return bytes;
}

const chord = Array.from({ length: 88 }, (_, k) => 21 + k);
const held = (frames: number) => withText(writeMidi(pianoRoll(Array(frames).fill(chord)), { framesPerQuarter: 1 }));
const frames = (size: number) => `{"pianoRoll":[${Array(size).fill("[]").join()}]}`;
const wav = (seconds: number, rate = 8000) => writeWav({ samples: new Float32Array(seconds * rate), sampleRate: rate });

/** Remainder of polynomial division, most significant bit first, as FLAC's checksums are (RFC 9639, section 9.1.8). */
function crc(bytes: readonly number[], bits: 8 | 16, polynomial: number): number {
  let rest = 0;
  for (const byte of bytes) {
    rest ^= byte << (bits - 8);
    for (let k = 0; k < 8; k++) rest = ((rest << 1) ^ (rest >> (bits - 1) ? polynomial : 0)) & (2 ** bits - 1);
  }
  return rest;
}

/** Seconds of silence at 8 kHz in FLAC frames of four seconds, and padding (RFC 9639). */
function flacSilence(seconds: number): Bytes {
  const [rate, block] = [8000, 32_000];
  const blocks = Math.ceil((seconds * rate) / block);
  const u16 = (value: number) => [value >> 8, value & 255];
  // Rate, one channel, 16 bits, number of samples.
  const info = [
    ...u16(block),
    ...u16(block),
    ...Array(6).fill(0),
    rate >> 12,
    (rate >> 4) & 255,
    (rate & 15) << 4,
    0xf0,
  ];
  const samples = blocks * block;
  const stream = [
    ...info,
    samples >>> 24,
    (samples >>> 16) & 255,
    (samples >>> 8) & 255,
    samples & 255,
    ...Array(16).fill(0),
  ];
  const body = Array.from({ length: blocks }, (_, k) => {
    const number = k < 128 ? [k] : [0xc0 | (k >> 6), 0x80 | (k & 63)];
    const header = [0xff, 0xf8, 0x70, 0x08, ...number, ...u16(block - 1)];
    const frame = [...header, crc(header, 8, 0x07), 0, 0, 0]; // a constant subframe of 0
    return [...frame, ...u16(crc(frame, 16, 0x8005))];
  }).flat();
  const room = Math.max(0, MAX_BYTES - 4 - 4 - stream.length - 4 - body.length);
  const padding = [0x81, 0, ...u16(room), ...Array(room).fill(0)];
  return Uint8Array.from([...text("fLaC"), 0, 0, 0, 34, ...stream, ...padding, ...body]);
}

/** A speech file of 0.1 s, as long as it may be. */
const shortSpeech = () => wav(0.55);

export const KINDS: readonly Kind[] = [
  {
    name: "seconds of silence in FLAC, six models",
    least: 4,
    most: 596,
    request: (size) => file("/score", flacSilence(size)),
  },
  {
    name: "seconds of silence in FLAC, one model",
    least: 4,
    most: 596,
    request: (size) => file("/score?models=speech-long/tanh", flacSilence(size)),
  },
  {
    name: "seconds of silence in FLAC, continued by one model",
    least: 4,
    most: 596,
    request: (size) => file("/predict?models=speech-long/tanh&steps=4000", flacSilence(size)),
  },
  {
    name: "quarters of rest in MIDI, all models",
    least: 500,
    most: 4998,
    request: (size) => file("/score?models=*/*", midiRest(size)),
  },
  {
    name: "quarters of rest in MIDI, `detail=notes`",
    least: 100,
    most: 4998,
    request: (size) => file("/score?detail=notes&models=*/*", midiRest(size)),
  },
  {
    name: "quarters of rest in MIDI, `detail=comparison`",
    least: 500,
    most: 4998,
    request: (size) => file("/score?detail=comparison&models=*/*", midiRest(size)),
  },
  {
    name: "quarters of 88 held notes in MIDI, all models",
    least: 100,
    most: 4998,
    request: (size) => file("/score?models=*/*", held(size)),
  },
  {
    name: "quarters of 88 held notes in MIDI, a fine grid",
    least: 10,
    most: 4998,
    request: (size) => file("/score?framesPerQuarter=16&models=*/*", held(size)),
  },
  {
    name: "quarters of rest in MIDI, continued by 256 frames",
    least: 50,
    most: 4998,
    request: (size) => file("/predict?steps=256", midiRest(size)),
  },
  {
    name: "frames that continue a chord, recommended models",
    least: 32,
    most: 512,
    request: (size) => json(`/predict?steps=${size}`, padded(frames(2))),
  },
  {
    name: "frames that continue a chord, all models",
    least: 32,
    most: 512,
    request: (size) => json(`/predict?steps=${size}&models=*/*`, padded(frames(2))),
  },
  {
    name: "frames that continue a chord, hot",
    least: 32,
    most: 512,
    request: (size) => json(`/predict?steps=${size}&temperature=10`, padded(frames(2))),
  },
  {
    name: "notes of a chord, what follows it under all models",
    least: 1,
    most: 88,
    request: (size) => json("/predict?models=*/*", padded(JSON.stringify({ pianoRoll: [chord.slice(0, size)] }))),
  },
  {
    name: "blocks that continue speech, six models",
    least: 500,
    most: 8000,
    request: (size) => file(`/predict?steps=${size}`, shortSpeech()),
  },
  {
    name: "blocks that continue speech, one model",
    least: 500,
    most: 8000,
    request: (size) => file(`/predict?steps=${size}&models=speech-short/lstm`, shortSpeech()),
  },
  {
    name: "frames of a roll in JSON, all models",
    least: 500,
    most: 3300,
    request: (size) => json("/score?models=*/*", text(frames(size))),
  },
  {
    name: "frames of a roll in JSON, gzip",
    least: 5000,
    most: 1_300_000,
    request: (size) => zipped("/score?models=*/*", text(frames(size)), "application/json"),
  },
  {
    name: "samples in JSON, gzip",
    least: 8000,
    most: 2_000_000,
    request: (size) =>
      zipped("/score", text(`{"sampleRate":8000,"samples":[${Array(size).fill(0).join()}]}`), "application/json"),
  },
  {
    name: "notes in MIDI, gzip",
    least: 500,
    most: 90_000,
    request: (size) =>
      zipped(
        "/score",
        writeMidi(pianoRoll(Array.from({ length: size }, (_, t) => (t % 2 ? [] : [60]))), { framesPerQuarter: 500 }),
      ),
  },
  { name: "seconds of silence in WAV, gzip", least: 2, most: 590, request: (size) => zipped("/score", wav(size)) },
  {
    name: "MB of zeros behind a WAV header, gzip",
    least: 1,
    most: 9,
    request: (size) => zipped("/score", wav(125 * size, 1000 * 8)),
  },
];
