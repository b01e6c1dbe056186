import { expect, test } from "vitest";
import { makeExamples } from "../../scripts/examples.ts";
import examples from "../../src/http/examples.json" with { type: "json" };

test("the examples of openapi.yaml are what the API answers with the shipped models", async () => {
  expect(await makeExamples()).toEqual(examples);
}, 120_000);
