import { describe, expect, test } from "vitest";
import { readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { recordingFile } from "../support/recordings.ts";

/** Where the words of a box begin, behind its name. */
const placeOf = (bytes: Uint8Array, name: string) => Buffer.from(bytes.buffer).indexOf(name) + 4;

describe("an MP4 file that claims packets it does not have", () => {
  test.each([
    ["opus.mp4", "stts", 8],
    ["opus.mp4", "stsc", 12],
    ["opus.mp4", "stsz", 8],
    ["fragments.mp4", "trun", 4],
  ])("is refused before they are looked for, %s %s", async (name, box, offset) => {
    const bytes = recordingFile(`forms/${name}`);
    new DataView(bytes.buffer).setUint32(placeOf(bytes, box) + offset, 2 ** 32 - 1);
    await expect(readAudio(bytes, { decode })).rejects.toMatchObject({
      code: "too-large",
      message: expect.stringMatching(/^Expected at most \d+ packets in the MP4 file, got \d+\.$/),
    });
  });

  test("is refused when it has more times than packets", async () => {
    const bytes = recordingFile("forms/opus.mp4");
    new DataView(bytes.buffer).setUint32(placeOf(bytes, "stts") + 8, 1000);
    await expect(readAudio(bytes, { decode })).rejects.toMatchObject({ code: "malformed-audio" });
  });
});
