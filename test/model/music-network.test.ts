import { expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { CELLS } from "../../src/kernel/config.ts";
import { randomModel, randomPiece } from "../support/models.ts";

test.each(CELLS.flatMap((cell) => [0, 16].map((hidden) => ({ cell, hidden }))))(
  "rolls that are read side by side have the bits of each alone: $cell, $hidden hidden units",
  async (config) => {
    const rolls = () => Array.from({ length: 19 }, (_, s) => pianoRoll(randomPiece(s + 1, 150)));
    const together = await randomModel({ set: "jsb", ...config }).scoreAll(rolls());
    const alone = randomModel({ set: "jsb", ...config });
    expect(together).toHaveLength(19);
    for (const [s, roll] of rolls().entries()) expect(together[s]).toEqual((await alone.score(roll)).nll);
  },
);
