import { describe, expect, test, vi } from "vitest";
import wavefile from "wavefile";
import { SurprisalError } from "../../src/errors.ts";
import { readWav, writeWav } from "../../src/formats/wav.ts";
import { Random } from "../support/random.ts";

const tone = Float64Array.from({ length: 400 }, (_, n) => 0.5 * Math.sin(n / 7));

/** A WAV file of one of wavefile's depths ("8", "16", "24", "32", "32f", "64"), all channels alike. */
function wav(depth: string, channels = 1, sampleRate = 8000): InstanceType<typeof wavefile.WaveFile> {
  const file = new wavefile.WaveFile();
  const bits = Number.parseInt(depth, 10);
  const integer = depth !== "32f" && depth !== "64";
  const scaled = Array.from(tone, (x) => (integer ? Math.round(x * 2 ** (bits - 1)) + (bits === 8 ? 128 : 0) : x));
  const interleaved = scaled.flatMap((x) => Array.from({ length: channels }, () => x));
  file.fromScratch(channels, sampleRate, depth, interleaved);
  return file;
}

const largestError = (samples: Float32Array) => Math.max(...tone.map((x, n) => Math.abs(x - samples[n])));

describe("WAV files", () => {
  test.each(["8", "16", "24", "32", "32f", "64"])("of depth %s are read to their own precision", async (depth) => {
    for (const channels of [1, 2, 5]) {
      const { samples, sampleRate } = await readWav(wav(depth, channels, 22_050).toBuffer());
      expect(sampleRate).toBe(22_050);
      expect(samples).toHaveLength(tone.length);
      expect(largestError(samples)).toBeLessThan(
        depth === "8" ? 2 ** -8 + 1e-6 : depth === "16" ? 2 ** -16 + 1e-6 : 1e-6,
      );
    }
  });

  test("of A-law and µ-law are read to within their steps", async () => {
    const [alaw, mulaw] = [wav("16"), wav("16")];
    alaw.toALaw();
    mulaw.toMuLaw();
    for (const file of [alaw, mulaw]) {
      expect(largestError((await readWav(file.toBuffer())).samples)).toBeLessThan(0.02);
    }
  });

  test("that are written are read again to 16 bits, clipped beyond full scale", async () => {
    const samples = Float32Array.of(0, 0.25, -1, 1, 3, -3);
    const read = (await readWav(writeWav({ samples, sampleRate: 8000 }))).samples;
    expect(Array.from(read)).toEqual([0, 0.25, -1, 32767 / 32768, 32767 / 32768, -1]);
  });

  test.each([0, 0xffff_ffff])("whose data claim %s bytes are read as far as they go", async (claimed) => {
    const bytes = wav("16").toBuffer();
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(40, claimed, true);
    expect(largestError((await readWav(bytes)).samples)).toBeLessThan(1e-4);
  });

  test("that last too long are refused by their length alone", async () => {
    await expect(readWav(wav("16").toBuffer(), 0.04)).rejects.toThrow(
      "Expected at most 0.04 s of sound, got a recording of 0 s.",
    );
  });

  test("that are damaged give a sentence or finite samples, wherever they are cut or altered", async () => {
    const bytes = wav("16", 2).toBuffer();
    const random = new Random(1);
    const altered = Array.from({ length: 500 }, () => {
      const copy = bytes.slice();
      copy[random.integer(0, 60)] = random.integer(0, 255);
      return copy;
    });
    const cut = Array.from({ length: 100 }, (_, end) => bytes.slice(0, end));
    let refused = 0;
    for (const damaged of [...altered, ...cut]) {
      try {
        expect((await readWav(damaged)).samples.every(Number.isFinite)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(SurprisalError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  test("with a chunk of an odd size and no byte after it are read whole, and so are those with one", async () => {
    const file = new Uint8Array(wav("16").toBuffer());
    const whole = await readWav(file);
    const list = Uint8Array.of(...new TextEncoder().encode("LIST"), 3, 0, 0, 0, 1, 2, 3);
    for (const chunk of [list, Uint8Array.of(...list, 0)]) {
      const longer = Uint8Array.of(...file.subarray(0, 36), ...chunk, ...file.subarray(36));
      expect(await readWav(longer)).toEqual(whole);
    }
  });

  test("of a hundred thousand empty data chunks have no sound, and each is looked at once", async () => {
    const header = new Uint8Array(wav("16").toBuffer()).subarray(0, 36);
    const chunk = Uint8Array.of(...new TextEncoder().encode("data"), 0, 0, 0, 0);
    const file = new Uint8Array(header.length + 100_000 * chunk.length);
    file.set(header);
    for (let at = header.length; at < file.length; at += chunk.length) file.set(chunk, at);
    const read = vi.spyOn(String, "fromCharCode");
    await expect(readWav(file)).rejects.toMatchObject({ code: "nothing-to-score" });
    expect(read.mock.calls.length).toBeLessThan(500_000);
    read.mockRestore();
  });
});
