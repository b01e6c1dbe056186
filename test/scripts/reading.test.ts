import { describe, expect, test } from "vitest";
import { measureKeys, measureReading } from "../../scripts/reading.ts";
import { DEFAULT_FOLDER, openModels } from "../../src/entry/node/local.ts";
import { modelsOfKind } from "../../src/model/select.ts";
import { MUSIC_SETS } from "../../src/training/datasets.ts";
import { hasMusicSet } from "../support/data.ts";

describe.each(MUSIC_SETS)("%s read back from MIDI", (set) => {
  test.skipIf(!hasMusicSet(set))("is itself as it was written, and nearly so when it is disturbed", async () => {
    const { exact, ornamented, disturbed } = await measureReading(set);
    expect(exact).toBe(1);
    expect(ornamented).toBe(1);
    expect(disturbed).toBeGreaterThanOrEqual(0.95);
    expect(disturbed, "ornaments and jitter do something").toBeLessThan(1);
  });
});

test.skipIf(!hasMusicSet("jsb"))(
  "the key of at least nine in ten chorales is found, in whichever they stand",
  async () => {
    const models = modelsOfKind(await (await openModels(DEFAULT_FOLDER)).models(), "music", ["jsb/*"]);
    expect(await measureKeys("jsb", "valid", models)).toBeGreaterThanOrEqual(0.9);
  },
);
