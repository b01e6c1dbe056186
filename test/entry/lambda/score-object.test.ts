import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { resultKey, type Scorer, scoreObject } from "../../../src/entry/lambda/score-object.ts";
import { writeMidi } from "../../../src/formats/midi.ts";
import { pianoRoll } from "../../../src/formats/piano-roll.ts";
import { writeWav } from "../../../src/formats/wav.ts";
import { decodeContent } from "../../../src/http/content.ts";
import { score } from "../../../src/inference/answer.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { type Bucket, StoreFailure } from "../../../src/store/bucket.ts";
import { folderBucket } from "../../../src/store/files.ts";
import { randomModel, randomPiece, randomRecording, testModels, testSpeechModels } from "../../support/models.ts";

const midiOf = (seed: number) => writeMidi(pianoRoll(randomPiece(seed, 24)), { framesPerQuarter: 1 });
const wav = writeWav({ samples: randomRecording(1, 2003), sampleRate: 8000 });
const models = [...testModels(), ...testSpeechModels()];
const limits = { ...DEFAULT_LIMITS, bodyBytes: 10_000 };

let folder = "";
let bucket: Bucket;
let scorer: Scorer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  bucket = folderBucket(folder);
  scorer = { bucket, models, reader: { limits } };
});
afterEach(() => rm(folder, { recursive: true }));

const put = (key: string, bytes: Uint8Array) => bucket.put(key, bytes, "any");
const stored = async (key: string) => {
  const found = await bucket.get(key, () => {});
  return found && found !== "unchanged" ? { ...found, result: JSON.parse(Buffer.from(found.bytes).toString()) } : found;
};
const resultOf = async (key: string) => {
  const found = await stored(key);
  return found && found !== "unchanged" ? found.result : undefined;
};
/** The bucket, in which something happens before it is written to. */
const beforePut = (event: () => Promise<unknown>): Bucket => ({
  ...bucket,
  put: async (...args) => {
    await event();
    return bucket.put(...args);
  },
});

describe("an object under inbox/", () => {
  test.each([
    ["MIDI", "a.mid", midiOf(1)],
    ["WAV", "b.wav", wav],
  ])("of %s is scored as the API scores it, and its result says of what it is", async (_, name, bytes) => {
    await put(`inbox/set/${name}`, bytes);
    expect(await scoreObject(`inbox/set/${name}`, scorer)).toBe("scored");
    const { source, models: versions, ...answer } = await resultOf(`results/set/${name}.json`);
    const input = await decodeContent({ form: "file", bytes, type: "" }, {}, { limits });
    expect(answer).toEqual(JSON.parse(JSON.stringify(await score(input, models, {}))));
    expect(source.key).toBe(`inbox/set/${name}`);
    expect([source.etag, versions]).toEqual([expect.stringMatching(/./), expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  test.each([
    ["of no known format", new TextEncoder().encode("hello"), "unsupported-media-type"],
    ["that is empty", new Uint8Array(), "unsupported-media-type"],
    ["that is damaged", midiOf(1).subarray(0, 50), "malformed-midi"],
    ["too large", new Uint8Array(10_001), "too-large"],
  ])("%s has a result that says so, once", async (_, bytes, code) => {
    await put("inbox/a.mid", bytes);
    expect(await scoreObject("inbox/a.mid", scorer)).toBe("refused");
    expect((await resultOf("results/a.mid.json")).problem).toEqual({ code, detail: expect.stringMatching(/\.$/) });
    expect(await scoreObject("inbox/a.mid", scorer)).toBe("kept");
  });

  test("is not read when it is too large", async () => {
    const sizes: number[] = [];
    const huge: Bucket = {
      ...bucket,
      get: async (key, checkSize, known) => {
        if (!key.startsWith("inbox/")) return bucket.get(key, checkSize, known);
        sizes.push(2 ** 40);
        checkSize(2 ** 40);
        throw new Error("It was read.");
      },
    };
    expect(await scoreObject("inbox/a.mid", { ...scorer, bucket: huge })).toBe("refused");
    expect(sizes).toHaveLength(1);
    expect((await resultOf("results/a.mid.json")).problem.detail).toContain("1099511627776");
  });

  test("that is gone has no result", async () => {
    expect(await scoreObject("inbox/a.mid", scorer)).toBe("ignored");
    expect(await readdir(folder)).toEqual([]);
  });

  test("waits when there are no models, or the storage fails", async () => {
    await put("inbox/a.mid", midiOf(1));
    await expect(scoreObject("inbox/a.mid", { ...scorer, models: [] })).rejects.toMatchObject({ code: "no-models" });
    const failing = { ...bucket, put: () => Promise.reject(new StoreFailure("It does not answer.")) };
    await expect(scoreObject("inbox/a.mid", { ...scorer, bucket: failing })).rejects.toThrow(StoreFailure);
    expect(await readdir(folder)).toEqual(["inbox"]);
  });
});

describe("an event", () => {
  test("that comes twice changes nothing the second time, and the object is not scored again", async () => {
    await put("inbox/a.mid", midiOf(1));
    await scoreObject("inbox/a.mid", scorer);
    const first = await stored("results/a.mid.json");
    const watched: Bucket = {
      ...bucket,
      put: () => Promise.reject(new Error("It was written.")),
      get: async (...args) => {
        const found = await bucket.get(...args);
        if (args[0].startsWith("inbox/")) expect(found).toBe("unchanged");
        return found;
      },
    };
    expect(await scoreObject("inbox/a.mid", { ...scorer, bucket: watched })).toBe("kept");
    expect(await stored("results/a.mid.json")).toEqual(first);
  });

  test("gives the same bytes when it comes again after its result was removed", async () => {
    await put("inbox/a.mid", midiOf(1));
    await scoreObject("inbox/a.mid", scorer);
    const first = await stored("results/a.mid.json");
    await rm(join(folder, "results"), { recursive: true });
    await scoreObject("inbox/a.mid", scorer);
    expect(await stored("results/a.mid.json")).toEqual(first);
  });

  test("that comes late is of the object as it is now", async () => {
    await put("inbox/a.mid", midiOf(1));
    await scoreObject("inbox/a.mid", scorer);
    const { source: old } = await resultOf("results/a.mid.json");
    await put("inbox/a.mid", midiOf(2));
    expect(await scoreObject("inbox/a.mid", scorer)).toBe("scored"); // the event of the second
    const { source } = await resultOf("results/a.mid.json");
    expect(source.etag).not.toBe(old.etag);
    expect(await scoreObject("inbox/a.mid", scorer)).toBe("kept"); // the event of the first
  });

  test("whose work is overtaken by that of a newer object leaves the newer result", async () => {
    await put("inbox/a.mid", midiOf(1));
    let overtaken = false;
    const overtake = async () => {
      if (overtaken) return;
      overtaken = true;
      await put("inbox/a.mid", midiOf(2));
      expect(await scoreObject("inbox/a.mid", scorer)).toBe("scored");
    };
    expect(await scoreObject("inbox/a.mid", { ...scorer, bucket: beforePut(overtake) })).toBe("kept");
    const result = await resultOf("results/a.mid.json");
    await rm(join(folder, "results"), { recursive: true });
    await scoreObject("inbox/a.mid", scorer);
    expect(await resultOf("results/a.mid.json")).toEqual(result);
  });

  test("gives up when others write the result without end", async () => {
    await put("inbox/a.mid", midiOf(1));
    let times = 0;
    const busy = beforePut(() => put("results/a.mid.json", new TextEncoder().encode(`"${times++}"`)));
    await expect(scoreObject("inbox/a.mid", { ...scorer, bucket: busy })).rejects.toThrow("5 times");
  });

  test("is worked on again when the models are others", async () => {
    await put("inbox/a.mid", midiOf(1));
    await scoreObject("inbox/a.mid", scorer);
    const other = { ...scorer, models: [randomModel({ set: "jsb", cell: "gru", seed: 9 })] };
    expect(await scoreObject("inbox/a.mid", other)).toBe("scored");
    expect((await resultOf("results/a.mid.json")).scores).toHaveLength(1);
  });
});

describe("the place of a result", () => {
  test.each([
    ["inbox/a.mid", "results/a.mid.json"],
    ["inbox/a b/ü+.wav", "results/a b/ü+.wav.json"],
    ["corpora/bach/a.mid", "results/corpora/bach/a.mid.json"],
    ["inbox/corpora/bach/a.mid", "results/inbox/corpora/bach/a.mid.json"],
    ["inbox/inbox/a.mid", "results/inbox/inbox/a.mid.json"],
  ])("of %s is %s", (key, place) => {
    expect(resultKey(key)).toBe(place);
  });

  test.each(["results/a.mid.json", "models/catalogue.json", "runs/x", "inbox/", "inbox/a/", "inbox", "a.mid"])(
    "there is none of %s",
    async (key) => {
      expect(resultKey(key)).toBeUndefined();
      expect(await scoreObject(key, scorer)).toBe("ignored");
    },
  );

  test.each(["inbox/../models/x", "inbox/./x", "inbox//x", "corpora/a/../../x"])("nothing leads out by %s", (key) => {
    expect(resultKey(key)).toBeUndefined();
  });
});
