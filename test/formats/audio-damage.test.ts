/** Files of every container, altered at random: each is read or refused in a sentence of ours, and nothing else happens. */

import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { recordingFile, repairOggChecksums } from "../support/recordings.ts";

const FILES = [
  "tones.flac",
  "tones.mp3",
  "tones.oga",
  "tones.opus",
  "forms/center.opus",
  "forms/chained.oga",
  "forms/opus.webm",
  "forms/opus.mp4",
  "forms/fragments.mp4",
  "forms/aac.m4a",
  "forms/ima.wav",
  "forms/ms-stereo.wav",
  "forms/gsm.wav",
  "forms/rf64.wav",
  "forms/wave64.w64",
  "forms/pcm24.aiff",
  "forms/alaw.aifc",
] as const;

/** What to do to a file: bytes written over it (most of them into its header), and a part cut out. */
const damage = fc.record({
  writes: fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      inHeader: fc.boolean(),
      bytes: fc.uint8Array({ maxLength: 8 }),
    }),
    { maxLength: 6 },
  ),
  cut: fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.constantFrom(0, 0, 1, 7, 500, 1e9) }),
  repair: fc.boolean(),
});

function damaged(file: Uint8Array, { writes, cut, repair }: typeof damage extends fc.Arbitrary<infer T> ? T : never) {
  const bytes = file.slice();
  for (const { at, inHeader, bytes: written } of writes) {
    const start = Math.floor(
      at * Math.max(0, (inHeader ? Math.min(200, bytes.length) : bytes.length) - written.length),
    );
    bytes.set(written.subarray(0, bytes.length - start), start);
  }
  const from = Math.floor(cut.at * bytes.length);
  const rest = Uint8Array.of(...bytes.subarray(0, from), ...bytes.subarray(from + cut.bytes));
  return repair ? repairOggChecksums(rest) : rest;
}

describe.each(FILES)("%s, damaged,", (name) => {
  const file = recordingFile(name);
  beforeAll(() => {
    // The decoders report to the console too.
    vi.spyOn(console, "error").mockImplementation(() => {});
    vi.spyOn(console, "warn").mockImplementation(() => {});
    return () => vi.restoreAllMocks();
  });

  test("is read or refused", async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const read = await readAudio(damaged(file, how), { decode, maxSeconds: 60 }).catch((error: unknown) => error);
        if (read instanceof Error) {
          expect(read).toBeInstanceOf(SurprisalError);
          expect((read as SurprisalError).status).toBeLessThan(500);
          expect(read.message).toMatch(/^Expected [^\n]*, got /);
          expect(read.message).not.toMatch(/undefined|NaN|Cannot|Error/);
        } else {
          const { samples, sampleRate } = read as Awaited<ReturnType<typeof readAudio>>;
          expect(samples.length).toBeGreaterThan(0);
          expect(samples.length / sampleRate).toBeLessThanOrEqual(60);
          expect(samples.every(Number.isFinite)).toBe(true);
        }
      }),
      { numRuns: 150, seed: 20 },
    );
  });
});

test("a WebM file that holds nothing that can be found is refused, and not searched for ever", async () => {
  const text = (characters: string) => [...characters].map((character) => character.charCodeAt(0));
  const header = [0x1a, 0x45, 0xdf, 0xa3, 0x8b, 0x42, 0x82, 0x84, ...text("webm"), 0x42, 0x87, 0x81, 2];
  for (const length of [8, 20, 100]) {
    const segment = [0x18, 0x53, 0x80, 0x67, 0x80 + length, ...new Uint8Array(length)];
    const read = readAudio(Uint8Array.from([...header, ...segment]), { decode, maxSeconds: 60 });
    const message = "Expected a track of sound in the WebM file, got none.";
    await expect(read).rejects.toMatchObject({ code: "malformed-audio", message });
  }
});

test("a packet dated to a time beyond any recording makes a gap of no stated length", async () => {
  const bytes = recordingFile("forms/fragments.mp4").slice();
  bytes.set([1, 0, 0, 0, 1], 893); // the base time of a fragment, 2^56 and more
  const { warnings } = await readAudio(bytes, { decode, maxSeconds: 60 });
  expect(warnings.map(({ code, count }) => [code, count])).toEqual([["damaged-audio", expect.any(Number)]]);
  expect(warnings[0].count).toBeLessThan(2 ** 25);
});

test("a header that announces more samples than numbers can count is a file that is cut off", async () => {
  const bytes = recordingFile("forms/wave64.w64").slice();
  const size = Buffer.from(bytes.buffer).indexOf("data", "latin1") + 16;
  new DataView(bytes.buffer).setBigUint64(size, 2n ** 62n, true);
  const { warnings } = await readAudio(bytes, { decode, maxSeconds: 60 });
  expect(warnings.map(({ code, count }) => [code, count])).toEqual([["cut-off", Number.MAX_SAFE_INTEGER]]);
});
