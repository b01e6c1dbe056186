import { describe, expect, test } from "vitest";
import { frameCount, toFrames } from "../../src/formats/piano-roll.ts";
import { minibatches, shuffle, tbpttChunks } from "../../src/training/batches.ts";
import { uniform } from "../../src/util/random.ts";
import { smallSet } from "../support/pieces.ts";

describe("parts", () => {
  test.each([1, 3, 7, 100])(
    "in steps of %i hold every frame of every piece once, in order, with the frame after it",
    (steps) => {
      const pieces = smallSet().train;
      const sorted = pieces.toSorted((p, q) => frameCount(q) - frameCount(p)).map(toFrames);
      const inputs: number[][][] = sorted.map(() => []);
      const targets: number[][][] = sorted.map(() => []);
      for (const { batch, continued, rows } of tbpttChunks(pieces, steps)) {
        expect(batch.batchSizes.length).toBeLessThanOrEqual(steps);
        expect(rows).toBe(batch.batchSizes.reduce((sum, size) => sum + size, 0));
        expect(continued).toBe(inputs[0].length ? batch.batchSizes[0] : 0);
        const row = ({ offsets, columns }: typeof batch.inputs, r: number) =>
          Array.from(columns.subarray(offsets[r], offsets[r + 1]), (column) => column + 1);
        let r = 0;
        for (const size of batch.batchSizes) {
          for (let s = 0; s < size; s++, r++) {
            inputs[s].push(row(batch.inputs, r));
            targets[s].push(row(batch.targets, r));
          }
        }
      }
      expect(inputs).toEqual(sorted.map((frames) => frames.slice(0, -1)));
      expect(targets).toEqual(sorted.map((frames) => frames.slice(1)));
    },
  );
});

describe("shuffle", () => {
  test("keeps every item, changes the order, and follows the seed", () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const once = shuffle(items, uniform(3));
    expect(once).not.toEqual(items);
    expect(once.toSorted((a, b) => a - b)).toEqual(items);
    expect(shuffle(items, uniform(3))).toEqual(once);
    expect(shuffle(items, uniform(4))).not.toEqual(once);
  });
});

describe("minibatches", () => {
  test("are full but for the last", () => {
    expect(minibatches([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(minibatches([], 2)).toEqual([]);
  });
});
