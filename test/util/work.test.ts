import { expect, test, vi } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { predict, score } from "../../src/inference/answer.ts";
import { pieceOfRoll } from "../../src/inference/piece.ts";
import { recordingOf } from "../../src/inference/recording.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { Work } from "../../src/util/work.ts";
import { randomPiece, randomRecording, testModels, testSpeechModels } from "../support/models.ts";

const models = [...testModels(), ...testSpeechModels()];
const piece = pieceOfRoll(pianoRoll(randomPiece(1, 1000)), DEFAULT_LIMITS);
const recording = () => recordingOf({ samples: randomRecording(1, 60_000), sampleRate: 8000 }, DEFAULT_LIMITS);
const resampled = () => recordingOf({ samples: randomRecording(1, 60_000), sampleRate: 16_000 }, DEFAULT_LIMITS);

test.each<[string, (work: Work) => Promise<unknown>]>([
  ["scoring music", (work) => score(piece, models, { detail: "notes" }, work)],
  ["finding the key", (work) => score(piece, models, { transpose: "auto" }, work)],
  ["continuing music", (work) => predict(piece, models, { steps: 200 }, work)],
  ["scoring speech", async (work) => score(await recording(), models, {}, work)],
  ["resampling", async (work) => score(await resampled(), models, {}, work)],
  ["continuing speech", async (work) => predict(await recording(), models, { steps: 200 }, work)],
])("%s stops at the step at which nobody waits any more, and says so", async (_, compute) => {
  const forward = vi.spyOn(Kernel.prototype, "forward");
  for (const last of [1, 2, 5, 15]) {
    const client = new AbortController();
    let steps = 0;
    const pause = async () => {
      steps += 1;
      if (steps === last) client.abort("the client has left");
    };
    await expect(compute(new Work({ signal: client.signal, pause }))).rejects.toMatchObject({
      name: "AbortError",
      message: "the client has left",
    });
    const calls = forward.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve));
    expect([steps, forward.mock.calls.length]).toEqual([last, calls]);
  }
  forward.mockRestore();
});

test("counts what its steps take, more for more frames", async () => {
  const taken = async (frames: number) => {
    const work = new Work();
    await score(pieceOfRoll(pianoRoll(randomPiece(1, frames)), DEFAULT_LIMITS), models, {}, work);
    return work.done;
  };
  const fixed = await taken(2); // of an answer, and one frame
  const [short, long] = [(await taken(102)) - fixed, (await taken(1002)) - fixed];
  expect(long / short).toBeGreaterThan(9);
  expect(long / short).toBeLessThan(11);
});
