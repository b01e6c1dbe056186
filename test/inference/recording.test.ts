import { beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_FOLDER, openModels } from "../../src/entry/node/local.ts";
import { readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { recordingOf } from "../../src/inference/recording.ts";
import { scoreSpeech } from "../../src/inference/score-speech.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { modelsOfKind } from "../../src/model/select.ts";
import { recordingFile } from "../support/recordings.ts";

describe("a recording of speech under the shipped models", () => {
  const bits = async (name: string) => {
    const models = modelsOfKind(await (await openModels(DEFAULT_FOLDER)).models(), "audio", ["speech-short/gru"]);
    const waveform = await readAudio(recordingFile(`kinds/${name}`), { decode });
    const { scores, input } = await scoreSpeech(await recordingOf(waveform, DEFAULT_LIMITS), models, {
      detail: "none",
    });
    return { bitsPerSample: scores[0].bitsPerSample, codes: input.warnings.map(({ code }) => code) };
  };
  let original: Awaited<ReturnType<typeof bits>>;
  beforeAll(async () => {
    original = await bits("f01.flac");
    expect(original.codes).toEqual([]);
  });

  // Codecs that lose something change the score, too: Opus takes away the lowest 3 Hz, see test/web/recorder.test.ts.
  test.each([
    ["f02-id3-prefix.flac", 0.01, []],
    ["f03-id3v1-tail.flac", 0.01, []],
    ["w25-rf64.wav", 0.01, []],
    ["w31-two-data.wav", 0.01, []],
    ["w40-51.wav", 0.01, []],
    ["x01.aiff", 0.01, []],
    ["m07-leading-zeros.mp3", 0.05, []],
    ["x05.webm", 0.05, []],
    ["o05-chained.opus", 0.05, []],
    ["e1_mid_removed.mp3", 0.05, ["damaged-audio"]],
    ["e3_mid_zeroed.flac", 0.05, ["damaged-audio"]],
    ["e6_page_lost.opus", 0.05, ["damaged-audio"]],
    ["w28-truncated.wav", 0.2, ["cut-off"]],
  ])("scores as %s within %f of the original, in bits per sample", async (name, share, codes) => {
    const found = await bits(name);
    expect(Math.abs(found.bitsPerSample / original.bitsPerSample - 1)).toBeLessThan(share);
    expect(found.codes).toEqual(codes);
  });
});

test("a recording has the warnings of its file, then those of its sound", async () => {
  const cutOff = { code: "cut-off", count: 5, detail: "It is cut off." } as const;
  const { input } = await recordingOf(
    { samples: new Float32Array(100), sampleRate: 8000, warnings: [cutOff] },
    DEFAULT_LIMITS,
  );
  expect(input.warnings[0]).toBe(cutOff);
  expect(input.warnings.map(({ code }) => code)).toEqual(["cut-off", "constant"]);
});

test("a sample beyond any level is refused", async () => {
  await expect(recordingOf({ samples: Float32Array.of(0, 17), sampleRate: 8000 }, DEFAULT_LIMITS)).rejects.toThrow(
    "Expected samples of at most 16 in size, where full scale is 1, got 17 at sample 1.",
  );
});
