import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { isAudio, readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { resample } from "../../src/formats/resample.ts";
import { writeWav } from "../../src/formats/wav.ts";
import decoded from "../fixtures/audio/forms/decoded.json" with { type: "json" };
import { twoTones } from "../fixtures/audio/signal.ts";
import { recordingFile, repairOggChecksums, signalToNoise } from "../support/recordings.ts";

const read = (name: string) => readAudio(recordingFile(name), { decode });
const original = await read("kinds/f01.flac");

describe("a recording of speech", () => {
  test.each([
    "f02-id3-prefix.flac",
    "f03-id3v1-tail.flac",
    "w25-rf64.wav",
    "w31-two-data.wav",
    "w40-51.wav", // the speech is in the centre
  ])("as %s has every sample of the original", async (name) => {
    expect(await read(`kinds/${name}`)).toEqual(original);
  });

  // ffmpeg's AIFF is the same sound at 48 kHz; the rest is what the codecs keep of the waveform at their bit rates.
  test.each([
    ["x01.aiff", 48_000, 35],
    ["m07-leading-zeros.mp3", 44_100, 15],
    ["x05.webm", 48_000, 8],
  ])("as %s sounds as the original", async (name, rate, decibels) => {
    const { samples, sampleRate, warnings } = await read(`kinds/${name}`);
    expect([sampleRate, warnings]).toEqual([rate, []]);
    expect(Math.abs(samples.length / rate - 101_295 / 16_000)).toBeLessThan(0.02);
    const found = await resample(samples, rate, 16_000);
    expect(signalToNoise(found, original.samples.subarray(0, 32_000), 20)).toBeGreaterThan(decibels);
  });

  test("of two Opus streams in a chain has both", async () => {
    const { samples, sampleRate } = await read("kinds/o05-chained.opus");
    expect([samples.length, sampleRate]).toEqual([2 * 303_885, 48_000]);
    expect(signalToNoise(samples.subarray(303_885), samples.subarray(0, 303_885))).toBeGreaterThan(60);
  });

  test("that is cut off is read as far as it goes, and both lengths are said", async () => {
    const { samples, warnings } = await read("kinds/w28-truncated.wav");
    expect(samples).toEqual(original.samples.subarray(0, 29_978));
    expect(warnings).toEqual([
      {
        code: "cut-off",
        count: 71_317,
        detail: "The file is cut off: its header announces 101295 samples, and it holds 29978.",
      },
    ]);
  });

  test("with zeros in the middle of FLAC has what is on both sides, and says where sound is missing", async () => {
    const { samples, warnings } = await read("kinds/e3_mid_zeroed.flac");
    expect(samples.subarray(0, 32_768)).toEqual(original.samples.subarray(0, 32_768));
    expect(samples.subarray(32_768)).toEqual(original.samples.subarray(32_768 + 8192));
    expect(warnings).toEqual([
      {
        code: "damaged-audio",
        count: 8192,
        detail: "The file is damaged: sound is missing at 2.05 s (0.51 s of it). What is left was joined and scored.",
      },
    ]);
  });

  test.each([
    ["e1_mid_removed.mp3", "at 2.48 s (1.28 s of it)"],
    ["e6_page_lost.opus", "at 1.99 s (1.00 s of it)"],
  ])("of which a part is missing, %s, says where", async (name, place) => {
    const { samples, sampleRate, warnings } = await read(`kinds/${name}`);
    expect(warnings.map(({ code }) => code)).toEqual(["damaged-audio"]);
    expect(warnings[0].detail).toContain(place);
    const lengths = samples.length / sampleRate + warnings[0].count / sampleRate;
    expect(Math.abs(lengths - 101_295 / 16_000)).toBeLessThan(0.05);
  });

  test.each([
    ["w07-empty-data-then-list.wav", "nothing-to-score", "Expected a recording, got a file without sound."],
    [
      "w10-pcm24-blockalign4.wav",
      "malformed-audio",
      "Expected blocks of 3 bytes (1 × 24 bits), got blocks of 4 bytes.",
    ],
    [
      "x06.m4a",
      "unsupported-media-type",
      "Expected Opus in MP4, got AAC in MP4. This converts it: ffmpeg -i in.m4a -ar 8000 -ac 1 out.wav",
    ],
  ])("as %s is refused by a sentence", async (name, code, message) => {
    await expect(read(`kinds/${name}`)).rejects.toMatchObject({ code, message });
  });
});

describe("two tones", () => {
  test.each([
    ["rf64.wav", 85],
    ["wave64.w64", 85],
    ["alaw.wav", 30],
    ["mulaw.wav", 30],
    ["pcm24.aiff", 85],
    ["sowt.aifc", 85],
    ["fl32.aifc", 85],
    ["alaw.aifc", 30],
    ["ima.wav", 20],
    ["flac.oga", 85],
    ["center.flac", 85],
    ["center.oga", 20],
    ["center.opus", 20],
    ["opus.webm", 15],
    ["opus.mp4", 15],
    ["fragments.mp4", 15],
    ["no-xing.mp3", 15],
  ])("as %s sound as they were made", async (name, decibels) => {
    const { samples, sampleRate, warnings } = await read(`forms/${name}`);
    expect(warnings).toEqual([]);
    const found = await resample(samples, sampleRate, 16_000);
    expect(Math.abs(found.length - 16_000)).toBeLessThan(1300); // padded to whole frames
    expect(signalToNoise(found, twoTones(), 1200)).toBeGreaterThan(decibels);
  });

  test.each(["chained.oga", "chained-vorbis.oga"])("twice in a chain are heard twice, %s", async (name) => {
    const { samples } = await read(`forms/${name}`);
    expect(samples).toHaveLength(32_000);
    for (const start of [0, 16_000]) {
      expect(signalToNoise(samples.subarray(start, start + 16_000), twoTones())).toBeGreaterThan(15);
    }
  });

  test.each(Object.entries(decoded))(
    "of a codec that is defined to the bit, %s, are what SoX decodes",
    async (name, sum) => {
      const { samples } = await read(`forms/${name}`);
      const integers = Int16Array.from(samples, (sample) => sample * 32_768);
      expect(createHash("sha256").update(integers).digest("hex")).toBe(sum);
    },
  );

  test.each([
    ["aac.m4a", "got AAC in MP4. This converts it: ffmpeg -i in.m4a "],
    ["aac.aac", "got AAC. This converts it: ffmpeg -i in.aac "],
    ["vorbis.webm", "got Vorbis in WebM. This converts it: ffmpeg -i in.webm "],
    ["layer2.mp3", "got MPEG layer II. This converts it: ffmpeg -i in.mp2 "],
    ["free.mp3", "got MP3 of a free bit rate, most of which the decoder drops. This converts it: lame --decode "],
  ])("in %s are refused, with the command that converts them", async (name, sentence) => {
    expect(isAudio(recordingFile(`forms/${name}`))).toBe(true);
    await expect(read(`forms/${name}`)).rejects.toMatchObject({
      code: "unsupported-media-type",
      message: expect.stringContaining(sentence),
    });
  });
});

test("WAV and AIFF are read without a decoder, as on Workers", async () => {
  for (const name of ["forms/ima.wav", "forms/gsm.wav", "forms/wave64.w64", "forms/sowt.aifc"]) {
    expect((await readAudio(recordingFile(name))).samples.length).toBeGreaterThan(7000);
  }
});

test("tags in front of any file are skipped", async () => {
  const tag = Uint8Array.of(0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 1, 2, ...new Uint8Array(130));
  for (const name of ["tones.flac", "tones.mp3", "tones.opus", "forms/pcm24.aiff", "forms/rf64.wav"]) {
    const file = recordingFile(name);
    expect(await readAudio(Uint8Array.of(...tag, ...file), { decode })).toEqual(await readAudio(file, { decode }));
  }
});

test("an APE tag and an ID3v1 tag after the sound are skipped", async () => {
  const ape = new Uint8Array(64);
  ape.set(new TextEncoder().encode("APETAGEX"), 32);
  new DataView(ape.buffer).setUint32(32 + 12, 64, true);
  const id3v1 = new Uint8Array(128);
  id3v1.set(new TextEncoder().encode("TAG"));
  for (const name of ["tones.flac", "tones.mp3"]) {
    const file = recordingFile(name);
    expect(await readAudio(Uint8Array.of(...file, ...ape, ...id3v1), { decode })).toEqual(
      await readAudio(file, { decode }),
    );
  }
});

describe("what costs more than it weighs", () => {
  test.each([
    ["bomb1000003.ogg", "malformed-audio", "Expected a sample rate from 1000 to 768000 Hz, got 1000003 Hz."],
    ["flac-10min-655kHz-100KB.flac", "too-large", "Expected at most 33554432 samples a channel, got 392554650."],
    ["damaged-opus-965.opus", "malformed-audio", "Expected Ogg Opus that can be decoded, got damage after 0.85 s."],
  ])("is refused, and nothing of it fills a log, %s", async (name, code, message) => {
    const logged = vi.spyOn(console, "error");
    await expect(read(`hostile/${name}`)).rejects.toMatchObject({ code, message });
    expect(logged).not.toHaveBeenCalled();
  });

  test("is refused by its rate or its channels in any header", async () => {
    const vorbis = recordingFile("tones.oga");
    for (const rate of [0, 999, 1_000_003, 100_000_000, 2 ** 31]) {
      const changed = vorbis.slice();
      new DataView(changed.buffer).setUint32(40, rate, true);
      await expect(readAudio(repairOggChecksums(changed), { decode })).rejects.toMatchObject({
        code: "malformed-audio",
      });
      const wav = writeWav({ samples: twoTones(), sampleRate: 16_000 });
      new DataView(wav.buffer).setUint32(24, rate, true);
      await expect(readAudio(wav)).rejects.toMatchObject({ code: "malformed-audio" });
    }
  });

  test("is read when the number of its first Ogg page is damaged: by the times of the pages, nothing is missing", async () => {
    expect(await read("hostile/damaged-ogg-1461.ogg")).toMatchObject({ samples: { length: 57_600 }, warnings: [] });
  });
});
