/** WebM and MP4 that end early, or have other bytes after their sound. */

import { describe, expect, test } from "vitest";
import { readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { recordingFile } from "../support/recordings.ts";

const read = (bytes: Uint8Array) => readAudio(bytes, { decode });

/** As live recorders write it: neither the segment nor a cluster says how long it is, and no cues follow. */
function live(file: Uint8Array): Uint8Array {
  const bytes = file.subarray(0, Buffer.from(file).lastIndexOf("1c53bb6b", "hex")).slice();
  for (const [id, sizeBytes] of [
    ["18538067", 8],
    ["1f43b675", undefined],
  ] as const) {
    const at = Buffer.from(bytes.buffer).indexOf(id, "hex") + 4;
    const length = sizeBytes ?? Math.clz32(bytes[at] << 24) + 1;
    bytes.fill(255, at, at + length);
    bytes[at] = 2 ** (9 - length) - 1;
  }
  return bytes;
}

const webm = recordingFile("forms/opus.webm");

describe.each([
  ["WebM", webm],
  ["WebM of a live recorder", live(webm)],
  ["MP4 in fragments", recordingFile("forms/fragments.mp4")],
])("%s", (_, file) => {
  test("that ends early is read to its last whole packet, and said to be cut off", async () => {
    const whole = await read(file);
    expect(whole.warnings).toEqual([]);
    for (const share of [0.3, 0.6, 0.9]) {
      const { samples, warnings } = await read(file.subarray(0, Math.floor(share * file.length)));
      expect(warnings).toMatchObject([{ code: "cut-off" }]);
      expect(warnings[0].detail).toContain(
        `it holds ${(samples.length / 48_000).toFixed(2)} s of sound and ends early`,
      );
      expect(samples.every((sample, t) => Math.abs(sample - whole.samples[t]) < 1e-6)).toBe(true);
      expect(samples.length / whole.samples.length).toBeGreaterThan(share - 0.3);
      expect(samples.length).toBeLessThan(whole.samples.length);
    }
  });

  test.each([1, 8, 100, 5000])("is whole in front of %i other bytes", async (length) => {
    for (const byte of [0, 0x55]) {
      expect(await read(Uint8Array.of(...file, ...new Uint8Array(length).fill(byte)))).toEqual(await read(file));
    }
  });
});

test("MP4 that is cut off in front of its tables is refused by that", async () => {
  const file = recordingFile("forms/opus.mp4");
  await expect(read(file.subarray(0, file.length - 1))).rejects.toMatchObject({
    code: "malformed-audio",
    message:
      "Expected a track of sound in the MP4 file, got a file that is cut off in front of what describes its sound.",
  });
});
