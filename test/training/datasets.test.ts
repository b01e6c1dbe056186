import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { frameCount, type PianoRoll, toFrames } from "../../src/formats/piano-roll.ts";
import { SET_PROPERTIES } from "../../src/model/sets.ts";
import {
  bringMusicSet,
  loadMusicSet,
  MUSIC_FILES,
  MUSIC_FOLDER,
  MUSIC_SETS,
  type MusicSetName,
  SPLITS,
  type Split,
} from "../../src/training/datasets.ts";
import { hasMusicSet } from "../support/data.ts";

const golden: Record<MusicSetName, Record<Split, string>> = JSON.parse(
  readFileSync(new URL("../fixtures/music/golden.json", import.meta.url), "utf8"),
);

/** The digest that test/fixtures/music/make.py defines. */
function digest(rolls: readonly PianoRoll[]): string {
  const hash = createHash("sha256");
  for (const roll of rolls) {
    const keys = new Uint8Array(frameCount(roll) * 88 + 1);
    toFrames(roll).forEach((pitches, t) => {
      for (const pitch of pitches) keys[t * 88 + pitch - 21] = 1;
    });
    keys[keys.length - 1] = 2;
    hash.update(keys);
  }
  return hash.digest("hex");
}

/** Sequences and frames of train, valid and test; highest pitch; frames per quarter note, as the sets were published. */
const published: Record<MusicSetName, [number[], number[], number, number]> = {
  nottingham: [[694, 173, 170], [176561, 45513, 44463], 93, 2],
  jsb: [[229, 76, 77], [13807, 4602, 4725], 96, 1],
  musedata: [[524, 135, 124], [245202, 82755, 64339], 105, 2],
  "piano-midi": [[87, 12, 25], [75911, 8540, 19036], 108, 2],
};

describe.each(MUSIC_SETS)("the set %s", (name) => {
  test.skipIf(!hasMusicSet(name))("is read as it was published, and as scipy reads it", async () => {
    const set = await loadMusicSet(name);
    const [sequences, frames, inputs, framesPerQuarter] = published[name];
    expect(SPLITS.map((split) => set[split].length)).toEqual(sequences);
    expect(SPLITS.map((split) => set[split].reduce((sum, roll) => sum + frameCount(roll), 0))).toEqual(frames);
    expect(set).toMatchObject({ name, inputs, framesPerQuarter, sha256: MUSIC_FILES[name].sha256 });
    expect(Object.fromEntries(SPLITS.map((split) => [split, digest(set[split])]))).toEqual(golden[name]);
  });
});

test.skipIf(!MUSIC_SETS.every(hasMusicSet))(
  "training pieces begin and end over C as often as `auto` takes them to",
  async () => {
    for (const name of MUSIC_SETS) {
      const { train } = await loadMusicSet(name);
      const basses = train.map((roll) => toFrames(roll).flatMap(([bass]) => bass ?? []));
      const share = (at: 0 | -1) => basses.filter((own) => (own.at(at) ?? 1) % 12 === 0).length / basses.length;
      const { first, last } = SET_PROPERTIES[name].tonicInBass;
      expect([share(0), share(-1)]).toEqual([expect.closeTo(first, 3), expect.closeTo(last, 3)]);
    }
  },
);

describe("bringing a set", () => {
  let folder: string;
  let server: Server;
  let requests: string[];
  let answer: (path: string) => { status: number; body: Uint8Array | string; claimed?: number };
  const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/mdata`;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "surprisal-"));
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.url ?? "");
      const { status, body, claimed } = answer(request.url ?? "");
      response.writeHead(status, claimed === undefined ? {} : { "content-length": claimed });
      response.write(body, () => (claimed === undefined ? response.end() : response.destroy()));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await rm(folder, { recursive: true });
  });

  const { file, sha256 } = MUSIC_FILES.jsb;

  describe.skipIf(!hasMusicSet("jsb"))("that is the pinned one", () => {
    const published = join(MUSIC_FOLDER, file);

    test("fetches it once, whole", async () => {
      const bytes = await readFile(published);
      answer = () => ({ status: 200, body: bytes });
      expect(await bringMusicSet("jsb", { folder: join(folder, "new"), source: base() })).toBe("brought");
      expect(await bringMusicSet("jsb", { folder: join(folder, "new"), source: base() })).toBe("was there");
      expect(requests).toEqual([`/mdata/${file}`]);
      expect(await readFile(join(folder, "new", file))).toEqual(bytes);
      expect(await readdir(join(folder, "new"))).toEqual([file]);
    });

    test("copies it from a folder", async () => {
      expect(await bringMusicSet("jsb", { folder, source: MUSIC_FOLDER })).toBe("brought");
      expect((await loadMusicSet("jsb", folder)).test).toHaveLength(77);
    });

    test("replaces a damaged file", async () => {
      await writeFile(join(folder, file), "damaged");
      expect(await bringMusicSet("jsb", { folder, source: MUSIC_FOLDER })).toBe("brought");
      expect(await readFile(join(folder, file))).toEqual(await readFile(published));
    });

    test("keeps the file that is there when it cannot be reached again", async () => {
      await cp(published, join(folder, file));
      expect(await bringMusicSet("jsb", { folder, source: "http://127.0.0.1:1" })).toBe("was there");
    });
  });

  const otherHash = createHash("sha256").update("other bytes").digest("hex");

  test("refuses other bytes, says both hashes and leaves no file", async () => {
    answer = () => ({ status: 200, body: "other bytes" });
    await expect(bringMusicSet("jsb", { folder, source: base() })).rejects.toMatchObject({
      code: "malformed-data",
      message: `Expected ${base()}/${file} with sha256 ${sha256}, got ${otherHash}.`,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test("says what the server answered", async () => {
    answer = () => ({ status: 404, body: "none" });
    await expect(bringMusicSet("jsb", { folder, source: base() })).rejects.toMatchObject({
      code: "missing-data",
      message: `${base()}/${file} could not be fetched: the server answered 404.`,
    });
  });

  test("leaves no file when the connection breaks", async () => {
    answer = () => ({ status: 200, body: "the first bytes", claimed: 1000 });
    await expect(bringMusicSet("jsb", { folder, source: base() })).rejects.toMatchObject({ code: "missing-data" });
    expect(await readdir(folder)).toEqual([]);
  });

  test("says that nobody answers, or that a folder lacks the file", async () => {
    await expect(bringMusicSet("jsb", { folder, source: "http://127.0.0.1:1" })).rejects.toMatchObject({
      code: "missing-data",
      message: expect.stringContaining("http://127.0.0.1:1/JSB_Chorales.mat could not be fetched: "),
    });
    await expect(bringMusicSet("jsb", { folder, source: folder })).rejects.toMatchObject({
      code: "missing-data",
      message: `${join(folder, file)} is not there.`,
    });
  });

  test("does not load a set that is not there or is another", async () => {
    await expect(loadMusicSet("jsb", folder)).rejects.toMatchObject({
      code: "missing-data",
      message: `${join(folder, file)} is not there; \`npm run data\` brings it.`,
    });
    await writeFile(join(folder, file), "other bytes");
    await expect(loadMusicSet("jsb", folder)).rejects.toMatchObject({
      code: "malformed-data",
      message: `Expected ${join(folder, file)} with sha256 ${sha256}, got ${otherHash}.`,
    });
  });
});
