/** MP3 with bytes in front, after and between its frames, against the file as it was. */

import { beforeAll, describe, expect, test, vi } from "vitest";
import { isAudio, readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import type { Waveform } from "../../src/formats/waveform.ts";
import { recordingFile } from "../support/recordings.ts";

const read = (...parts: Uint8Array[]) => readAudio(new Uint8Array(Buffer.concat(parts)), { decode });
const text = (string: string) => new TextEncoder().encode(string);

const speech = recordingFile("kinds/m07-leading-zeros.mp3"); // has an Info tag
const tagged = speech.subarray(speech.indexOf(0xff));
const untagged = recordingFile("forms/no-xing.mp3");

beforeAll(() => {
  vi.spyOn(console, "error").mockImplementation(() => {}); // the decoder reports there too
  return () => vi.restoreAllMocks();
});

describe.each([
  ["with a tag that counts its frames", tagged],
  ["without one", untagged],
])("MP3 %s", (_, file) => {
  let whole: Waveform;
  beforeAll(async () => {
    whole = await read(file);
    expect(whole.warnings).toEqual([]);
  });

  test.each([
    ["an ID3v1 tag", Uint8Array.of(...text("TAG"), ...new Uint8Array(125))],
    [
      "an enhanced ID3v1 tag",
      Uint8Array.of(...text("TAG+"), ...new Uint8Array(223), ...text("TAG"), ...new Uint8Array(125)),
    ],
    ["an ID3v2 tag", Uint8Array.of(...text("ID3"), 4, 0, 0, 0, 0, 7, 104, ...new Uint8Array(1000))],
    ["lyrics", text(`LYRICSBEGIN${"la ".repeat(400)}LYRICS200`)],
    ["four bytes", text("four")],
    ["zeros", new Uint8Array(100)],
  ])("is whole in front of %s", async (_what, tail) => {
    expect(await read(file, tail)).toEqual(whole);
  });

  test("that begins inside a frame is read from the next one on, with a warning", async () => {
    const cut = file.subarray(Math.floor(file.length / 3));
    expect(isAudio(cut)).toBe(true);
    const { samples, warnings } = await read(cut);
    expect(warnings).toMatchObject([{ code: "damaged-audio", detail: expect.stringContaining("missing at 0.00 s") }]);
    const share = samples.length / whole.samples.length;
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.75);
  });

  test("with other bytes, or some missing, between its frames says where", async () => {
    const half = Math.floor(file.length / 2);
    const seconds = whole.samples.length / whole.sampleRate;
    for (const damaged of [
      await read(file.subarray(0, half), new Uint8Array(300), file.subarray(half)),
      await read(file.subarray(0, half), file.subarray(half + 300)),
    ]) {
      expect(damaged.warnings).toMatchObject([{ code: "damaged-audio" }]);
      const [, place] = /missing at ([\d.]+) s/.exec(damaged.warnings[0].detail) ?? [];
      expect(Math.abs(Number(place) / seconds - 0.5)).toBeLessThan(0.1);
    }
  });

  test("that ends inside a frame is cut off", async () => {
    const { samples, warnings } = await read(file.subarray(0, file.length - 1));
    expect(warnings).toMatchObject([{ code: "cut-off" }]);
    expect(samples.length).toBeLessThan(whole.samples.length);
  });
});

test("bytes in front of the first frame take nothing from MP3 all of whose frames are there", async () => {
  expect(await read(text("a player's own header"), tagged)).toEqual(await read(tagged));
});

test("only what its tag announces is said to be announced", async () => {
  const [cut] = (await read(untagged.subarray(0, -1))).warnings;
  expect(cut.detail).toMatch(
    /^The MP3 file is cut off: it holds \d\.\d\d s of sound and ends inside a frame, so nobody knows how much is missing\.$/,
  );
});

test("much that is no MP3 after the last frame may have been sound, unless a tag counts the frames", async () => {
  const zeros = new Uint8Array(5000);
  expect((await read(tagged, zeros)).warnings).toEqual([]);
  expect((await read(untagged, zeros)).warnings).toMatchObject([{ code: "damaged-audio" }]);
});

test("MPEG audio of layer I is called that", async () => {
  const file = new Uint8Array(1000);
  file.set([0xff, 0xff, 0x94, 0xc0]);
  await expect(readAudio(file)).rejects.toMatchObject({
    code: "unsupported-media-type",
    message: expect.stringContaining("got MPEG layer I. This converts it: ffmpeg -i in.mp1 "),
  });
});

test("bytes that hold a header of MP3 by chance are no MP3", () => {
  const bytes = new Uint8Array(8000);
  bytes.set(tagged.subarray(0, 500), 100);
  expect(isAudio(Uint8Array.of(1, ...bytes))).toBe(false);
});
