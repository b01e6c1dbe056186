import { describe, expect, test } from "vitest";
import { toFrames } from "../../src/formats/piano-roll.ts";
import { CELLS, type Tensors } from "../../src/kernel/config.ts";
import { rowCount } from "../../src/kernel/engine.ts";
import { ReferenceKernel, rescaleNorm, rmsProp } from "../../src/kernel/reference.ts";
import { MusicNetwork } from "../../src/model/music-network.ts";
import { kernelEngine } from "../../src/training/engine.ts";
import { evaluate } from "../../src/training/evaluate.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { smallProtocol, smallSet } from "../support/pieces.ts";
import { pack } from "../support/random.ts";
import { kernelModule } from "../support/wasm.ts";

const set = smallSet();

describe.each(CELLS)("training %s", (cell) => {
  const create = (changes = {}) => new Trainer(kernelEngine(kernelModule), set, cell, { ...smallProtocol, ...changes });

  test("lowers the NLL of training and validation pieces", async () => {
    const trainer = create({ epochs: 40, learningRate: 0.01, weightNoiseStd: 0 });
    const first = await trainer.epoch();
    let last = first;
    while (!trainer.finished) last = await trainer.epoch();
    expect(last.train).toBeLessThan(0.8 * first.train);
    expect(last.valid).toBeLessThan(0.8 * first.valid);
  });

  test("with a NADE head learns which pitches sound together", async () => {
    const [independent, nade] = [0, 8].map((hidden) =>
      create({ epochs: 40, learningRate: 0.01, weightNoiseStd: 0, hidden }),
    );
    for (const trainer of [independent, nade]) while (!trainer.finished) await trainer.epoch();
    expect(nade.best?.epoch.valid).toBeLessThan(0.95 * (independent.best?.epoch.valid ?? 0));
  });

  test("makes the reference implementation's update: mean gradient, norm rescaled, RMSProp with momentum", async () => {
    const settings = { weightNoiseStd: 0, bpttSteps: 100, batchSize: 100, learningRate: 0.02, maxNorm: 0.5 };
    const trainer = create(settings);
    const before = (await trainer.snapshot()).tensors;
    const pieces = set.train.map((roll) => toFrames(roll).map((frame) => frame.map((pitch) => pitch - 1)));
    const { batch } = pack(pieces);
    const rows = rowCount(batch);
    const reference = new ReferenceKernel(trainer.config);
    reference.load(before);
    const { tensors: gradient } = reference.gradients(batch, 1 / rows);
    const names = Object.keys(before) as (keyof Tensors)[];
    const flat = (tensors: Tensors) => Float64Array.from(names.flatMap((name) => Array.from(tensors[name] ?? [])));
    const g = flat(gradient);
    rescaleNorm(g, settings.maxNorm);
    const weights = flat(before);
    const zeros = () => new Float64Array(weights.length);
    const { decay, momentum, floor } = smallProtocol;
    const rule = { learningRate: settings.learningRate, decay, momentum, floor };
    rmsProp(rule, { weights, gradient: g, meanSquare: zeros(), velocity: zeros() });
    await trainer.epoch();
    const after = flat((await trainer.snapshot()).tensors);
    const largestStep = Math.max(...weights.map((w, i) => Math.abs(w - flat(before)[i])));
    expect(largestStep).toBeGreaterThan(1e-3);
    after.forEach((w, i) => {
      expect(Math.abs(w - weights[i])).toBeLessThan(1e-5);
    });
  });

  test("measures the NLL that the served model gives, truncated or not", async () => {
    for (const bpttSteps of [3, 100]) {
      const trainer = create({ bpttSteps });
      const { valid } = await trainer.epoch();
      const metadata = { set: "jsb", preset: "paper", framesPerQuarter: "1" };
      const checkpoint = { config: trainer.config, tensors: (await trainer.snapshot()).tensors, metadata };
      const model = new MusicNetwork(checkpoint, "", kernelModule);
      expect(valid).toBeCloseTo((await evaluate(model, set.valid)).micro, 6);
    }
  });

  test.each([
    ["RMSProp", {}],
    ["Adam", { optimizer: "adam" }],
  ])("by %s, resumed from a snapshot, goes on as if it had never stopped, bit for bit", async (_, rule) => {
    const whole = create(rule);
    while (!whole.finished) await whole.epoch();
    const first = create(rule);
    await first.epoch();
    await first.epoch();
    const second = create(rule);
    second.resume(structuredClone(await first.snapshot()));
    while (!second.finished) await second.epoch();
    expect(await second.snapshot()).toEqual(await whole.snapshot());
  });

  test("follows the seed", async () => {
    const afterOne = async (trainer: Trainer) => {
      await trainer.epoch();
      return (await trainer.snapshot()).tensors;
    };
    const a = await afterOne(create());
    const b = await afterOne(create());
    const other = await afterOne(create({ seed: 2 }));
    expect(a).toEqual(b);
    expect(other).not.toEqual(a);
  });
});

describe("stopping", () => {
  test("comes `patience` epochs after the best one, whose weights are kept", async () => {
    const trainer = new Trainer(kernelEngine(kernelModule), set, "gru", {
      ...smallProtocol,
      learningRate: 1,
      epochs: 100,
      patience: 3,
    });
    const valid: number[] = [];
    while (!trainer.finished) valid.push((await trainer.epoch()).valid);
    const best = valid.indexOf(Math.min(...valid)) + 1;
    expect(valid.length).toBe(best + 3);
    expect(trainer.best?.epoch.epoch).toBe(best);
    trainer.resume({
      ...(await trainer.snapshot()),
      tensors: trainer.best?.tensors ?? (await trainer.snapshot()).tensors,
    });
    expect(await trainer.nll(set.valid)).toBe(Math.min(...valid));
  });
});
