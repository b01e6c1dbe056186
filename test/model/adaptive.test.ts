/** Models that learn from a piece as they score it: held to the reference implementation, and to what they must not know. */
import { describe, expect, test } from "vitest";
import { frameCount, type PianoRoll, pianoRoll, sliceRoll } from "../../src/formats/piano-roll.ts";
import { CELLS } from "../../src/kernel/config.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { Ensemble } from "../../src/model/ensemble.ts";
import type { MusicModel } from "../../src/model/music-model.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { uniform } from "../../src/util/random.ts";
import { Work } from "../../src/util/work.ts";
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

const nllOf = async (model: MusicModel, of: PianoRoll) => (await model.adaptiveScore(of)).nll;

const sum = (values: Iterable<number>) => Array.from(values).reduce((total, value) => total + value, 0);

describe.each(named(networks))("%s", (_, model) => {
  test("scores as the reference implementation adapts", async () => {
    const { config, tensors } = (model as MusicNetwork).checkpoint;
    const reference = new ReferenceKernel(config);
    reference.load(tensors);
    const wanted = reference.adapt(pack([piece.map((frame) => frame.map((pitch) => pitch - 1))]).batch, RATE);
    (await nllOf(model, roll)).forEach((nll, t) => {
      expect(Math.abs(nll - wanted[t])).toBeLessThan(1e-4 * Math.max(1, wanted[t]));
    });
  });
});

describe.each(all)("%s", (_, model) => {
  test("learns: what repeats costs less than without learning", async () => {
    const repeated = pianoRoll(Array.from({ length: 40 }, () => piece.slice(0, 4)).flat());
    expect(sum(await nllOf(model, repeated))).toBeLessThan(0.8 * sum((await model.score(repeated)).nll));
  });

  test("knows nothing of the future: another second half leaves the first half as it is, bit for bit", async () => {
    const half = 150;
    const other = pianoRoll([...piece.slice(0, half), ...randomPiece(2, half)]);
    const [found, changed] = [await nllOf(model, roll), await nllOf(model, other)];
    expect(changed.slice(0, half - 1)).toEqual(found.slice(0, half - 1));
    expect(changed.slice(half - 1)).not.toEqual(found.slice(half - 1));
  });

  test("begins each piece with the trained weights, and its static score stays, bit for bit", async () => {
    const copy = () => sliceRoll(roll, 0, frameCount(roll)); // another roll, so that nothing is remembered
    const [plain, adaptive] = [(await model.score(roll)).nll, await nllOf(model, roll)];
    await model.adaptiveScore(pianoRoll(randomPiece(3, 50)));
    expect(await nllOf(model, copy())).toEqual(adaptive);
    expect((await model.score(copy())).nll).toEqual(plain);
  });

  test("keeps what two requests learn apart, and gives up one that nobody waits for", async () => {
    const rolls = [4, 5, 6].map((seed) => pianoRoll(randomPiece(seed, 300)));
    const copies = rolls.map((each) => sliceRoll(each, 0, frameCount(each)));
    const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
    const abort = new AbortController();
    const given = model.adaptiveScore(pianoRoll(randomPiece(7, 300)), new Work({ pause, signal: abort.signal }));
    const together = rolls.map((each) => model.adaptiveScore(each, new Work({ pause })));
    abort.abort(new Error("gone"));
    await expect(given).rejects.toThrow("gone");
    for (const [k, each] of together.entries()) expect((await each).nll).toEqual(await nllOf(model, copies[k]));
  });

  test("says of each pitch what it cost: together they cost what the frame does", async () => {
    const scored = await model.adaptiveScore(roll);
    const { nll } = scored;
    const { outcomeNll, pitchNll, silenceNll } = await scored.outcomes();
    for (const t of [0, 127, 128, 298]) {
      const outcomes = outcomeNll(t);
      const notes = sum(piece[t + 1].map((pitch) => outcomes[pitch - 1]));
      expect(Math.abs(sum(outcomes) - nll[t])).toBeLessThan(1e-4);
      expect(Math.abs(notes + silenceNll(t) - nll[t])).toBeLessThan(1e-4);
      for (const pitch of piece[t + 1]) expect(Math.abs(pitchNll(t, pitch) - outcomes[pitch - 1])).toBeLessThan(1e-9);
    }
  });

  test("predicts the frame after a piece as it would score it", async () => {
    const adapted = await model.adapt(roll);
    expect(adapted.nll).toEqual(await nllOf(model, roll));
    const { next } = await adapted.model.advance(adapted.state, sliceRoll(roll, 299, 300));
    const chords = await next.chords(3);
    expect(chords.length).toBeGreaterThan(0);
    for (const { pitches, probability } of chords) {
      const nll = await nllOf(model, pianoRoll([...piece, pitches]));
      expect(Math.abs(-Math.log(probability) - nll[299])).toBeLessThan(1e-4);
    }
  });
});

describe.each(named(ensembles))("%s", (_, model) => {
  test("weighs its members by an exponentiated gradient of what the frames before cost", async () => {
    const members = await Promise.all((model as Ensemble).networks.map((network) => nllOf(network, roll)));
    const nll = await nllOf(model, roll);
    let weights = members.map(() => 1 / members.length);
    nll.forEach((found, t) => {
      const likelihoods = members.map((own) => Math.exp(-own[t]));
      const likelihood = sum(likelihoods.map((own, m) => weights[m] * own));
      expect(Math.abs(found + Math.log(likelihood))).toBeLessThan(1e-9);
      const grown = weights.map((weight, m) => weight * Math.exp(0.12 * Math.min(30, likelihoods[m] / likelihood)));
      weights = grown.map((weight) => weight / sum(grown));
    });
    expect(Math.max(...weights)).toBeGreaterThan(0.5);
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
  const lawOf = () =>
    Promise.all(frames.map(async (frame) => Math.exp(-(await nllOf(ensemble, pianoRoll([...past, frame])))[5])));
  async function nextOf() {
    const { model, state } = await ensemble.adapt(pianoRoll(past));
    return (await model.advance(state, pianoRoll(past.slice(-1)))).next;
  }

  test("is a distribution over all frames that can follow, with the marginals that it gives", async () => {
    const [law, next] = [await lawOf(), await nextOf()];
    expect(sum(law)).toBeCloseTo(1, 5);
    next.probabilities.forEach((probability, d) => {
      expect(probability).toBeCloseTo(sum(law.filter((_, bits) => frames[bits].includes(d + 1))), 5);
    });
  });

  test("is the law of the frames that are sampled", async () => {
    const [law, next] = [await lawOf(), await nextOf()];
    const draws = 20_000;
    const draw = uniform(8);
    const found = new Array<number>(16).fill(0);
    for (let i = 0; i < draws; i++) found[next.sample(draw, 1).reduce((bits, pitch) => bits | (1 << (pitch - 1)), 0)]++;
    // Pearson's statistic of 16 outcomes has 15 degrees of freedom: mean 15, deviation √30.
    const chiSquare = sum(law.map((p, i) => (found[i] - draws * p) ** 2 / (draws * p)));
    expect(chiSquare).toBeLessThan(15 + 5 * Math.sqrt(30));
  });
});

test("refuses to adapt by a checkpoint that names no rate, and a rate that is none", async () => {
  const { metadata, ...rest } = randomCheckpoint({ set: "jsb", cell: "gru" });
  const { adaptiveRate: _, ...others } = metadata;
  const network = (found: Record<string, string>) => new MusicNetwork({ ...rest, metadata: found }, "", kernelModule);
  await expect(network(others).adaptiveScore(roll)).rejects.toThrow(
    "Expected models whose checkpoint names an adaptive rate, got jsb/gru, which is scored statically only.",
  );
  for (const adaptiveRate of ["0", "-1", "2", "NaN", "fast", ""]) {
    expect(() => network({ ...others, adaptiveRate })).toThrow("Expected an adaptiveRate above 0 and at most 1, got ");
  }
});

test("a piece of one frame has nothing to score, but something to predict from", async () => {
  const single = pianoRoll([[60]]);
  for (const [, model] of all) {
    await expect(model.adaptiveScore(single)).rejects.toThrow("Expected at least 2 frames");
    const { model: learned, state, nll } = await model.adapt(single);
    expect(nll).toHaveLength(0);
    expect((await learned.advance(state, single)).next.probabilities).toEqual(
      (await model.advance(model.initialState(), single)).next.probabilities,
    );
  }
});
