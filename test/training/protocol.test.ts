import { describe, expect, test } from "vitest";
import { parseTarget, protocolOf, SETTINGS, withSettings } from "../../src/training/protocol.ts";

describe("a target", () => {
  test.each([
    ["jsb/gru", { set: "jsb", cell: "gru", preset: "paper" }],
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
    expect(protocol).toMatchObject({ units: 46, noise: 0.075, maxNorm: 1, decay: 0.95, momentum: 0.9, floor: 0.01 });
    expect(protocolOf(parseTarget("jsb/tanh")).units).toBe(100);
    expect(protocolOf(parseTarget("jsb/lstm")).units).toBe(36);
  });

  test("can all be given, and replace only what is given", () => {
    expect(new Set([...SETTINGS, "preset"])).toEqual(new Set(Object.keys(protocol)));
    expect(withSettings(protocol, { seed: "0", rate: "1e-2" })).toEqual({ ...protocol, seed: 0, rate: 0.01 });
  });

  test.each([
    ["units", "5000"],
    ["units", "0"],
    ["units", "1.5"],
    ["seed", "-1"],
    ["rate", "1000"],
    ["rate", "0"],
    ["rate", ""],
    ["rate", "fast"],
    ["rate", "NaN"],
    ["dropout", "1"],
    ["decay", "2"],
    ["momentum", "1"],
    ["epochs", "Infinity"],
  ])("%s cannot be %j", (name, value) => {
    expect(() => withSettings(protocol, { [name]: value })).toThrow(`--${name} is ${value}; wanted`);
  });
});
