import { appendFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCheckpoint } from "../../src/model/checkpoint.ts";
import { drawn, isBehind, isOver, type Progress, readProgress, rungs, search } from "../../src/training/search.ts";
import { smallProtocol, smallSet } from "../support/pieces.ts";

const kernel = await readFile(new URL("../../dist/kernel.wasm", import.meta.url));
const protocol = { ...smallProtocol, epochs: 9 };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "search-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function searchHere(tries: number, shard = { index: 0, count: 1 }): Promise<Progress[]> {
  const lines: Progress[] = [];
  await search(
    { kernel, set: smallSet(), cell: "gru", protocol, folder: join(folder, "runs") },
    { tries, shard, folder, onProgress: (line) => lines.push(line) },
  );
  return lines;
}

describe("the rates of a search", () => {
  test("spread evenly over the logarithm of their range, each with a seed of its own", () => {
    const tries = Array.from({ length: 400 }, (_, number) => drawn(protocol, number));
    const decades = tries.map(({ learningRate }) => Math.log(learningRate / 1e-4) / Math.log(50));
    expect(Math.min(...decades)).toBeGreaterThanOrEqual(-0.01);
    expect(Math.max(...decades)).toBeLessThanOrEqual(1.01);
    for (const quarter of [0, 1, 2, 3]) {
      const share = decades.filter((d) => d >= quarter / 4 && d < (quarter + 1) / 4).length / 400;
      expect(Math.abs(share - 0.25)).toBeLessThan(0.07); // 3.2 deviations of a binomial share
    }
    expect(new Set(tries.map(({ seed }) => seed)).size).toBe(400);
    expect(drawn(protocol, 7)).toEqual(tries[7]);
    expect(drawn({ ...protocol, seed: 5 }, 7).learningRate).not.toBe(tries[7].learningRate);
  });
});

describe("halving", () => {
  test("compares after a ninth and a third of the epochs", () => {
    expect(rungs(150)).toEqual([17, 50]);
    expect(rungs(2)).toEqual([1]);
    expect(rungs(1)).toEqual([]);
  });

  test("lets the first go on, then the best third", () => {
    expect(isBehind(5, [5])).toBe(false);
    expect(isBehind(5, [4, 5])).toBe(true);
    expect(isBehind(3, [4, 5, 3])).toBe(false);
    expect(isBehind(4, [1, 4, 5, 6, 7, 8])).toBe(false);
    expect(isBehind(5, [1, 4, 5, 6, 7, 8])).toBe(true);
  });
});

describe("a search", () => {
  test("ends every try once, finishes the best of the first rung and keeps the checkpoints of the finished", async () => {
    const lines = await searchHere(6);
    const over = lines.filter(isOver);
    expect(over.map((line) => line.try).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(over.some(({ state }) => state === "dropped")).toBe(true);
    const finished = over.filter(({ state }) => state === "finished");
    const files = (await readdir(folder)).filter((name) => name.endsWith(".safetensors"));
    expect(files.sort()).toEqual(finished.map((line) => `${line.try}.safetensors`).sort());
    for (const line of finished) {
      const { metadata } = readCheckpoint(await readFile(join(folder, `${line.try}.safetensors`)));
      expect(Number(metadata.learningRate)).toBe(line.learningRate);
      expect(Number(metadata.validMicro)).toBeCloseTo(line.valid, 5);
    }
  });

  test("split into shards runs each try in one of them", async () => {
    const shards = [await searchHere(5, { index: 0, count: 2 }), await searchHere(5, { index: 1, count: 2 })];
    const tries = shards.map((lines) => lines.filter(isOver).map((line) => line.try));
    expect(tries).toEqual([
      [0, 2, 4],
      [1, 3],
    ]);
    expect((await readProgress(folder)).filter(isOver)).toHaveLength(5);
  });

  test("taken up again leaves alone what is over, and reads past a line that was cut off", async () => {
    const first = await searchHere(2);
    await appendFile(join(folder, "0-of-1.jsonl"), '{"try":2,"learningRate":');
    expect(await searchHere(2)).toEqual([]);
    expect(await readProgress(folder)).toEqual(first);
    const rest = await searchHere(4);
    expect(await readProgress(folder)).toEqual([...first, ...rest]);
    expect(new Set(rest.map((line) => line.try))).toEqual(new Set([2, 3]));
  });
});
