import { describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../src/midi.ts";
import { DEFAULT_LIMITS, type Music, midiMusic, rollMusic } from "../src/music.ts";
import { scoreMusic } from "../src/score.ts";
import { pianoRoll } from "../src/sequence.ts";
import { plainNll, randomModel, randomPiece, testModels } from "./models.ts";

const music = (frames: number[][]): Music => rollMusic(pianoRoll(frames), DEFAULT_LIMITS);
const piece = randomPiece(5, 40);
const gru = randomModel({ set: "jsb", cell: "gru", seed: 3 });

/** The piece as a file, a frame to the quarter note. */
const midi = (frames: number[][], framesPerQuarter = 1) =>
  midiMusic(parseMidi(writeMidi(pianoRoll(frames), { framesPerQuarter })), DEFAULT_LIMITS);

describe("scoreMusic", () => {
  test("agrees with the plain twin of the kernel in every number", () => {
    for (const score of scoreMusic(music(piece), testModels().slice(0, 3), { detail: "frames" }).scores) {
      const model = testModels().find(({ id }) => id === score.model);
      const { nll } = plainNll(model, piece);
      const total = nll.reduce((a, b) => a + b);
      expect(score.logLikelihood).toBeCloseTo(-total, 2);
      expect(score.nll).toBeCloseTo(total / 39, 4);
      expect(score.perFrame?.[0]).toBeNull();
      score.perFrame?.slice(1).forEach((value, t) => {
        expect(value).toBeCloseTo(nll[t], 3);
      });
      expect([score.frames, score.scoredFrames]).toEqual([40, 39]);
    }
  });

  test("gives each onset -log of its own probability", () => {
    const { notes = [] } = scoreMusic(music(piece), [gru], { detail: "notes" }).scores[0];
    const { logits } = plainNll(gru, piece);
    const onsets = piece.flatMap((frame, t) =>
      frame.filter((pitch) => !piece[t - 1]?.includes(pitch)).map((pitch) => ({ frame: t, pitch })),
    );
    expect(notes.map(({ frame, pitch }) => ({ frame, pitch }))).toEqual(onsets);
    for (const { frame, pitch, nll } of notes) {
      const wanted = frame === 0 ? null : -Math.log(1 / (1 + Math.exp(-logits[(frame - 1) * 96 + pitch - 1])));
      if (wanted === null) expect(nll).toBeNull();
      else expect(nll).toBeCloseTo(wanted, 3);
    }
  });

  test("transposing equals transposing by hand, with notes reported in the input's key", () => {
    const up = piece.map((frame) => frame.map((pitch) => pitch + 3));
    const shifted = scoreMusic(music(piece), [gru], { transpose: 3, detail: "notes" }).scores[0];
    const byHand = scoreMusic(music(up), [gru], { detail: "notes" }).scores[0];
    expect(shifted.logLikelihood).toBe(byHand.logLikelihood);
    expect(shifted.transposedBy).toBe(3);
    expect(shifted.notes).toEqual(byHand.notes?.map((note) => ({ ...note, pitch: note.pitch - 3 })));
  });

  test("auto is the best of the twelve shifts for each model by itself", () => {
    const models = testModels().slice(0, 3);
    const { scores } = scoreMusic(music(piece), models, { transpose: "auto" });
    scores.forEach((score, i) => {
      const all = Array.from({ length: 12 }, (_, k) => k - 6).map(
        (transpose) => scoreMusic(music(piece), [models[i]], { transpose }).scores[0],
      );
      const best = all.toSorted((a, b) => a.nll - b.nll)[0];
      expect([score.transposedBy, score.nll]).toEqual([best.transposedBy, best.nll]);
    });
    expect(new Set(scores.map(({ transposedBy }) => transposedBy)).size).toBeGreaterThan(1);
  });

  test("auto does not push notes out of the model's range to score better", () => {
    const high = randomPiece(6, 30).map((frame) => frame.map((pitch) => (pitch % 12) + 85)); // 85 … 96
    const [score] = scoreMusic(music(high), [gru], { transpose: "auto" }).scores;
    expect(score.transposedBy).toBeLessThanOrEqual(0);
    expect(score.warnings).toEqual([]);
    const pushed = scoreMusic(music(high), [gru], { transpose: 5 }).scores[0];
    expect(pushed.nll).toBeLessThan(score.nll); // else this test shows nothing
  });

  test("pitches above D are left out and counted at their onsets", () => {
    const frames = [[60], [60, 97, 98], [60, 97], [62, 97], [97]];
    const [score] = scoreMusic(music(frames), [gru], {}).scores;
    expect(score.warnings).toMatchObject([{ code: "notes-left-out", count: 2 }]);
    expect(score.logLikelihood).toBe(
      scoreMusic(music([[60], [60], [60], [62], []]), [gru], {}).scores[0].logLikelihood,
    );
  });

  test("a piece of which a model knows no note is refused, a piece of rests is not", () => {
    const refused = expect.objectContaining({ code: "nothing-to-score" });
    expect(() => scoreMusic(music([[100], [101]]), [gru], {})).toThrow(refused);
    expect(scoreMusic(music([[], []]), [gru], {}).scores[0].nll).toBeGreaterThan(0);
    expect(() => scoreMusic(music([[60]]), [gru], {})).toThrow(refused);
  });

  test("the best model has the lowest nllPerQuarter", () => {
    const { scores, best } = scoreMusic(midi(piece), testModels(), {});
    expect(best).toBe(scores.toSorted((a, b) => a.nllPerQuarter - b.nllPerQuarter)[0].model);
    expect(new Set(scores.map(({ nllPerQuarter }) => nllPerQuarter)).size).toBe(4);
  });

  test("a model does not become the best by leaving notes out", () => {
    const deaf = randomModel({ set: "nottingham", cell: "gru", pitches: 45, seed: 4 });
    const { scores, best } = scoreMusic(music(piece), [deaf, gru], {});
    expect(scores[0].nllPerQuarter).toBeLessThan(scores[1].nllPerQuarter);
    expect(best).toBe("jsb/gru");
    expect(scoreMusic(music(piece), [deaf], {}).best).toBe("nottingham/gru");
  });

  test("a MIDI file is read on each model's own grid, unless the grid is given", () => {
    const models = testModels();
    const { input, scores } = scoreMusic(midi(piece), models, {});
    expect(input).toMatchObject({ kind: "music", durationQuarters: 40 });
    expect(scores.map(({ frames, framesPerQuarter }) => [frames, framesPerQuarter])).toEqual([
      [40, 1],
      [40, 1],
      [40, 1],
      [80, 2],
    ]);
    for (const { nll, nllPerQuarter, framesPerQuarter } of scores) expect(nllPerQuarter).toBe(nll * framesPerQuarter);
    const twice = piece.flatMap((frame) => [frame, frame]);
    const [own] = scoreMusic(midi(piece), [gru], { framesPerQuarter: 2 }).scores;
    expect(own.logLikelihood).toBe(scoreMusic(music(twice), [gru], {}).scores[0].logLikelihood);
  });

  test("more frames than the limit are refused, whatever the grid makes of the file", () => {
    const tooLarge = expect.objectContaining({ code: "too-large" });
    expect(() => rollMusic(pianoRoll(piece), { frames: 39 })).toThrow(tooLarge);
    const file = midiMusic(parseMidi(writeMidi(pianoRoll(piece), { framesPerQuarter: 1 })), { frames: 40 });
    expect(scoreMusic(file, [gru], {}).scores[0].frames).toBe(40);
    expect(() => scoreMusic(file, [gru], { framesPerQuarter: 2 })).toThrow(tooLarge);
  });
});
