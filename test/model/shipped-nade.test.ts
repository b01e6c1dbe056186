/** The shipped networks with a NADE head, on the test pieces of their sets. */
import { describe, expect, test } from "vitest";
import { readCheckpoint } from "../../src/model/checkpoint.ts";
import { networkOf } from "../../src/model/model.ts";
import { fileStore } from "../../src/store/files.ts";
import { loadMusicSet, type MusicSetName } from "../../src/training/datasets.ts";
import { evaluate } from "../../src/training/evaluate.ts";
import { hasMusicSet } from "../support/data.ts";
import { kernelModule } from "../support/wasm.ts";

/** Test NLL, micro, of RNN-NADE trained by Hessian-free optimization (Boulanger-Lewandowski et al. 2012, table 1). */
const PUBLISHED = { nottingham: 2.31, jsb: 5.56, musedata: 5.6, "piano-midi": 7.05 } as const;

const store = fileStore("models");
const { catalogue } = await store.catalogue();

describe.each(Object.entries(PUBLISHED) as [MusicSetName, number][])("a NADE head on %s", (set, published) => {
  const entries = catalogue.models.filter((entry) => entry.set === set && entry.preset === "nade");

  test("is better than the published RNN-NADE", () => {
    expect(Math.min(...entries.map(({ metrics }) => metrics.test?.micro ?? Number.NaN))).toBeLessThan(published);
  });

  test.skipIf(!hasMusicSet(set))("has the test NLL that its checkpoint names, within 1e-4", async () => {
    const { test: pieces } = await loadMusicSet(set);
    for (const entry of entries) {
      const network = networkOf(readCheckpoint(await store.read(entry)), entry.version, kernelModule);
      if (network.kind !== "music") throw new Error(`${entry.id} is no model of music.`);
      const { micro, macro } = await evaluate(network, pieces);
      expect(Math.abs(micro - (entry.metrics.test?.micro ?? Number.NaN))).toBeLessThan(1e-4);
      expect(Math.abs(macro - (entry.metrics.test?.macro ?? Number.NaN))).toBeLessThan(1e-4);
    }
  });
});
