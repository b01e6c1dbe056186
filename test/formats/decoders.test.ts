import { beforeAll, describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { type CodedFormat, readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { resample } from "../../src/formats/resample.ts";
import type { Waveform } from "../../src/formats/waveform.ts";
import { twoTones } from "../fixtures/audio/signal.ts";
import { Random } from "../support/random.ts";
import { recordingFile, signalToNoise } from "../support/recordings.ts";

describe.each([
  ["FLAC", "tones.flac", 16_000, 80],
  ["MP3", "tones.mp3", 16_000, 20],
  ["Ogg Vorbis", "tones.oga", 16_000, 20],
  ["Ogg Opus", "tones.opus", 48_000, 15],
] as const)("%s", (format: CodedFormat, name, rate, decibels) => {
  const bytes = recordingFile(name);
  let recording: Waveform;
  beforeAll(async () => {
    recording = await readAudio(bytes, { decode });
  });

  test("holds the sound that was coded", async () => {
    expect(recording.sampleRate).toBe(rate);
    expect(Math.abs(recording.samples.length / rate - 1)).toBeLessThan(0.11); // an MP3 is padded to whole frames
    const found = await resample(recording.samples, rate, 16_000);
    expect(signalToNoise(found, twoTones(), 1200)).toBeGreaterThan(decibels);
  });

  test("is refused when it is too long, also when its header hides that", async () => {
    await expect(decode(bytes, format, 0.5)).rejects.toMatchObject({ code: "too-large" });
    const hidden = bytes.slice();
    if (format === "FLAC") hidden.fill(0, 22, 26);
    if (format === "MP3") hidden.fill(0, hidden.indexOf(0x49), hidden.indexOf(0x49) + 4); // "Info"
    if (format.startsWith("Ogg")) return; // its pages are what says where they stand
    await expect(decode(hidden, format, 0.5)).rejects.toMatchObject({ code: "too-large" });
  });

  test("cut off anywhere is read to its last whole frame or refused", async () => {
    for (let part = 1; part < 20; part++) {
      const cut = bytes.subarray(0, Math.floor((part * bytes.length) / 20));
      const read = await decode(cut, format, 600).catch((error: unknown) => error);
      if (read instanceof Error) {
        expect(read).toBeInstanceOf(SurprisalError);
        expect(read).toMatchObject({ code: "malformed-audio" });
      } else {
        const { samples } = read as Waveform;
        expect(samples.length).toBeLessThanOrEqual(recording.samples.length);
        const same = samples.length - rate / 4; // the last frames overlap what is missing
        for (let t = 0; t < same; t++) expect(Math.abs(samples[t] - recording.samples[t])).toBeLessThan(1e-3);
      }
    }
  });

  test("with bytes flipped, or random after its first, is read or refused, and spoils no later file", async () => {
    const random = new Random(1);
    for (let i = 0; i < 60; i++) {
      const damaged = bytes.slice();
      if (i % 3 === 0) for (let k = 60; k < damaged.length; k++) damaged[k] = random.integer(0, 255);
      else for (let n = 0; n < 5; n++) damaged[random.integer(0, damaged.length - 1)] = random.integer(0, 255);
      const read = await decode(damaged, format, 600).catch((error: unknown) => error);
      if (read instanceof Error) expect(read).toBeInstanceOf(SurprisalError);
      else expect((read as Waveform).samples.every((sample) => Number.isFinite(sample))).toBe(true);
    }
    expect(await decode(bytes, format, 600)).toEqual(recording);
  });

  test("without a decoder is refused with the reason", async () => {
    await expect(readAudio(bytes)).rejects.toMatchObject({
      code: "unsupported-media-type",
      message: `Expected WAV or AIFF, got ${format}, whose decoder this runtime cannot run, since it is compiled when it is needed.`,
    });
  });
});

test("FLAC gives back every sample as it was", async () => {
  const { samples } = await decode(recordingFile("tones.flac"), "FLAC", 600);
  expect(Array.from(samples, (sample) => sample || 0)).toEqual(
    Array.from(twoTones(), (sample) => Math.round(sample * 32_768) / 32_768 || 0), // 0 and -0 are the same sound
  );
});

test("an Ogg page whose checksum is not its own is refused", async () => {
  const damaged = recordingFile("tones.opus");
  damaged[3000] ^= 1;
  await expect(decode(damaged, "Ogg Opus", 600)).rejects.toMatchObject({
    code: "malformed-audio",
    message: expect.stringContaining("is damaged"),
  });
});

test("a FLAC file that claims an hour is refused before anything is decoded", async () => {
  const claim = recordingFile("tones.flac").subarray(0, 42).slice();
  new DataView(claim.buffer).setUint32(22, 3600 * 16_000);
  await expect(decode(claim, "FLAC", 600)).rejects.toMatchObject({
    code: "too-large",
    message: "Expected at most 600 s of sound, got a recording of 3600 s.",
  });
});

test.each([
  ["a rate", 44_100, 1, 16, "1 channel of 16 bits at 44100 Hz"],
  ["channels", 16_000, 2, 16, "2 channels of 16 bits at 16000 Hz"],
  ["a width", 16_000, 1, 24, "1 channel of 24 bits at 16000 Hz"],
])("FLAC that announces %s other than that of its frames is refused", async (_, rate, channels, bits, form) => {
  const file = recordingFile("tones.flac");
  const view = new DataView(file.buffer);
  view.setUint32(18, ((rate << 12) | ((channels - 1) << 9) | ((bits - 1) << 4)) >>> 0);
  await expect(decode(file, "FLAC", 600)).rejects.toMatchObject({
    code: "malformed-audio",
    message: `Expected frames of ${form}, as the FLAC file announces, got 1 channel of 16 bits at 16000 Hz.`,
  });
});
