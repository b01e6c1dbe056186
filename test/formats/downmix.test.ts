import { describe, expect, test } from "vitest";
import wavefile from "wavefile";
import { downmixWeights, flacLayout, vorbisLayout, waveLayout } from "../../src/formats/downmix.ts";
import { readWav } from "../../src/formats/wav.ts";

describe("channels become one", () => {
  test("by ITU-R BS.775 where there is a centre", () => {
    const weights = downmixWeights(6, flacLayout(6));
    expect(weights).toEqual([Math.SQRT1_2, Math.SQRT1_2, 1, 0, 0.5, 0.5]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "with the same weights in the orders of FLAC and Vorbis, %i channels",
    (channels) => {
      const [flac, vorbis] = [flacLayout(channels), vorbisLayout(channels)].map((layout) =>
        downmixWeights(channels, layout).toSorted(),
      );
      expect(flac).toEqual(vorbis);
    },
  );

  test("by their mean in stereo, without a centre, and where nobody says", () => {
    expect(downmixWeights(2, ["L", "R"])).toEqual([0.5, 0.5]);
    expect(downmixWeights(4, flacLayout(4))).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(downmixWeights(3, [])).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect(downmixWeights(3, ["L", "R", "LFE"])).toEqual([0.5, 0.5, 0]);
  });

  test("by the mask of a WAV file, whose bits stand in the order of the channels", () => {
    expect(waveLayout(6, 0x3f)).toEqual(["L", "R", "C", "LFE", "S", "S"]);
    expect(waveLayout(6, 0x60f)).toEqual(["L", "R", "C", "LFE", "S", "S"]); // speakers at the side, not behind
    expect(waveLayout(3, 0x7)).toEqual(["L", "R", "C"]);
    expect(waveLayout(6, 0)).toEqual(flacLayout(6));
    expect(waveLayout(5, 0)).toEqual([]);
  });

  test("in a WAV file of six channels without a mask as in 5.1", async () => {
    const file = new wavefile.WaveFile();
    file.fromScratch(6, 8000, "16", [0, 0, 8192, 16384, 0, 0]); // half of full scale in the low frequencies
    expect((await readWav(file.toBuffer())).samples).toEqual(Float32Array.of(0.25));
  });
});

describe("where the mean is not what one hears", () => {
  const tone = Array.from({ length: 4000 }, (_, t) => Math.round(8192 * Math.sin(t / 7)));
  const heard = Float32Array.from(tone, (sample) => sample / 32_768);
  const mixed = (...channels: readonly (readonly number[])[]) => {
    const file = new wavefile.WaveFile();
    file.fromScratch(
      channels.length,
      8000,
      "16",
      tone.flatMap((_, t) => channels.map((channel) => channel[t])),
    );
    return readWav(file.toBuffer());
  };
  const none = tone.map(() => 0);
  const faint = tone.map((_, t) => (t % 50 === 0 ? 1 : 0));
  const opposite = tone.map((sample) => -sample);
  const near = (samples: Float32Array) => Math.max(...samples.map((sample, t) => Math.abs(sample - heard[t]))) < 2e-4;

  test("silent channels are left out of it", async () => {
    for (const channels of [
      [tone, none],
      [none, tone],
      [tone, faint],
      [tone, none, tone, none],
    ]) {
      const { samples, warnings } = await mixed(...channels);
      expect(near(samples)).toBe(true);
      const silent = channels.length / 2;
      expect(warnings).toEqual([
        {
          code: "downmix",
          count: silent,
          detail: `${silent} of ${channels.length} channels ${silent === 1 ? "is" : "are"} silent: only the mean of the others is scored.`,
        },
      ]);
    }
  });

  test("channels that cancel each other are said to", async () => {
    expect((await mixed(tone, opposite)).warnings).toEqual([
      {
        code: "downmix",
        count: 2,
        detail: "The 2 channels cancel each other: nothing is left. Send one channel alone.",
      },
    ]);
    const nearly = opposite.map((sample) => Math.round(0.9 * sample));
    expect((await mixed(tone, nearly)).warnings[0].detail).toContain(
      "their mean, which is scored, is 26 dB below them",
    );
  });

  test("stereo with a voice on both sides, unlike sides, or silence alone is no such case", async () => {
    const other = tone.map((_, t) => Math.round(8192 * Math.sin(t / 5)));
    for (const channels of [
      [tone, tone],
      [tone, other],
      [none, none],
    ]) {
      expect((await mixed(...channels)).warnings).toEqual([]);
    }
  });

  test("5.1 with sound at the front left alone has the gain of BS.775, and no warning", async () => {
    const { samples, warnings } = await mixed(tone, none, none, none, none, none);
    expect(warnings).toEqual([]);
    expect(samples[100]).toBeCloseTo(Math.SQRT1_2 * heard[100], 6);
  });
});
