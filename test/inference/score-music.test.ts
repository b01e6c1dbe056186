import { describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { type Piece, pieceOfMidi, pieceOfRoll } from "../../src/inference/piece.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import type { Score } from "../../src/schema/score.ts";
import { plainNll, randomModel, randomPiece, testModels } from "../support/models.ts";

const music = (frames: number[][]): Piece => pieceOfRoll(pianoRoll(frames), DEFAULT_LIMITS);
const piece = randomPiece(5, 40);
const gru = randomModel({ set: "jsb", cell: "gru", seed: 3 });

/** The piece as a file, a frame to the quarter note. */
const midi = (frames: number[][], framesPerQuarter = 1) =>
  pieceOfMidi(parseMidi(writeMidi(pianoRoll(frames), { framesPerQuarter })), DEFAULT_LIMITS);

describe("scoreMusic", () => {
  test("agrees with the reference implementation of the kernel in every number", async () => {
    for (const score of (await scoreMusic(music(piece), testModels().slice(0, 3), { detail: "frames" })).scores) {
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

  test("gives each onset -log of its own probability", async () => {
    const { notes = [] } = (await scoreMusic(music(piece), [gru], { detail: "notes" })).scores[0];
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

  test("transposing equals transposing by hand, with notes reported in the input's key", async () => {
    const up = piece.map((frame) => frame.map((pitch) => pitch + 3));
    const shifted = (await scoreMusic(music(piece), [gru], { transpose: 3, detail: "notes" })).scores[0];
    const byHand = (await scoreMusic(music(up), [gru], { detail: "notes" })).scores[0];
    expect(shifted.logLikelihood).toBe(byHand.logLikelihood);
    expect(shifted.transposedBy).toBe(3);
    expect(shifted.notes).toEqual(byHand.notes?.map((note) => ({ ...note, pitch: note.pitch - 3 })));
  });

  test("auto is the best of the twelve shifts for each model by itself", async () => {
    const models = testModels().slice(0, 3);
    const { scores } = await scoreMusic(music(piece), models, { transpose: "auto" });
    for (const [i, score] of scores.entries()) {
      const all: Score[] = [];
      for (let transpose = -6; transpose < 6; transpose++) {
        all.push((await scoreMusic(music(piece), [models[i]], { transpose })).scores[0]);
      }
      const best = all.toSorted((a, b) => a.nll - b.nll)[0];
      expect([score.transposedBy, score.nll]).toEqual([best.transposedBy, best.nll]);
    }
    expect(new Set(scores.map(({ transposedBy }) => transposedBy)).size).toBeGreaterThan(1);
  });

  test("auto does not push notes out of the model's range to score better", async () => {
    const high = randomPiece(6, 30).map((frame) => frame.map((pitch) => (pitch % 12) + 85)); // 85 … 96
    const [score] = (await scoreMusic(music(high), [gru], { transpose: "auto" })).scores;
    expect(score.transposedBy).toBeLessThanOrEqual(0);
    expect(score.warnings).toEqual([]);
    const pushed = (await scoreMusic(music(high), [gru], { transpose: 5 })).scores[0];
    expect(pushed.nll).toBeLessThan(score.nll); // else this test shows nothing
  });

  test("auto is refused above its own limit of frames, by a sentence that says what to do", async () => {
    const limited = pieceOfRoll(pianoRoll(piece), { ...DEFAULT_LIMITS, autoFrames: 39 });
    await expect(scoreMusic(limited, [gru], { transpose: "auto" })).rejects.toMatchObject({
      code: "too-large",
      message: "The input has 40 frames; wanted at most 39 with transpose=auto, so give a number of semitones.",
    });
    expect((await scoreMusic(limited, [gru], { transpose: 0 })).scores[0].frames).toBe(40);
    const allowed = pieceOfRoll(pianoRoll(piece), { ...DEFAULT_LIMITS, autoFrames: 40 });
    expect((await scoreMusic(allowed, [gru], { transpose: "auto" })).scores[0].frames).toBe(40);
  });

  test("pitches above D are left out and counted at their onsets", async () => {
    const frames = [[60], [60, 97, 98], [60, 97], [62, 97], [97]];
    const [score] = (await scoreMusic(music(frames), [gru], {})).scores;
    expect(score.warnings).toMatchObject([{ code: "notes-left-out", count: 2 }]);
    expect(score.logLikelihood).toBe(
      (await scoreMusic(music([[60], [60], [60], [62], []]), [gru], {})).scores[0].logLikelihood,
    );
  });

  test("a piece of which a model knows no note is refused, a piece of rests is not", async () => {
    const refused = expect.objectContaining({ code: "nothing-to-score" });
    await expect(scoreMusic(music([[100], [101]]), [gru], {})).rejects.toEqual(refused);
    expect((await scoreMusic(music([[], []]), [gru], {})).scores[0].nll).toBeGreaterThan(0);
    await expect(scoreMusic(music([[60]]), [gru], {})).rejects.toEqual(refused);
  });

  test("the best model has the lowest nllPerQuarter", async () => {
    const { scores, best } = await scoreMusic(midi(piece), testModels(), {});
    expect(best).toBe(scores.toSorted((a, b) => a.nllPerQuarter - b.nllPerQuarter)[0].model);
    expect(new Set(scores.map(({ nllPerQuarter }) => nllPerQuarter)).size).toBe(4);
  });

  test("a model does not become the best by leaving notes out", async () => {
    const deaf = randomModel({ set: "nottingham", cell: "gru", pitches: 45, seed: 4 });
    const { scores, best } = await scoreMusic(music(piece), [deaf, gru], {});
    expect(scores[0].nllPerQuarter).toBeLessThan(scores[1].nllPerQuarter);
    expect(best).toBe("jsb/gru");
    expect((await scoreMusic(music(piece), [deaf], {})).best).toBe("nottingham/gru");
  });

  test("a MIDI file is read on each model's own grid, unless the grid is given", async () => {
    const models = testModels();
    const { input, scores } = await scoreMusic(midi(piece), models, {});
    expect(input).toMatchObject({ kind: "music", durationQuarters: 40 });
    expect(scores.map(({ frames, framesPerQuarter }) => [frames, framesPerQuarter])).toEqual([
      [40, 1],
      [40, 1],
      [40, 1],
      [80, 2],
    ]);
    for (const { nll, nllPerQuarter, framesPerQuarter } of scores) expect(nllPerQuarter).toBe(nll * framesPerQuarter);
    const twice = piece.flatMap((frame) => [frame, frame]);
    const [own] = (await scoreMusic(midi(piece), [gru], { framesPerQuarter: 2 })).scores;
    expect(own.logLikelihood).toBe((await scoreMusic(music(twice), [gru], {})).scores[0].logLikelihood);
  });

  test("more frames than the limit are refused, whatever the grid makes of the file", async () => {
    const tooLarge = expect.objectContaining({ code: "too-large" });
    expect(() => pieceOfRoll(pianoRoll(piece), { ...DEFAULT_LIMITS, frames: 39 })).toThrow(tooLarge);
    const file = pieceOfMidi(parseMidi(writeMidi(pianoRoll(piece), { framesPerQuarter: 1 })), {
      ...DEFAULT_LIMITS,
      frames: 40,
    });
    expect((await scoreMusic(file, [gru], {})).scores[0].frames).toBe(40);
    await expect(scoreMusic(file, [gru], { framesPerQuarter: 2 })).rejects.toEqual(tooLarge);
  });
});
