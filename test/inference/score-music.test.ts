import { describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../../src/formats/midi.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { type Piece, pieceOfMidi, pieceOfRoll } from "../../src/inference/piece.ts";
import { scoreMusic } from "../../src/inference/score-music.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { DEFAULT_LIMITS, MAX_ADAPTIVE_FRAMES, MAX_FRAMES } from "../../src/limits.ts";
import { plainNll, randomModel, randomPiece, testModels } from "../support/models.ts";
import { pack } from "../support/random.ts";

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

  test("with adaptive gives the numbers of a reference implementation that learns, and says so", async () => {
    const options = { detail: "notes", adaptive: true } as const;
    for (const score of (await scoreMusic(music(piece), testModels().slice(0, 3), options)).scores) {
      const { config, tensors } = testModels().find(({ id }) => id === score.model)?.checkpoint ?? gru.checkpoint;
      const reference = new ReferenceKernel(config);
      reference.load(tensors);
      const nll = reference.adapt(pack([piece.map((frame) => frame.map((pitch) => pitch - 1))]).batch, 0.02);
      const { perFrame = [], notes = [], held = [], silence = [] } = score;
      expect(score.adaptive).toBe(true);
      perFrame.slice(1).forEach((value, t) => {
        expect(value).toBeCloseTo(nll[t], 3);
        const own = notes.filter(({ frame }) => frame === t + 1).reduce((sum, note) => sum + (note.nll ?? 0), 0);
        expect(own + (held[t + 1] ?? 0) + (silence[t + 1] ?? 0)).toBeCloseTo(value ?? Number.NaN, 4);
      });
    }
    const [plain] = (await scoreMusic(music(piece), [gru], {})).scores;
    expect(plain).not.toHaveProperty("adaptive");
  });

  test("with adaptive knows nothing of the future: another second half leaves the first as it is, bit for bit", async () => {
    const other = [...piece.slice(0, 20), ...randomPiece(6, 20)];
    const frames = async (of: number[][]) =>
      (await scoreMusic(music(of), testModels(), { detail: "frames", adaptive: true })).scores.map(
        ({ perFrame = [] }) => perFrame.slice(0, 20),
      );
    expect(await frames(other)).toEqual(await frames(piece));
  });

  test("with adaptive finds the transposition as without", async () => {
    const [plain, adaptive] = await Promise.all(
      [false, true].map((adaptive) => scoreMusic(midi(piece), testModels(), { adaptive, transpose: "auto" })),
    );
    const shifts = (answer: typeof plain) => answer.scores.map(({ transposedBy }) => transposedBy);
    expect(shifts(adaptive)).toEqual(shifts(plain));
  });

  test("with adaptive refuses more frames than it has time for", async () => {
    const long = pieceOfRoll(pianoRoll(new Array(MAX_ADAPTIVE_FRAMES + 1).fill([60])), {
      ...DEFAULT_LIMITS,
      frames: MAX_FRAMES,
    });
    await expect(scoreMusic(long, [gru], { adaptive: true })).rejects.toThrow(
      "Expected at most 10000 frames with adaptive, got 10001.",
    );
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

  test("notes, held notes and silence add up to the NLL of each frame", async () => {
    for (const score of (await scoreMusic(music(piece), testModels(), { detail: "notes" })).scores) {
      const { perFrame = [], notes = [], held = [], silence = [] } = score;
      expect([held[0], silence[0], held.length, silence.length]).toEqual([null, null, 40, 40]);
      for (let t = 1; t < 40; t++) {
        const begun = notes.filter(({ frame }) => frame === t).reduce((sum, { nll }) => sum + (nll ?? 0), 0);
        expect(begun + (held[t] ?? 0) + (silence[t] ?? 0)).toBeCloseTo(perFrame[t] ?? Number.NaN, 4);
      }
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

  test("the best model is named for each frame rate, and among all where there is one rate", async () => {
    const { scores, best, bestByFrameRate } = await scoreMusic(midi(piece), testModels(), {});
    const lowest = (rate: number) =>
      scores.filter((score) => score.framesPerQuarter === rate).toSorted((a, b) => a.nll - b.nll)[0].model;
    expect(best).toBeNull();
    expect(bestByFrameRate).toEqual([
      { framesPerQuarter: 1, model: lowest(1) },
      { framesPerQuarter: 2, model: lowest(2) },
    ]);
    const alike = await scoreMusic(midi(piece), testModels().slice(0, 3), {});
    expect(alike.best).toBe(lowest(1));
  });

  test("a model does not become the best by leaving notes out", async () => {
    const deaf = randomModel({ set: "nottingham", cell: "gru", pitches: 45, seed: 4 }); // of one frame a quarter, as jsb/gru
    const { scores, best } = await scoreMusic(music(piece), [deaf, gru], {});
    expect(scores[0].nllPerQuarter).toBeLessThan(scores[1].nllPerQuarter);
    expect(best).toBe("jsb/gru");
    expect((await scoreMusic(music(piece), [deaf], {})).best).toBe("nottingham/gru");
  });

  test("a MIDI file is read on each model's own grid, unless the grid is given", async () => {
    const models = testModels();
    const { input, scores } = await scoreMusic(midi(piece), models, { transpose: 0 });
    expect(input).toMatchObject({ kind: "music", durationQuarters: 40 });
    expect(scores.map(({ frames, framesPerQuarter }) => [frames, framesPerQuarter])).toEqual([
      [40, 1],
      [40, 1],
      [40, 1],
      [80, 2],
    ]);
    for (const { nll, nllPerQuarter, framesPerQuarter } of scores) expect(nllPerQuarter).toBe(nll * framesPerQuarter);
    const twice = piece.flatMap((frame) => [frame, frame]);
    const [own] = (await scoreMusic(midi(piece), [gru], { framesPerQuarter: 2, transpose: 0 })).scores;
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
