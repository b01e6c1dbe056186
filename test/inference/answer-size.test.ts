import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { predict, score } from "../../src/inference/answer.ts";
import { checkAnswerSize } from "../../src/inference/answer-size.ts";
import { pieceOfRoll } from "../../src/inference/piece.ts";
import { recordingOf } from "../../src/inference/recording.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { randomPiece, randomRecording, testModels, testSpeechModels } from "../support/models.ts";

const music = testModels();
const speech = testSpeechModels();
const piece = pieceOfRoll(pianoRoll(randomPiece(1, 1000)), DEFAULT_LIMITS);
const recording = await recordingOf({ samples: randomRecording(1, 20_000), sampleRate: 8000 }, DEFAULT_LIMITS);

/** Numbers anywhere in an answer, and nulls in the place of one. */
function countNumbers(value: unknown): number {
  if (typeof value === "number" || value === null) return 1;
  if (typeof value !== "object") return 0;
  return Object.values(value).reduce((sum, each) => sum + countNumbers(each), 0);
}

/** The largest limit that refuses, which is one less than what was counted. */
function sizeOf(...args: Parameters<typeof checkAnswerSize> extends [...infer Rest, unknown] ? Rest : never): number {
  try {
    checkAnswerSize(...args, { numbers: 0 });
    return 0;
  } catch (error) {
    return Number(/one of (\d+) from/.exec(String(error))?.[1]);
  }
}

describe("what is counted before is what the answer has, but for some hundred numbers a model", () => {
  test.each(["frames", "notes", "comparison", "none"] as const)("detail=%s of music", async (detail) => {
    const numbers = countNumbers(await score(piece, music, { detail }));
    const counted = sizeOf(piece, music, { detail });
    expect(numbers - counted).toBeGreaterThanOrEqual(0);
    expect(numbers - counted).toBeLessThan(300 * music.length);
  });

  test("detail=frames and steps of audio", async () => {
    const scored = countNumbers(await score(recording, speech, { detail: "frames" }));
    expect(Math.abs(scored - sizeOf(recording, speech, { detail: "frames" }))).toBeLessThan(300 * speech.length);
    const predicted = countNumbers(await predict(recording, speech, { steps: 200 }));
    expect(Math.abs(predicted - sizeOf(recording, speech, { steps: 200 }))).toBeLessThan(600 * speech.length);
  });
});

describe("an answer that would be too large is refused with what fits", () => {
  const sentenceAt = (numbers: number, detail: "frames" | "notes", models = music): string => {
    try {
      checkAnswerSize(piece, models, { detail }, { numbers });
    } catch (error) {
      if (error instanceof SurprisalError && error.code === "too-large") return error.message;
    }
    return "not refused";
  };

  test("fewer models, less detail or none", () => {
    const frames = sizeOf(piece, music, { detail: "frames" });
    expect(frames).toBe(1000 * music.length);
    expect(sentenceAt(1999, "frames")).toBe(
      `Expected an answer of at most 1999 numbers, got one of ${frames} from ${music.length} models. What fits: one model, or no detail.`,
    );
    expect(sentenceAt(frames, "notes")).toMatch(/What fits: detail=frames, or no detail\.$/);
    expect(sentenceAt(10, "frames", music.slice(0, 1))).toMatch(/from one model\. What fits: no detail\.$/);
  });

  test("no expectations", () => {
    const expected = sizeOf(piece, music, { expected: true });
    expect(expected).toBe(15_000 * music.length);
    expect(() => checkAnswerSize(piece, music.slice(0, 1), { expected: true }, { numbers: 1000 })).toThrow(
      /What fits: no expected\.$/,
    );
  });

  test("fewer steps", () => {
    const options = { steps: 8000 };
    expect(() => checkAnswerSize(recording, speech.slice(0, 1), options, { numbers: 1000 })).toThrow(
      /What fits: fewer steps\.$/,
    );
  });

  test("at the limit it is not refused", () => {
    const numbers = sizeOf(piece, music, { detail: "frames" });
    expect(() => checkAnswerSize(piece, music, { detail: "frames" }, { numbers })).not.toThrow();
  });
});
