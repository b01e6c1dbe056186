import { describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { createApp } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { randomPiece, testModels } from "../support/models.ts";

const models = testModels();
const app = createApp({ models: () => models, limits: DEFAULT_LIMITS, version: "1.2.3", log: console.error });
const roll = randomPiece(1, 20);

/** What /predict says of the input, and the continuation of 16 frames as a file, read back. */
async function continued(body: BodyInit, type: string, model = "jsb/gru") {
  const ask = (accept: string) =>
    app.request(`/predict?models=${model}&steps=16&seed=1`, {
      method: "POST",
      body,
      headers: { "Content-Type": type, Accept: accept },
    });
  const { input, predictions } = await (await ask("application/json")).json();
  const file = parseMidi(await (await ask("audio/midi")).bytes());
  return { input, frames: predictions[0].continuation, file };
}

describe("the continuation of a MIDI file", () => {
  test.each([
    [90, [6, 8]],
    [120, [4, 4]],
    [59.9999, [5, 16]],
    [60e6 / (2 ** 24 - 1), [3, 128]], // the slowest
    [1e6, [255, 1]],
  ] as const)("at %d quarter notes a minute, in %j, keeps both", async (tempo, timeSignature) => {
    const bytes = writeMidi(pianoRoll(roll), { framesPerQuarter: 1, tempo, timeSignature });
    const { input, file } = await continued(bytes, "audio/midi");
    expect(Math.abs(input.tempo / tempo - 1)).toBeLessThan(0.01); // of whole microseconds
    expect([file.tempo, file.timeSignature]).toEqual([input.tempo, input.timeSignature]);
    expect(file.timeSignature).toEqual(timeSignature);
  });

  test("has the frame rate of its model, and no other notes than the answer", async () => {
    const bytes = writeMidi(pianoRoll(roll), { framesPerQuarter: 2, tempo: 90 });
    const { frames, file } = await continued(bytes, "audio/midi", "nottingham/gru");
    expect(new Set(file.pitches)).toEqual(new Set(frames.flat()));
    const sounding = frames.flatMap((frame: number[], t: number) => (frame.length > 0 ? [t] : []));
    expect(file.durationQuarters).toBe((sounding.at(-1) + 1 - sounding[0]) / 2);
    expect([file.tempo, file.timeSignature]).toEqual([60e6 / 666_667, undefined]);
  });

  test("of a file in SMPTE time, where tempo says nothing, is at the 120 through which it was read", async () => {
    const bytes = writeMidi(pianoRoll(roll), { framesPerQuarter: 1, tempo: 90, timeSignature: [3, 4] });
    bytes.set([0x100 - 25, 40], 12); // the division: 25 SMPTE frames of 40 ticks a second
    const { input, file } = await continued(bytes, "audio/midi");
    expect(input).not.toHaveProperty("tempo");
    expect([file.tempo, file.timeSignature]).toEqual([120, [3, 4]]);
  });

  test("that states neither is played at MIDI's default tempo, as that of a piano roll", async () => {
    const header = [0x4d, 0x54, 0x68, 0x64, 0, 0, 0, 6, 0, 0, 0, 1, 0, 1];
    const track = [0, 0x90, 60, 64, 4, 0x80, 60, 0, 0, 0xff, 0x2f, 0];
    const bytes = Uint8Array.of(...header, 0x4d, 0x54, 0x72, 0x6b, 0, 0, 0, track.length, ...track);
    for (const [body, type] of [
      [bytes, "audio/midi"],
      [JSON.stringify({ pianoRoll: roll }), "application/json"],
    ] as const) {
      const { input, file } = await continued(body, type);
      expect(input).not.toHaveProperty("tempo");
      expect(input).not.toHaveProperty("timeSignature");
      expect([file.tempo, file.timeSignature]).toEqual([120, undefined]);
    }
  });
});
