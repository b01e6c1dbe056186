import { describe, expect, test } from "vitest";
import { readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { recordingFile } from "../support/recordings.ts";

/** Where the words of a box begin, after its name. */
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

/** A QuickTime file of PCM: its tables, which count each sample as a packet, and no sound. */
function quickTime(coding: string, samples: number): Uint8Array {
  const box = (name: string, ...parts: readonly (Uint8Array | number)[]): Buffer => {
    const body = Buffer.concat(parts.map((part) => (typeof part === "number" ? word(part) : part)));
    return Buffer.concat([word(8 + body.length), Buffer.from(name, "latin1"), body]);
  };
  const entry = box(coding, new Uint8Array(28));
  const tables = [box("stsd", 0, 1, entry), box("stts", 0, 1, samples, 1), box("stsz", 0, 2, samples)];
  const media = box("mdia", box("minf", box("stbl", ...tables)));
  return new Uint8Array(Buffer.concat([box("ftyp", Buffer.from("qt  "), 0), box("moov", box("trak", media))]));
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

test.each(["sowt", "twos", "lpcm", "in24"])(
  "a minute of PCM in QuickTime, %s, is refused by that name",
  async (coding) => {
    await expect(readAudio(quickTime(coding, 60 * 48_000), { decode })).rejects.toMatchObject({
      code: "unsupported-media-type",
      message: "Expected Opus in MP4, got PCM in MP4. This converts it: ffmpeg -i in.mov -ar 8000 -ac 1 out.wav",
    });
  },
);
