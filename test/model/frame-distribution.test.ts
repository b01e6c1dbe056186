/** What a model says of the next frame, held to the likelihoods of all 2^4 frames of four pitches, which score() gives. */
import { describe, expect, test } from "vitest";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { CELLS, type Cell } from "../../src/kernel/config.ts";
import { Ensemble } from "../../src/model/ensemble.ts";
import type { FramePrefix } from "../../src/model/frame-prefix.ts";
import type { MusicModel } from "../../src/model/music-model.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { uniform } from "../../src/util/random.ts";
import { randomCheckpoint, randomPiece } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

/** A network of 4 pitches that depend strongly on each other when it has a NADE head. */
function tiny(cell: Cell, hidden?: number, seed = 5): MusicNetwork {
  const { tensors, ...rest } = randomCheckpoint({ set: "jsb", cell, pitches: 4, seed, hidden });
  const strong = { ...tensors, a: tensors.a.map(() => 0), ...(tensors.M && { M: tensors.M.map((m) => 3 * m) }) };
  return new MusicNetwork({ ...rest, tensors: strong }, "00", kernelModule);
}

const ensembleOf = (...networks: MusicNetwork[]) => new Ensemble({ id: "jsb/mixture", version: "00" }, networks);

const piece = [[1, 4], [], [2, 3], [1, 2, 3, 4], [4]];
const frames = Array.from({ length: 16 }, (_, bits) => [1, 2, 3, 4].filter((pitch) => (bits >> (pitch - 1)) & 1));

/** p(frame | piece) of each of the 16 frames. */
const lawOf = (model: MusicModel) =>
  Promise.all(
    frames.map(async (frame) => {
      const { nll } = await model.score(pianoRoll([...piece, frame]));
      return Math.exp(-nll[piece.length - 1]);
    }),
  );

const nextOf = async (model: MusicModel) => (await model.advance(model.initialState(), pianoRoll(piece))).next;

describe.each<[string, MusicModel]>([
  ["a network of independent pitches", tiny("gru")],
  ...CELLS.map((cell): [string, MusicModel] => [`${cell} with a NADE head`, tiny(cell, 6)]),
  ["an ensemble of NADE heads", ensembleOf(tiny("gru", 6), tiny("lstm", 3, 8), tiny("tanh", 5, 9))],
  ["an ensemble of both heads", ensembleOf(tiny("gru", 6), tiny("gru"))],
])("%s", async (_, model) => {
  const law = await lawOf(model);
  const next = await nextOf(model);

  test("gives a distribution over all frames", () => {
    expect(law.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });

  test("gives marginals within five standard errors, which are zero where they are exact", () => {
    next.probabilities.forEach((probability, d) => {
      const marginal = law.reduce((sum, p, i) => sum + (frames[i].includes(d + 1) ? p : 0), 0);
      expect(Math.abs(probability - marginal)).toBeLessThan(1e-5 + 5 * next.standardErrors[d]);
    });
    expect(next.standardErrors[0]).toBeLessThan(1e-8); // nothing lies below the lowest pitch
    if (next.draws === 0) expect(Math.max(...next.standardErrors)).toBe(0);
    else expect(Math.max(...next.standardErrors)).toBeLessThan(0.03);
  });

  test("samples frames by their likelihood", () => {
    const draws = 20_000;
    const draw = uniform(8);
    const found = new Array<number>(16).fill(0);
    for (let i = 0; i < draws; i++) found[next.sample(draw, 1).reduce((bits, pitch) => bits | (1 << (pitch - 1)), 0)]++;
    // Pearson's statistic of 16 outcomes has 15 degrees of freedom: mean 15, deviation √30.
    const chiSquare = law.reduce((sum, p, i) => sum + (found[i] - draws * p) ** 2 / (draws * p), 0);
    expect(chiSquare).toBeLessThan(15 + 5 * Math.sqrt(30));
  });

  test("samples what is likelier than not, pitch by pitch, at a temperature near 0", () => {
    const draw = uniform(1);
    const samples = Array.from({ length: 20 }, () => next.sample(draw, 1e-300).join());
    expect(new Set(samples).size).toBeLessThanOrEqual(next.parts.length);
  });

  test("lists the likeliest frames in order, all of them if asked", async () => {
    const wanted = law.map((probability, i) => ({ pitches: frames[i], probability }));
    wanted.sort((p, q) => q.probability - p.probability);
    for (const count of [1, 3, 16, 100]) {
      const chords = await next.chords(count);
      expect(chords.map(({ pitches }) => pitches)).toEqual(wanted.slice(0, count).map(({ pitches }) => pitches));
      chords.forEach(({ probability }, i) => {
        expect(probability).toBeCloseTo(wanted[i].probability, 5);
      });
    }
    expect(await next.chords(0)).toEqual([]);
  });
});

describe.each<[string, (cell: Cell) => MusicModel]>([
  ["independent pitches", (cell) => network(cell)],
  ["a NADE head", (cell) => network(cell, 8)],
  ["an ensemble of NADE heads", (cell) => ensembleOf(network(cell, 8), network("tanh", 5))],
])("the score of a piece under %s", (_, create) => {
  test.each(CELLS)("is the sum over its notes and its silence, %s", async (cell) => {
    const long = randomPiece(3, 150);
    const { nll, outcomes } = await create(cell).score(pianoRoll(long));
    const { pitchNll, silenceNll } = await outcomes();
    nll.forEach((nll, t) => {
      const notes = long[t + 1].reduce((sum, pitch) => sum + pitchNll(t, pitch), 0);
      expect(Math.abs(notes + silenceNll(t) - nll)).toBeLessThan(1e-5 * Math.max(1, nll));
      expect(silenceNll(t)).toBeGreaterThan(0);
    });
  });
});

function network(cell: Cell, hidden?: number): MusicNetwork {
  return new MusicNetwork(randomCheckpoint({ set: "jsb", cell, hidden, seed: 3 }), "00", kernelModule);
}

test("the kernel draws what the prefixes say, in a frame of many pitches", async () => {
  const model = network("gru", 7);
  const next = await nextOf(model);
  const [part] = next.parts;
  const [frames, draw] = [4000, uniform(9)];
  const found = new Float64Array(model.pitches);
  for (let n = 0; n < frames; n++) {
    let prefix: FramePrefix = part;
    for (let d = 0; d < model.pitches; d++) {
      if (draw() >= 1 / (1 + Math.exp(-prefix.logit(d)))) continue;
      found[d] += 1 / frames;
      prefix = prefix.after(d);
    }
  }
  for (let d = 0; d < model.pitches; d++) {
    const p = next.probabilities[d];
    const deviation = Math.hypot(Math.sqrt((p * (1 - p)) / frames), next.standardErrors[d]);
    expect(Math.abs(found[d] - p)).toBeLessThan(5 * deviation);
  }
  const sampled = new Float64Array(model.pitches);
  for (let n = 0; n < frames; n++) for (const pitch of next.sample(draw, 1)) sampled[pitch - 1] += 1 / frames;
  for (let d = 0; d < model.pitches; d++) {
    expect(Math.abs(sampled[d] - found[d])).toBeLessThan(
      5 * Math.sqrt((2 * found[d] * (1 - found[d])) / frames) + 1e-3,
    );
  }
});

test("a search that is too hard ends with what it has found for certain", async () => {
  const { tensors, ...rest } = randomCheckpoint({ set: "jsb", cell: "gru", hidden: 4 });
  const flat = new MusicNetwork({ ...rest, tensors: { ...tensors, a: tensors.a.map(() => 0) } }, "00", kernelModule);
  expect((await (await nextOf(flat)).chords(5)).length).toBeLessThanOrEqual(5); // 2^96 frames, none likely
});

test("a run that is fed in parts has the same next frame, bit for bit", async () => {
  const model = network("lstm", 8);
  const long = randomPiece(5, 40);
  const whole = await model.advance(model.initialState(), pianoRoll(long));
  const first = await model.advance(model.initialState(), pianoRoll(long.slice(0, 17)));
  const second = await model.advance(first.state, pianoRoll(long.slice(17)));
  expect(second.state).toEqual(whole.state);
  expect(second.next.probabilities).toEqual(whole.next.probabilities);
});
