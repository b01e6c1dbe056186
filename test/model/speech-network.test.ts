import { describe, expect, test } from "vitest";
import { CELLS } from "../../src/kernel/config.ts";
import { ReferenceKernel } from "../../src/kernel/reference.ts";
import { GaussianMixture } from "../../src/model/gaussian-mixture.ts";
import { SpeechNetwork } from "../../src/model/speech-network.ts";
import { randomRecording, randomSpeechNetwork } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";

/** Mixtures of all steps whose inputs are there, by the kernel's reference implementation in float64. */
function plainMixtures({ checkpoint: { config, tensors }, inputs, shape }: SpeechNetwork, samples: Float32Array) {
  const steps = Math.floor((samples.length - inputs) / shape.block) + 1;
  const reference = new ReferenceKernel(config);
  reference.load(tensors);
  const rows = Array.from({ length: steps }, (_, k) => [
    ...samples.subarray(k * shape.block, k * shape.block + inputs),
  ]);
  reference.forward({
    batchSizes: new Uint32Array(steps).fill(1),
    inputs: Float32Array.from(rows.flat()),
    targets: new Float32Array(steps * shape.block),
  });
  const outputs = Float32Array.from(reference.logits());
  return rows.map((_, k) =>
    GaussianMixture.ofOutputs(outputs.subarray(k * config.outputs, (k + 1) * config.outputs), shape),
  );
}

const recording = randomRecording(1, 1203);

describe.each(CELLS)("a %s of audio", (cell) => {
  const model = randomSpeechNetwork({ cell });
  const { inputs, shape, mean, std } = model;

  test("scores every sample after the first inputs once, as the kernel's reference implementation does", async () => {
    const samples = model.standardise(recording);
    const mixtures = plainMixtures(model, samples);
    const { nll } = await model.score(samples);
    expect(nll.length).toBe(Math.ceil((1203 - inputs) / shape.block));
    expect((1203 - inputs) % shape.block).not.toBe(0); // so that the last block is not whole
    nll.forEach((found, k) => {
      const block = samples.subarray(inputs + k * shape.block, inputs + (k + 1) * shape.block);
      expect(Math.abs(found - mixtures[k].nll(block))).toBeLessThan(1e-3);
    });
  });

  test("predicts the samples that follow as the reference implementation does, those of the block that are known given", async () => {
    for (const length of [inputs, inputs + 1, inputs + shape.block - 1, 600, 601, 1203]) {
      const some = recording.subarray(0, length);
      const samples = model.standardise(some);
      const mixtures = plainMixtures(model, samples);
      const known = samples.subarray(inputs + (mixtures.length - 1) * shape.block);
      const { next } = await model.advance(model.initialState(), some);
      const wanted = mixtures[mixtures.length - 1].given(known);
      expect(next.expected().length).toBe(shape.block - ((length - inputs) % shape.block));
      next.expected().forEach((sample, d) => {
        expect(sample).toBeCloseTo(wanted.expected()[d], 3);
      });
    }
  });

  test("gives the same bits for a recording in parts as for the whole", async () => {
    const whole = await model.advance(model.initialState(), recording);
    for (const cuts of [[500], [inputs, 21, 22, 23, 24, 25], [601, 602, 1200]]) {
      let stopped = model.initialState();
      for (const [i, end] of [...cuts, recording.length].entries()) {
        stopped = (await model.advance(stopped, recording.subarray(cuts[i - 1] ?? 0, end))).stopped;
      }
      const { next } = await model.advance(stopped, new Float32Array());
      expect(next).toEqual(whole.next);
      expect(stopped).toEqual(whole.stopped);
    }
  });

  test("continues by feeding back what it has sampled", async () => {
    const advanced = await model.advance(model.initialState(), recording);
    const cold = { blocks: 3, draw: () => 0.5, temperature: 1e-12 };
    const sampled = await model.continuation(advanced, cold);
    expect(sampled.length).toBe(advanced.next.expected().length + 2 * shape.block);
    const samples = Float32Array.from([...model.standardise(recording), ...sampled]);
    const mixtures = plainMixtures(model, samples);
    const first = mixtures.length - 3; // of the blocks sampled; one more has its inputs and no samples yet
    for (const k of [first, first + 1]) {
      const block = samples.subarray(inputs + k * shape.block, inputs + (k + 1) * shape.block);
      const { weights, means } = mixtures[k];
      const weightiest = means[weights.indexOf(Math.max(...weights))];
      for (const [d, sample] of block.entries()) {
        if (inputs + k * shape.block + d >= recording.length) expect(sample).toBeCloseTo(weightiest[d], 3);
      }
    }
  });

  test("standardises a whole recording as it does its parts", () => {
    const whole = model.standardise(recording);
    expect(model.standardise(recording.subarray(100), 100)).toEqual(whole.subarray(100));
    whole.forEach((sample, t) => {
      expect(Math.abs(sample - (recording[t] - mean) / std)).toBeLessThan(2 ** -16 / std + 1e-6);
    });
  });

  test.each([0, 1, inputs])("has nothing to score in %i samples", async (length) => {
    await expect(model.score(new Float32Array(length))).rejects.toMatchObject({ code: "nothing-to-score" });
  });
});

test.each([
  ["mean", ""],
  ["mean", "NaN"],
  ["std", "0"],
  ["std", "Infinity"],
  ["sampleRate", "8 kHz"],
])("a checkpoint of %s %s is refused", (name, value) => {
  const { checkpoint, version } = randomSpeechNetwork({ cell: "gru" });
  const faulty = { ...checkpoint, metadata: { ...checkpoint.metadata, [name]: value } };
  expect(() => new SpeechNetwork(faulty, version, kernelModule)).toThrow(
    new RegExp(`Expected a ${name} of at least .*, got ${value}\\.`),
  );
});
