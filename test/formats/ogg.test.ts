/** Ogg files of which pages are missing, stand twice, or are after others, against the whole file. */

import { describe, expect, test } from "vitest";
import { readAudio } from "../../src/formats/audio.ts";
import { decode } from "../../src/formats/decoders.ts";
import { oggPages, recordingFile, renumbered } from "../support/recordings.ts";

const read = (bytes: Uint8Array) => readAudio(bytes, { decode });
const joined = (pages: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pages));
const without = (pages: readonly Uint8Array[], place: number) => pages.toSpliced(place, 1);
const twice = (pages: readonly Uint8Array[], place: number) => pages.toSpliced(place, 0, pages[place]);

const cutOff = { code: "cut-off" };

describe.each([
  // Samples of a page in the middle of the file; Vorbis also loses the first packet after a gap, which has nothing to overlap.
  { name: "pages.oga", rate: 16_000, missing: 2560, twiceAt: "0.47", gapAt: "0.34" },
  { name: "pages.opus", rate: 48_000, missing: 4800, twiceAt: "0.39", gapAt: "0.29" },
])("of $name", ({ name, rate, missing, twiceAt, gapAt }) => {
  const pages = oggPages(recordingFile(`forms/${name}`));
  const lost = {
    code: "damaged-audio",
    count: missing,
    detail: `The file is damaged: sound is missing at ${gapAt} s (${(missing / rate).toFixed(2)} s of it). What is left was joined and scored.`,
  };
  const repeated = {
    code: "damaged-audio",
    count: 0,
    detail: `The file is damaged: sound stands twice at ${twiceAt} s. It was scored once.`,
  };

  test("a page that is missing is said to be, numbered anew or not", async () => {
    for (const file of [joined(without(pages, 5)), renumbered(without(pages, 5))]) {
      const { samples, warnings } = await read(file);
      expect(samples).toHaveLength(rate - missing);
      expect(warnings).toEqual([lost]);
    }
  });

  test("a page that stands twice is heard once, numbered anew or not", async () => {
    const whole = await read(joined(pages));
    expect(whole).toMatchObject({ samples: { length: rate }, warnings: [] });
    for (const file of [joined(twice(pages, 5)), renumbered(twice(pages, 5))]) {
      const { samples, warnings } = await read(file);
      expect(samples).toEqual(whole.samples);
      expect(warnings).toEqual([repeated]);
    }
  });

  test("the first and the last page may stand twice too", async () => {
    const whole = await read(joined(pages));
    for (const file of [twice(pages, 0), twice(pages, pages.length - 1)]) {
      const { samples, warnings } = await read(joined(file));
      expect(samples).toEqual(whole.samples);
      expect(warnings).toMatchObject([{ code: "damaged-audio", count: 0 }]);
    }
  });

  test("what was recorded from the middle of a stream on is read without a warning", async () => {
    const whole = (await read(joined(pages))).samples;
    const { samples, warnings } = await read(renumbered([...pages.slice(0, 2), ...pages.slice(6)]));
    expect(warnings).toEqual([]);
    const end = samples.subarray(-rate / 10);
    expect(end.every((sample, t) => Math.abs(sample - whole[whole.length - end.length + t]) < 1e-3)).toBe(true);
    // The position at the end of page 5 is what was not recorded; decoders agree on the rest (ffmpeg 5.1, oggdec, opusdec).
    expect(samples).toHaveLength(name === "pages.oga" ? 16_000 - 7552 - 512 : 48_312 - 19_200 - 312);
  });

  test("a file that ends inside a page, or in front of one, is cut off", async () => {
    for (const end of [-1, -pages[pages.length - 1].length]) {
      expect((await read(joined(pages).subarray(0, end))).warnings).toMatchObject([cutOff]);
    }
  });

  test("a second stream that is damaged or cut off is not passed over", async () => {
    const chain = joined([...pages, ...pages]);
    expect(await read(chain)).toMatchObject({ samples: { length: 2 * rate }, warnings: [] });
    const start = joined(pages).length;
    expect((await read(chain.subarray(0, start + 40))).warnings).toMatchObject([cutOff]);
    await expect(read(chain.with(start, 0))).rejects.toMatchObject({
      code: "malformed-audio",
      message: `Expected a page at byte ${start} of the Ogg file, got something else.`,
    });
  });
});

test("a page of FLAC that stands twice is heard once, numbered anew or not", async () => {
  const pages = oggPages(recordingFile("forms/flac.oga"));
  for (const file of [joined(twice(pages, 4)), renumbered(twice(pages, 4))]) {
    const { samples, warnings } = await read(file);
    expect(samples).toHaveLength(16_000);
    expect(warnings).toMatchObject([{ code: "damaged-audio", detail: expect.stringContaining("stands twice") }]);
  }
});

test("an Ogg file without its first page is said to be that", async () => {
  const pages = oggPages(recordingFile("forms/pages.oga"));
  await expect(read(joined(pages.slice(1)))).rejects.toMatchObject({
    code: "unsupported-media-type",
    message: expect.stringContaining("got Ogg of another codec or without its first page."),
  });
});
