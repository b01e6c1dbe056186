import { describe, expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { CELLS } from "../../src/kernel/config.ts";
import { Ensemble } from "../../src/model/ensemble.ts";
import { type Sequence, stepCount, tbpttChunks } from "../../src/training/batches.ts";
import { kernelEngine } from "../../src/training/engine.ts";
import { softTargets, taught } from "../../src/training/teacher.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { transposeSome } from "../../src/training/transposition.ts";
import { uniform } from "../../src/util/random.ts";
import { plainNll, randomModel, randomPiece } from "../support/models.ts";
import { smallProtocol, smallSet } from "../support/pieces.ts";
import { kernelModule } from "../support/wasm.ts";

describe("soft targets", () => {
  const frames = [randomPiece(1, 9), [[60]], randomPiece(2, 5)];
  const pieces = frames.map((piece) => pianoRoll(piece));
  const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));

  test("of independent pitches are the average of the teachers' probabilities", async () => {
    const teachers = [1, 2].map((seed) => randomModel({ set: "jsb", cell: "lstm", seed }));
    const found = await softTargets(teachers, pieces);
    const [first, second] = teachers.map((teacher) =>
      [frames[0], frames[2]].flatMap((piece) => [...plainNll(teacher, piece).logits].map(sigmoid)),
    );
    expect(found).toHaveLength(first.length);
    found.forEach((target, k) => {
      expect(target).toBeCloseTo((first[k] + second[k]) / 2, 5);
    });
  });

  test("of a NADE head are near the probabilities that many more draws give", async () => {
    const teacher = randomModel({ set: "jsb", cell: "gru", hidden: 5 });
    const found = await softTargets([teacher], pieces);
    const { next } = await teacher.advance(teacher.initialState(), pianoRoll(frames[0].slice(0, 1)));
    const errors = next.probabilities.map((p, d) => p - found[d]);
    expect(Math.hypot(...errors) / Math.hypot(...next.probabilities)).toBeLessThan(0.2);
    expect(Math.abs(errors.reduce((sum, error) => sum + error, 0))).toBeLessThan(0.5);
  });

  test("of an ensemble are those of its networks", async () => {
    const networks = CELLS.map((cell) => randomModel({ set: "jsb", cell }));
    expectClose(
      await softTargets([new Ensemble({ id: "jsb/mixture", version: "" }, networks)], pieces),
      await softTargets(networks, pieces),
    );
  });

  test("are shared out to their pieces and stand in the batch in the targets' place", async () => {
    const targets = Float32Array.from({ length: (8 + 0 + 4) * 96 }, (_, k) => k / 1e4);
    const lessons = taught(pieces, targets, 96);
    expect(lessons.map(({ softTargets }) => softTargets.length / 96)).toEqual(pieces.map(stepCount));
    const [{ batch, rows }] = [...tbpttChunks(lessons as readonly Sequence[], 3)];
    expect(rows).toBe(6);
    const row = (piece: number, t: number) => [...lessons[piece].softTargets.subarray(t * 96, (t + 1) * 96)];
    expect([...(batch.targets as Float32Array)]).toEqual([0, 1, 2].flatMap((t) => [...row(0, t), ...row(2, t)]));
    const [{ batch: plain }] = [...tbpttChunks(pieces, 3)];
    expect(batch.inputs).toEqual(plain.inputs);
  });

  test("keep a piece in its key", () => {
    const lessons = taught(pieces, new Float32Array(12 * 96), 96);
    const moved = transposeSome(lessons, { transposedShare: 1, maxTransposition: 3 }, 96, uniform(1));
    expect(moved).toEqual(lessons);
  });
});

test("a model learns the probabilities of its teacher, not what sounds", async () => {
  const set = smallSet();
  const train = set.train.filter((piece) => stepCount(piece) > 0);
  const quarter = new Float32Array(set.inputs * train.reduce((sum, piece) => sum + stepCount(piece), 0)).fill(0.25);
  const lessons = { ...set, train: taught(train, quarter, set.inputs) };
  const protocol = { ...smallProtocol, epochs: 60, learningRate: 0.02, weightNoiseStd: 0 };
  const trainer = new Trainer(kernelEngine(kernelModule), lessons, "gru", protocol);
  let last = Number.NaN;
  while (!trainer.finished) last = (await trainer.epoch()).train;
  const entropy = -set.inputs * (0.25 * Math.log(0.25) + 0.75 * Math.log(0.75));
  expect(last).toBeGreaterThan(0.999 * entropy);
  expect(last).toBeLessThan(1.01 * entropy);
});

function expectClose(found: Float32Array, wanted: Float32Array): void {
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, k) => {
    expect(value).toBeCloseTo(wanted[k], 5);
  });
}
