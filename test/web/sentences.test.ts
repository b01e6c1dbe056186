import { expect, test } from "vitest";
import type { MusicScoreResponse, Score } from "../../src/schema/score.ts";
import { sentenceOf } from "../../src/web/sentences.ts";

/** An answer of one model of chorales, with what the verdict reads. */
function answer(percentile?: number): MusicScoreResponse {
  const score: Partial<Score> = { model: "jsb/gru", nll: 3.21, nllPerQuarter: 3.21, percentile };
  const found: Partial<MusicScoreResponse> = { scores: [score as Score], input: { kind: "music" } as never };
  return found as MusicScoreResponse;
}

test("the verdict says what the place among the test pieces means, most of all at either end", () => {
  const than = (share: string) =>
    `To a network that learned chorales, this is more surprising than ${share} of the chorales kept for testing.`;
  const verdict = (percentile?: number) => sentenceOf(answer(percentile), answer());
  expect(verdict(47.3)).toBe(than("47 %"));
  expect(verdict(100)).toBe(`${than("all")} It is unlike all that the networks know.`);
  const isEasy = "A piece that holds or repeats its notes is easily foreseen; it need not be like chorales.";
  expect(verdict(0)).toBe(`${than("none")} ${isEasy}`);
  expect(verdict()).toBe("jsb/gru needs 3.21 nats a frame for this piece.");
});
