import { describe, expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { bigram } from "../../src/training/bigram.ts";
import { loadMusicSet } from "../../src/training/datasets.ts";
import { evaluate } from "../../src/training/evaluate.ts";
import { hasMusicSet } from "../support/data.ts";

describe("the bigram", () => {
  test("scores by counts of how each pitch follows itself", () => {
    // Pitch 1 follows itself in one of two frames, and silence in neither of none; pitch 2 never sounds.
    const model = bigram([pianoRoll([[1], [1], []])], 2);
    const stays = (1 + 0.5) / (2 + 1);
    const silent = (2 + 0.5) / (2 + 1);
    const { nll } = model.score(pianoRoll([[1], [1], [1, 2]]));
    expect(nll[0]).toBeCloseTo(-Math.log(stays) - Math.log(silent), 12);
    expect(nll[1]).toBeCloseTo(-Math.log(stays) - Math.log(1 - silent), 12);
  });

  test.skipIf(!hasMusicSet("jsb"))("reaches 10.49 nats a frame on JSB Chorales", async () => {
    const { train, test: pieces, inputs } = await loadMusicSet("jsb");
    expect((await evaluate(bigram(train, inputs), pieces)).micro).toBeCloseTo(10.49, 2);
  });
});
