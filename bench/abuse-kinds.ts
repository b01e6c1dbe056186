/** Kinds of requests that promise much work for few bytes, each of a size that can be searched. */
import { gzipSync } from "node:zlib";
import { writeMidi } from "../src/formats/midi.ts";
import { pianoRoll } from "../src/formats/piano-roll.ts";
import { writeWav } from "../src/formats/wav.ts";
import { repairOggChecksums } from "../test/support/recordings.ts";

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

const batch = (lines: readonly string[]) => ({
  path: "/batch?models=*/*",
  body: text(lines.join("\n")),
  headers: { "Content-Type": "application/x-ndjson" },
});
/** A line with two notes, and between them as many rests as fit. */
const rests = (bytes: number): string =>
  `{"pianoRoll":[[60],${"[],".repeat(Math.max(0, Math.floor((bytes - 26) / 3)))}[60]]}`;

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

/** Seconds of silence at 8 kHz in FLAC frames of four seconds, and padding up to so many bytes (RFC 9639). */
function flacSilence(seconds: number, most = MAX_BYTES): Bytes {
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
  const room = Math.max(0, Math.floor(most) - 4 - 4 - stream.length - 4 - body.length);
  const padding = [0x81, 0, ...u16(room), ...Array(room).fill(0)];
  return Uint8Array.from([...text("fLaC"), 0, 0, 0, 34, ...stream, ...padding, ...body]);
}

/** Chords that change with each frame. */
const varied = (frames: number) =>
  Array.from({ length: frames }, (_, t) => [40, 52, 64].map((pitch) => pitch + (t % 12)));

/** Frames of 72 ms of silence: MPEG 2.5, layer III, 8 kbit/s, 8 kHz, mono; nothing follows the header of one. */
const mp3Silence = (frames: number): Bytes =>
  Uint8Array.from({ length: 72 * frames }, (_, at) => [0xff, 0xe3, 0x18, 0xc0][at % 72] ?? 0);

/** Packets of two frames of 60 ms whose sound was lost (RFC 6716, section 3.2.5; RFC 7845), in pages of an Ogg stream. */
function opusSilence(packets: number): Bytes {
  const le = (value: number, bytes: number) =>
    Array.from({ length: bytes }, (_, k) => Math.floor(value / 256 ** k) & 255);
  let number = 0;
  const page = (flags: number, samples: number, content: readonly (readonly number[])[]) => [
    ...text("OggS"),
    0,
    flags,
    ...le(samples, 8),
    ...le(1, 4),
    ...le(number++, 4),
    ...le(0, 4), // the checksum
    content.length,
    ...content.map(({ length }) => length),
    ...content.flat(),
  ];
  const head = [...text("OpusHead"), 1, 1, ...le(0, 2), ...le(8000, 4), 0, 0, 0];
  const pages = [page(2, 0, [head]), page(0, 0, [[...text("OpusTags"), ...le(0, 8)]])];
  for (let done = 0; done < packets; ) {
    const count = Math.min(255, packets - done);
    done += count;
    pages.push(page(done === packets ? 4 : 0, done * 5760, Array(count).fill([0x1b, 2])));
  }
  return Uint8Array.from(repairOggChecksums(Uint8Array.from(pages.flat())));
}

/** A form with a chord and as many options, of which the last is none. */
function form(path: string, parts: number) {
  const part = (disposition: string, value: string) =>
    `--x\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
  const options = Array.from({ length: parts - 1 }, () => part('name="programs"', "1"));
  const midi = String.fromCharCode(...writeMidi(pianoRoll([chord, chord]), { framesPerQuarter: 1 }));
  const whole = `${part('name="file"; filename="a.mid"', midi)}${options.join("")}--x--\r\n`;
  const body = Uint8Array.from(whole, (character) => character.charCodeAt(0));
  return { path, body, headers: { "Content-Type": "multipart/form-data; boundary=x" } };
}

/** A speech file of 0.1 s, as long as it may be. */
const shortSpeech = () => wav(0.55);

const kind = (name: string, [least, most]: readonly [number, number], request: Kind["request"]): Kind => ({
  name,
  least,
  most,
  request,
});

/** @param states tokens of all models of music, by which a request goes on from a chord */
export const kinds = (states: readonly string[]): readonly Kind[] => [
  kind("seconds of silence in FLAC, six models", [4, 596], (size) => file("/score", flacSilence(size))),
  kind("seconds of silence in FLAC, one model", [4, 596], (size) =>
    file("/score?models=speech-long/tanh", flacSilence(size)),
  ),
  kind("seconds of silence in FLAC, continued by one model", [4, 596], (size) =>
    file("/predict?models=speech-long/tanh&steps=4000", flacSilence(size)),
  ),
  kind("quarters of rest in MIDI, all models", [500, 4998], (size) => file("/score?models=*/*", midiRest(size))),
  kind("quarters of rest in MIDI, `detail=notes`", [100, 4998], (size) =>
    file("/score?detail=notes&models=*/*", midiRest(size)),
  ),
  kind("quarters of rest in MIDI, `detail=comparison`", [500, 4998], (size) =>
    file("/score?detail=comparison&models=*/*", midiRest(size)),
  ),
  kind("quarters of 88 held notes in MIDI, all models", [100, 4998], (size) => file("/score?models=*/*", held(size))),
  kind("quarters of 88 held notes in MIDI, a fine grid", [10, 4998], (size) =>
    file("/score?framesPerQuarter=16&models=*/*", held(size)),
  ),
  kind("quarters of rest in MIDI, what was expected", [10, 800], (size) =>
    file("/score?detail=notes&expected=true&models=*/mixture-nade", midiRest(size)),
  ),
  kind("chords in MIDI, what was expected", [10, 800], (size) =>
    file(
      "/score?detail=notes&expected=true&models=*/mixture-nade",
      withText(writeMidi(pianoRoll(varied(size)), { framesPerQuarter: 1 })),
    ),
  ),
  kind("quarters of rest in MIDI, continued by 256 frames", [50, 4998], (size) =>
    file("/predict?steps=256", midiRest(size)),
  ),
  kind("frames that continue a chord, recommended models", [32, 512], (size) =>
    json(`/predict?steps=${size}`, padded(frames(2))),
  ),
  kind("frames that continue a chord, all models", [32, 512], (size) =>
    json(`/predict?steps=${size}&models=*/*`, padded(frames(2))),
  ),
  kind("frames that continue a chord, hot", [32, 512], (size) =>
    json(`/predict?steps=${size}&temperature=10`, padded(frames(2))),
  ),
  kind("states from which all models whose tokens fit go on by 64 frames", [4, states.length], (size) =>
    json("/predict?steps=64", padded(JSON.stringify({ pianoRoll: [chord], state: states.slice(0, size) }))),
  ),
  kind("frames that continue a state of one model, hot", [32, 512], (size) =>
    json(
      `/predict?steps=${size}&temperature=10`,
      padded(JSON.stringify({ pianoRoll: [chord], state: states.slice(-1) })),
    ),
  ),
  kind("notes of a chord, what follows it under all models", [1, 88], (size) =>
    json("/predict?models=*/*", padded(JSON.stringify({ pianoRoll: [chord.slice(0, size)] }))),
  ),
  kind("blocks that continue speech, six models", [500, 8000], (size) => file(`/predict?steps=${size}`, shortSpeech())),
  kind("blocks that continue speech, one model", [500, 8000], (size) =>
    file(`/predict?steps=${size}&models=speech-short/lstm`, shortSpeech()),
  ),
  kind("frames of a roll in JSON, all models", [500, 3300], (size) => json("/score?models=*/*", text(frames(size)))),
  kind("frames of a roll in JSON, gzip", [5000, 1_300_000], (size) =>
    zipped("/score?models=*/*", text(frames(size)), "application/json"),
  ),
  kind("samples in JSON, gzip", [8000, 2_000_000], (size) =>
    zipped("/score", text(`{"sampleRate":8000,"samples":[${Array(size).fill(0).join()}]}`), "application/json"),
  ),
  kind("notes in MIDI, gzip", [500, 15_000], (size) =>
    zipped("/score", writeMidi(pianoRoll(varied(Math.ceil(size / 3))), { framesPerQuarter: 1 })),
  ),
  kind("notes in MIDI, learned from, all models", [10, 800], (size) =>
    file("/score?adaptive=true&models=*/*", withText(writeMidi(pianoRoll(varied(size)), { framesPerQuarter: 1 }))),
  ),
  kind("frames in MP3 at 8 kbit/s, six models", [10, 138], (size) => file("/score", mp3Silence(size))),
  kind("packets of lost sound in Opus, six models", [10, 3000], (size) => file("/score", opusSilence(size))),
  kind("parts of a form", [1, 64], (size) => form("/score?models=*/*", size)),
  kind("characters of base64 in JSON, gzip", [1000, 4_000_000], (size) =>
    zipped("/score", text(`{"midi":"${"A".repeat(size)}"}`), "application/json"),
  ),
  kind("lists within lists in JSON, gzip", [10, 4_000_000], (size) =>
    zipped("/score", text("[".repeat(size)), "application/json"),
  ),
  kind("lines of a batch, rests, all models", [2, 400], (size) => batch(Array(size).fill(rests(MAX_BYTES / size)))),
  kind("lines of a batch, one frame scored, gzip", [500, 10_000], (size) =>
    zipped("/batch?models=*/*", text(Array(size).fill(rests(0)).join("\n")), "application/x-ndjson"),
  ),
  kind("lines of a batch, silence in FLAC, six models", [2, 20], (size) =>
    batch(
      Array(size).fill(JSON.stringify({ audio: Buffer.from(flacSilence(4, MAX_BYTES / size / 2)).toString("base64") })),
    ),
  ),
  kind("seconds of silence in WAV, gzip", [2, 590], (size) => zipped("/score", wav(size))),
  kind("MB of zeros behind a WAV header, gzip", [1, 9], (size) => zipped("/score", wav(125 * size, 1000 * 8))),
];
