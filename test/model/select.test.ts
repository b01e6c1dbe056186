import { describe, expect, test } from "vitest";
import type { Model } from "../../src/model/model.ts";
import { modelsOfKind, recommendedModels, selectModels } from "../../src/model/select.ts";
import { randomModel } from "../support/models.ts";

const models = [
  randomModel({ set: "jsb", cell: "gru" }),
  randomModel({ set: "jsb", cell: "lstm" }),
  randomModel({ set: "jsb", cell: "lstm", preset: "large" }),
  randomModel({ set: "piano-midi", cell: "gru" }),
  randomModel({ set: "piano-midi", cell: "gru", preset: "large" }),
];
const all = models.map(({ id }) => id);

const select = (...patterns: string[]) => selectModels(models, patterns).map(({ id }) => id);

describe("a pattern", () => {
  test.each([
    ["jsb/lstm", ["jsb/lstm"]],
    ["jsb/lstm-large", ["jsb/lstm-large"]],
    ["*/lstm", ["jsb/lstm"]],
    ["*/lstm*", ["jsb/lstm", "jsb/lstm-large"]],
    ["*/gru", ["jsb/gru", "piano-midi/gru"]],
    ["jsb/*", ["jsb/gru", "jsb/lstm", "jsb/lstm-large"]],
    ["*/*-large", ["jsb/lstm-large", "piano-midi/gru-large"]],
    ["p*o-m*i/g*u*", ["piano-midi/gru", "piano-midi/gru-large"]],
    ["**/***", all],
  ])("%s names %j", (pattern, ids) => {
    expect(select(pattern)).toEqual(ids);
  });

  test.each([
    "*",
    "jsb",
    "jsb/",
    "/",
    "jsb/lst",
    "*b*b*/gru",
    "jsb/lstm*m",
    "jsb/l*tm*m",
    "jsb/gru/*",
    "J*/gru",
    "jsb/gr.",
    "",
  ])("%j names none", (pattern) => {
    expect(() => select(pattern)).toThrow(expect.objectContaining({ code: "unknown-model" }));
  });

  test("of very many stars is answered like any other", () => {
    expect(() => select(`jsb/${"*m".repeat(100_000)}`)).toThrow(expect.objectContaining({ code: "unknown-model" }));
    expect(select(`jsb/${"*".repeat(100_000)}`)).toHaveLength(3);
  });
});

test("several patterns name each model once, in the models' own order", () => {
  expect(select("piano-midi/gru", "*/gru", "jsb/lstm")).toEqual(["jsb/gru", "jsb/lstm", "piano-midi/gru"]);
  expect(selectModels(models)).toEqual(models);
});

describe("recommendedModels", () => {
  const idsOf = (models: readonly Model[]) => recommendedModels(models).map(({ id }) => id);

  test("are of each set those of the preset with the better head, and else of the paper's", () => {
    const models = [
      randomModel({ set: "jsb", cell: "gru" }),
      randomModel({ set: "jsb", cell: "gru", preset: "nade" }),
      randomModel({ set: "jsb", cell: "lstm", preset: "large" }),
      randomModel({ set: "nottingham", cell: "gru" }),
      randomModel({ set: "nottingham", cell: "gru", preset: "large" }),
    ];
    expect(idsOf(models)).toEqual(["jsb/gru-nade", "nottingham/gru"]);
    expect(modelsOfKind(models, "music").map(({ id }) => id)).toEqual(["jsb/gru-nade", "nottingham/gru"]);
    expect(modelsOfKind(models, "music", ["*/*"])).toHaveLength(5);
  });

  test("are all of a set that has neither", () => {
    expect(idsOf([randomModel({ set: "own", cell: "gru", preset: "large" })])).toEqual(["own/gru-large"]);
  });
});
