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
