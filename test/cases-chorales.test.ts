/** A chorale of the test set as a client uploads it, without a word of how to read it -> the number that its own roll has. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEFAULT_FOLDER, openModels } from "../src/entry/node/local.ts";
import { createApp } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import type { Score } from "../src/schema/score.ts";

const folder = new URL("fixtures/chorales/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder));
const names = readdirSync(folder).filter((name) => name.endsWith(".mid"));

test("a chorale that is uploaded scores as its roll, in the key of the set", async () => {
  const { models } = await openModels(DEFAULT_FOLDER);
  const app = createApp({ models, limits: DEFAULT_LIMITS, version: "1.2.3", log: console.error });
  const score = async (body: BodyInit, type: string): Promise<Score> => {
    const init = { method: "POST", body, headers: { "Content-Type": type } };
    const response = await app.request("/v1/score?models=jsb/gru", init);
    return (await response.json()).scores[0];
  };
  let inKey = 0;
  const total = { file: 0, roll: 0, frames: 0 };
  for (const name of names) {
    const { pianoRoll } = JSON.parse(read(name.replace(".mid", ".json")).toString());
    const file = await score(read(name), "audio/midi");
    const roll = await score(JSON.stringify({ pianoRoll }), "application/json");
    expect([file.frames, file.percentile]).toEqual([roll.frames, expect.any(Number)]);
    total.file -= file.logLikelihood;
    total.roll -= roll.logLikelihood;
    total.frames += file.scoredFrames;
    if (file.transposedBy !== 0) continue;
    inKey += 1;
    expect(Math.abs(file.nll - roll.nll)).toBeLessThan(0.05); // single notes of the two editions differ
  }
  expect(inKey / names.length).toBeGreaterThan(0.75); // in the others the model finds a key in which it is surprised less
  expect(Math.abs(total.file - total.roll) / total.frames).toBeLessThan(0.1);
});
