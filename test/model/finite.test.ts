import { describe, expect, test } from "vitest";
import { SurprisalError } from "../../src/errors.ts";
import { pianoRoll } from "../../src/formats/piano-roll.ts";
import { CELLS, type Cell, type Config, mixtureOutputs, type Tensors } from "../../src/kernel/config.ts";
import { MAX_WEIGHT } from "../../src/limits.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { checkFinite } from "../../src/model/finite.ts";
import { type Model, networkOf } from "../../src/model/model.ts";
import { tryNetwork } from "../../src/model/trial.ts";
import { randomPiece, randomRecording, randomSpeechNetwork, testModels } from "../support/models.ts";
import { Random, randomTensors } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

const mixture = { components: 20, block: 10 };
const heads = {
  bernoulli: (cell: Cell): Config => ({ cell, inputs: 96, units: 24, outputs: 96 }),
  nade: (cell: Cell): Config => ({ cell, inputs: 96, units: 24, outputs: 96, nade: { hidden: 16 } }),
  mixture: (cell: Cell): Config => ({ cell, inputs: 20, units: 24, outputs: mixtureOutputs(mixture), mixture }),
};
const metadata = { set: "made-up", preset: "paper", framesPerQuarter: "1", sampleRate: "8000", mean: "0", std: "0.1" };

/** A network whose weights are large, and as files may have them. */
function networkOfSize(config: Config, size: number, seed: number) {
  const random = new Random(seed);
  const draw = () => Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, size * random.normal()));
  const tensors = Object.fromEntries(
    Object.entries(randomTensors(config, random)).map(([name, { length }]) => [
      name,
      Float32Array.from({ length }, draw),
    ]),
  ) as unknown as Tensors;
  return networkOf(readCheckpoint(writeCheckpoint({ config, tensors, metadata })), "a".repeat(64), kernelModule);
}

/** All numbers that a model gives for an input. */
async function numbersOf(model: Model): Promise<number[]> {
  if (model.kind === "music") {
    const roll = pianoRoll(randomPiece(1, 20));
    const { nll, outcomes } = await model.score(roll);
    const { outcomeNll, silenceNll } = await outcomes();
    const { next, state } = await model.advance(model.initialState(), roll);
    const chords = (await next.chords(3)).map(({ probability }) => probability);
    return [
      ...nll,
      ...outcomeNll(7),
      silenceNll(7),
      ...state,
      ...next.probabilities,
      ...next.standardErrors,
      ...chords,
    ];
  }
  const samples = randomRecording(1, 333); // the last block is not whole
  const { nll } = await model.score(model.standardise(samples));
  const advanced = await model.advance(model.initialState(), samples);
  const { weights, means, scales } = advanced.next;
  const draw = new Random(2);
  const sampled = await model.continuation(advanced, { blocks: 20, draw: () => draw.uniform(), temperature: 10 });
  return [...nll, ...weights, ...means.flat(), ...scales.flat(), ...advanced.next.expected(), ...sampled];
}

const cases = CELLS.flatMap((cell) => Object.keys(heads).map((head) => [cell, head as keyof typeof heads] as const));

describe.each(cases)("a %s with a %s head", (cell, head) => {
  test.each([1, 30, 1e3, 1e5, MAX_WEIGHT])(
    "and weights about %d in size gives finite numbers, or an error that names it",
    async (size) => {
      const numbers = await numbersOf(networkOfSize(heads[head](cell), size, 1)).catch((error) => error);
      if (numbers instanceof SurprisalError) {
        expect([head, numbers.code]).toEqual(["mixture", "malformed-checkpoint"]); // the exponential of an output
        expect(numbers.message).toMatch(
          RegExp(`^Expected finite numbers from made-up/${cell}, got -?(Infinity|NaN)\\.$`),
        );
      } else expect(numbers).toEqual(numbers.filter(Number.isFinite));
    },
  );
});

describe("a trial", () => {
  test("passes models that answer, and changes nothing about them", async () => {
    for (const model of [...testModels(), randomSpeechNetwork({ cell: "gru" })]) {
      const before = await numbersOf(model);
      await tryNetwork(model, kernelModule);
      expect(await numbersOf(model)).toEqual(before);
    }
  });

  test.each(CELLS)("finds a %s of speech whose weights are too large", async (cell) => {
    const model = networkOfSize(heads.mixture(cell), 1e5, 1);
    await expect(tryNetwork(model, kernelModule)).rejects.toMatchObject({ code: "malformed-checkpoint" });
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%d is refused", (number) => {
  expect(() => checkFinite("jsb/gru", [1, number])).toThrow(`Expected finite numbers from jsb/gru, got ${number}.`);
  expect(() => checkFinite("jsb/gru", Float32Array.of(1, -3.4e38, 0))).not.toThrow();
});
