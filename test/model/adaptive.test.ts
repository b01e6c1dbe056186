/** Models that learn from a piece as they score it: held to the reference implementation, and to what they must not know. */
import { describe, expect, test } from "vitest";
import { frameCount, pianoRoll, sliceRoll } from "../../src/formats/piano-roll.ts";
import { CELLS } from "../../src/kernel/config.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { Ensemble } from "../../src/model/ensemble.ts";
import type { MusicModel } from "../../src/model/music-model.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { uniform } from "../../src/util/random.ts";
import { randomCheckpoint, randomModel, randomPiece } from "../support/models.ts";
import { pack } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

const RATE = 0.02; // of the models of test/support

const networks = [undefined, 6].flatMap((hidden) =>
  CELLS.map((cell, k) => randomModel({ set: "jsb", cell, hidden, seed: k + 1 })),
);
const ensembles = [networks.slice(0, 3), networks.slice(3)].map(
  (members, k) => new Ensemble({ id: `jsb/mixture-${k}`, version: "0".repeat(64) }, members),
);
const named = (models: readonly MusicModel[]) =>
  models.map((model, k) => [`${model.id} ${k < models.length / 2 ? "" : "with a NADE head"}`, model] as const);
const all = [...named(networks), ...named(ensembles)];

/** Longer than what passes through the kernel at once. */
const piece = randomPiece(1, 300);
const roll = pianoRoll(piece);

const sum = (values: Iterable<number>) => Array.from(values).reduce((total, value) => total + value, 0);

describe.each(named(networks))("%s", (_, model) => {
  test("scores as the reference implementation adapts", () => {
    const { config, tensors } = (model as MusicNetwork).checkpoint;
    const reference = new ReferenceKernel(config);
    reference.load(tensors);
    const wanted = reference.adapt(pack([piece.map((frame) => frame.map((pitch) => pitch - 1))]).batch, RATE);
    model.adaptiveScore(roll).nll.forEach((nll, t) => {
      expect(Math.abs(nll - wanted[t])).toBeLessThan(1e-4 * Math.max(1, wanted[t]));
    });
  });
});

describe.each(all)("%s", (_, model) => {
  test("learns: what repeats costs less than without learning", () => {
    const repeated = pianoRoll(Array.from({ length: 40 }, () => piece.slice(0, 4)).flat());
    expect(sum(model.adaptiveScore(repeated).nll)).toBeLessThan(0.8 * sum(model.score(repeated).nll));
  });

  test("knows nothing of the future: another second half leaves the first half as it is, bit for bit", () => {
    const half = 150;
    const other = pianoRoll([...piece.slice(0, half), ...randomPiece(2, half)]);
    const [found, changed] = [roll, other].map((each) => model.adaptiveScore(each).nll);
    expect(changed.slice(0, half - 1)).toEqual(found.slice(0, half - 1));
    expect(changed.slice(half - 1)).not.toEqual(found.slice(half - 1));
  });

  test("begins each piece with the trained weights, and its static score stays, bit for bit", () => {
    const copy = () => sliceRoll(roll, 0, frameCount(roll)); // another roll, so that nothing is remembered
    const [plain, adaptive] = [model.score(roll).nll, model.adaptiveScore(roll).nll];
    model.adaptiveScore(pianoRoll(randomPiece(3, 50)));
    expect(model.adaptiveScore(copy()).nll).toEqual(adaptive);
    expect(model.score(copy()).nll).toEqual(plain);
  });

  test("says of each pitch what it cost: together they cost what the frame does", () => {
    const { nll, outcomeNll, pitchNll, silenceNll } = model.adaptiveScore(roll);
    for (const t of [0, 127, 128, 298]) {
      const outcomes = outcomeNll(t);
      expect(Math.abs(sum(outcomes) - nll[t])).toBeLessThan(1e-4);
      expect(Math.abs(sum(piece[t + 1].map((pitch) => outcomes[pitch - 1])) + silenceNll(t) - nll[t])).toBeLessThan(
        1e-4,
      );
      for (const pitch of piece[t + 1]) expect(Math.abs(pitchNll(t, pitch) - outcomes[pitch - 1])).toBeLessThan(1e-9);
    }
  });

  test("predicts the frame behind a piece as it would score it", () => {
    const adapted = model.adapt(roll);
    expect(adapted.nll).toEqual(model.adaptiveScore(roll).nll);
    const { next } = adapted.model.advance(adapted.state, sliceRoll(roll, 299, 300));
    const chords = next.chords(3);
    expect(chords.length).toBeGreaterThan(0);
    for (const { pitches, probability } of chords) {
      const nll = model.adaptiveScore(pianoRoll([...piece, pitches])).nll[299];
      expect(Math.abs(-Math.log(probability) - nll)).toBeLessThan(1e-4);
    }
  });
});

describe.each(named(ensembles))("%s", (_, model) => {
  test("weighs its members by what they gave the frames before: each power 0.1 of a likelihood, forgotten by 3% a frame", () => {
    const members = (model as Ensemble).networks.map((network) => network.adaptiveScore(roll).nll);
    const { nll } = model.adaptiveScore(roll);
    for (const t of [0, 1, 20, 200]) {
      const weights = members.map((own) =>
        Math.exp(-0.1 * sum(Array.from(own.subarray(0, t), (cost, k) => 0.97 ** (t - 1 - k) * cost))),
      );
      const likelihood = sum(members.map((own, m) => (weights[m] / sum(weights)) * Math.exp(-own[t])));
      expect(Math.abs(nll[t] + Math.log(likelihood))).toBeLessThan(1e-9);
    }
  });
});

describe("what an ensemble has become", () => {
  /** Networks of 4 pitches, of which one expects many and the other few, and a piece that suits the second better. */
  const tiny = [3, -1].map((bias, k) => {
    const { tensors, metadata, config } = randomCheckpoint({ set: "jsb", cell: CELLS[k], pitches: 4, seed: 5 });
    const checkpoint = { config, metadata, tensors: { ...tensors, a: tensors.a.map(() => bias) } };
    return new MusicNetwork(checkpoint, "00", kernelModule);
  });
  const ensemble = new Ensemble({ id: "jsb/mixture", version: "00" }, tiny);
  const past = [[1, 4], [], [2], [], [4], [1]];
  const frames = Array.from({ length: 16 }, (_, bits) => [1, 2, 3, 4].filter((pitch) => (bits >> (pitch - 1)) & 1));
  const law = frames.map((frame) => Math.exp(-ensemble.adaptiveScore(pianoRoll([...past, frame])).nll[5]));
  const { model, state } = ensemble.adapt(pianoRoll(past));
  const { next } = model.advance(state, pianoRoll(past.slice(-1)));

  test("is a distribution over all frames that can follow, with the marginals that it gives", () => {
    expect(sum(law)).toBeCloseTo(1, 5);
    next.probabilities.forEach((probability, d) => {
      expect(probability).toBeCloseTo(sum(law.filter((_, bits) => frames[bits].includes(d + 1))), 5);
    });
  });

  test("is the law of the frames that are sampled", () => {
    const draws = 20_000;
    const draw = uniform(8);
    const found = new Array<number>(16).fill(0);
    for (let i = 0; i < draws; i++) found[next.sample(draw, 1).reduce((bits, pitch) => bits | (1 << (pitch - 1)), 0)]++;
    // Pearson's statistic of 16 outcomes has 15 degrees of freedom: mean 15, deviation √30.
    const chiSquare = sum(law.map((p, i) => (found[i] - draws * p) ** 2 / (draws * p)));
    expect(chiSquare).toBeLessThan(15 + 5 * Math.sqrt(30));
  });
});

test("refuses to adapt by a checkpoint that names no rate, and a rate that is none", () => {
  const { metadata, ...rest } = randomCheckpoint({ set: "jsb", cell: "gru" });
  const { adaptiveRate: _, ...others } = metadata;
  const network = (found: Record<string, string>) => new MusicNetwork({ ...rest, metadata: found }, "", kernelModule);
  expect(() => network(others).adaptiveScore(roll)).toThrow(
    "Expected models whose checkpoint names an adaptive rate, got jsb/gru, which is scored statically only.",
  );
  for (const adaptiveRate of ["0", "-1", "2", "NaN", "fast", ""]) {
    expect(() => network({ ...others, adaptiveRate })).toThrow("Expected an adaptiveRate above 0 and at most 1, got ");
  }
});

test("a piece of one frame has nothing to score, but something to predict from", () => {
  const single = pianoRoll([[60]]);
  for (const [, model] of all) {
    expect(() => model.adaptiveScore(single)).toThrow("Expected at least 2 frames");
    const { model: learned, state, nll } = model.adapt(single);
    expect(nll).toHaveLength(0);
    expect(learned.advance(state, single).next.probabilities).toEqual(
      model.advance(model.initialState(), single).next.probabilities,
    );
  }
});
