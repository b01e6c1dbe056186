import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readCheckpoint } from "../../src/model/checkpoint.ts";
import { MUSIC_FOLDER } from "../../src/training/datasets.ts";
import type { Progress } from "../../src/training/search.ts";
import { hasMusicSet } from "../support/data.ts";

let folder: string; // where the script runs
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  await mkdir(join(folder, "data"));
  await symlink(resolve(MUSIC_FOLDER), join(folder, MUSIC_FOLDER));
});
afterEach(() => rm(folder, { recursive: true }));

const searched = "jsb/gru --tries 3 --epochs 3 --units 4 --out found".split(" ");

const search = (...more: string[]): Promise<string> =>
  new Promise((done, fail) => {
    const script = resolve("scripts/search.ts");
    execFile(process.execPath, [script, ...searched, ...more], { cwd: folder }, (error, stdout) =>
      error ? fail(error) : done(stdout),
    );
  });

const read = (path: string) => readFile(join(folder, path));

test.skipIf(!hasMusicSet("jsb"))(
  "search: the shard that ends last ships the best try, and a better model that is there stays",
  async () => {
    const chosen = await readFile("src/training/chosen.json", "utf8");
    expect(await search("--shard", "0/2", "--workers", "2")).toMatch(/2 of 3 tries are over/);
    await expect(read("found/catalogue.json")).rejects.toThrow("ENOENT");
    expect(await search("--shard", "1/2")).toMatch(/best of 3, now found\/jsb\/gru\.safetensors/);

    const text = (await read("found/jsb/gru.search.jsonl")).toString();
    const log: Progress[] = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const finished = log.filter(({ state }) => state === "finished").sort((p, q) => p.valid - q.valid);
    const shipped = await read("found/jsb/gru.safetensors");
    const { metadata } = readCheckpoint(shipped);
    expect(Number(metadata.learningRate)).toBe(finished[0].learningRate);
    expect(Number(metadata.validMicro)).toBeCloseTo(finished[0].valid, 5);

    expect(await search("--seed", "7", "--epochs", "1")).toMatch(/already has a model at .* which stays/);
    expect(await read("found/jsb/gru.safetensors")).toEqual(shipped);
    expect(await readFile("src/training/chosen.json", "utf8")).toBe(chosen);
  },
);
