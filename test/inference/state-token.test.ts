/** State tokens: a token reads back exactly, and no other text reads as a state that its model could not have reached. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { musicToken, type ResumePoint, readToken, speechToken } from "../../src/inference/state-token.ts";
import { FRAMES_PER_QUARTER, MAX_SHIFT } from "../../src/limits.ts";
import type { Model } from "../../src/model/model.ts";
import { testModels, testSpeechModels } from "../support/models.ts";

const RUNS = { numRuns: 500 };
const [music, audio] = [testModels(), testSpeechModels()];
const models: readonly Model[] = [...music, ...audio];

const floats = (length: number, largest: (k: number) => number) =>
  fc
    .float32Array({ minLength: length, maxLength: length, min: -1, max: 1, noNaN: true })
    .map((values) => values.map((value, k) => value * largest(k)));

const musicPoint: fc.Arbitrary<ResumePoint> = fc.constantFrom(...music).chain((model) =>
  fc
    .record({
      state: floats(model.stateLimits.length, (k) => Math.min(model.stateLimits[k], 1e3)),
      shift: fc.integer({ min: -MAX_SHIFT, max: MAX_SHIFT }),
      framesPerQuarter: fc.double({ ...FRAMES_PER_QUARTER, noNaN: true }),
    })
    .map((stopped) => ({ kind: "music" as const, model, stopped })),
);

const audioPoint: fc.Arbitrary<ResumePoint> = fc.constantFrom(...audio).chain((model) => {
  const { inputs, shape, stateLimits } = model;
  return fc
    .record({
      state: floats(stateLimits.length, (k) => Math.min(stateLimits[k], 1e3)),
      position: fc.nat().map((blocks) => blocks * shape.block),
      samples: fc.integer({ min: inputs, max: inputs + shape.block - 1 }).chain((count) => floats(count, () => 1)),
    })
    .map((stopped) => ({ kind: "audio" as const, model, stopped }));
});

const point = fc.oneof(musicPoint, audioPoint);

const tokenOf = (each: ResumePoint) =>
  each.kind === "music" ? musicToken(each.model, each.stopped) : speechToken(each.model, each.stopped);

/** What a token says, or undefined when it is refused as it should be; anything else fails the test. */
function readOrRefuse(token: string): ResumePoint | undefined {
  try {
    return readToken(token, models);
  } catch (error) {
    expect(error).toBeInstanceOf(SurprisalError);
    expect((error as SurprisalError).code).toMatch(/^(malformed-state|unknown-model|stale-state)$/);
    return undefined;
  }
}

/** A state that its model could have reached. */
function expectReachable({ model, stopped: { state } }: ResumePoint): void {
  expect(state).toHaveLength(model.stateLimits.length);
  expect(state.every((value, k) => Math.abs(value) <= model.stateLimits[k])).toBe(true);
}

describe("a state token", () => {
  test("reads back as it was written, bit for bit", () => {
    fc.assert(
      fc.property(point, (written) => {
        const { model, stopped } = readToken(tokenOf(written), models);
        expect(model).toBe(written.model);
        expect(stopped).toEqual(written.stopped);
      }),
      RUNS,
    );
  });

  test("with any bit flipped is refused, or reads as another state within the limits", () => {
    fc.assert(
      fc.property(point, fc.nat(), (written, at) => {
        const bytes = Buffer.from(tokenOf(written), "base64url");
        const bit = at % (8 * bytes.length);
        bytes[bit >> 3] ^= 1 << (bit & 7);
        const token = bytes.toString("base64url");
        const read = readOrRefuse(token);
        if (!read) return;
        expectReachable(read);
        expect(tokenOf(read)).toBe(token); // nothing of it is passed over
      }),
      RUNS,
    );
  });

  test("that is any text, or one that was cut or extended, is refused", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(point, fc.nat()).map(([each, at]) => tokenOf(each).slice(0, at % tokenOf(each).length)),
          fc.tuple(point, fc.string({ minLength: 1 })).map(([each, more]) => tokenOf(each) + more),
        ),
        (token) => {
          expect(readOrRefuse(token)).toBeUndefined();
        },
      ),
      RUNS,
    );
  });
});
