import { describe, expect, test } from "vitest";
import { parseTarget, protocolOf, SETTINGS, withCurrentNames, withSettings } from "../../src/training/targets.ts";

describe("a target", () => {
  test.each([
    ["jsb/gru", { set: "jsb", cell: "gru", preset: "paper" }],
    ["musedata/tanh-nade", { set: "musedata", cell: "tanh", preset: "nade" }],
    ["piano-midi/lstm-large", { set: "piano-midi", cell: "lstm", preset: "large" }],
  ])("%s is read", (id, wanted) => {
    expect(parseTarget(id)).toEqual({ id, ...wanted });
  });

  test.each(["", "jsb", "jsb/", "jsb/gru-", "jsb/gru-paper", "jsb/rnn", "bach/gru", "jsb/gru/large", "JSB/gru"])(
    "%s is refused with what there is",
    (id) => {
      expect(() => parseTarget(id)).toThrow(/^Expected <set>\/<cell>.*, got /);
    },
  );
});

describe("settings", () => {
  const protocol = protocolOf(parseTarget("nottingham/gru"));

  test("of the paper are the paper's", () => {
    expect(protocol).toMatchObject({
      units: 46,
      weightNoiseStd: 0.075,
      maxNorm: 1,
      decay: 0.95,
      momentum: 0.9,
      floor: 0.01,
    });
    expect(protocol).toMatchObject({ hidden: 0, transposedShare: 0 });
    expect(protocolOf(parseTarget("jsb/tanh")).units).toBe(100);
    expect(protocolOf(parseTarget("jsb/tanh-nade"))).toMatchObject({ units: 100, hidden: 64 });
    expect(protocolOf(parseTarget("jsb/lstm")).units).toBe(36);
  });

  test("can all be given, and replace only what is given", () => {
    expect(new Set([...SETTINGS, "preset"])).toEqual(new Set([...Object.keys(protocol), "optimizer", "teachers"]));
    expect(withSettings(protocol, { seed: "0", learningRate: "1e-2" })).toEqual({
      ...protocol,
      seed: 0,
      learningRate: 0.01,
    });
  });

  test("of Adam are its authors' unless given, and RMSProp is what a model has that names no optimizer", () => {
    const adam = withSettings(protocol, { optimizer: "adam" });
    expect(adam).toEqual({ ...protocol, optimizer: "adam", decay: 0.999, momentum: 0.9, floor: 1e-8 });
    expect(withSettings(protocol, { optimizer: "adam", decay: "0.99" })).toEqual({ ...adam, decay: 0.99 });
    expect(withSettings(adam, { seed: "3" })).toEqual({ ...adam, seed: 3 });
    expect(withSettings(protocol, { optimizer: "rmsprop" })).toEqual(protocol);
    expect(withSettings(adam, { optimizer: "rmsprop" })).toEqual(protocol);
    expect(() => withSettings(protocol, { optimizer: "sgd" })).toThrow(
      "Expected one of rmsprop, adam for --optimizer, got sgd.",
    );
  });

  test("of files written before they had their present names are read", () => {
    const written = { rate: "0.0003", sequences: "2", steps: "200", noise: "0.075", averaging: "0", seed: "6" };
    const present = withCurrentNames(written);
    expect(present).toEqual({
      ...{
        learningRate: "0.0003",
        batchSize: "2",
        bpttSteps: "200",
        weightNoiseStd: "0.075",
        emaDecay: "0",
        seed: "6",
      },
    });
    expect(withSettings(protocol, present)).toMatchObject({ learningRate: 0.0003, batchSize: 2, seed: 6 });
    expect(withCurrentNames(present)).toEqual(present);
  });

  test.each([
    ["units", "5000"],
    ["units", "0"],
    ["units", "1.5"],
    ["seed", "-1"],
    ["learningRate", "1000"],
    ["learningRate", "0"],
    ["learningRate", ""],
    ["learningRate", "fast"],
    ["learningRate", "NaN"],
    ["dropout", "1"],
    ["decay", "2"],
    ["momentum", "1"],
    ["epochs", "Infinity"],
  ])("%s cannot be %j", (name, value) => {
    expect(() => withSettings(protocol, { [name]: value })).toThrow(` for --${name}, got ${value || "nothing"}.`);
  });
});
