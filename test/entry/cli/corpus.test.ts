/** `surprisal score --out`: a corpus -> a table, also after a run that was killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { corpusOf } from "../../../src/entry/cli/corpus.ts";
import { kernelModule } from "../../../src/entry/node/kernel.ts";
import { writeMidi } from "../../../src/formats/midi.ts";
import { pianoRoll } from "../../../src/formats/piano-roll.ts";
import { load, type Surprisal } from "../../../src/library.ts";
import type { MusicScoreResponse } from "../../../src/schema/score.ts";
import { addToFolder } from "../../../src/store/files.ts";
import { openStore } from "../../../src/store/open.ts";
import { csvRow, readCsvRow } from "../../../src/util/csv.ts";
import { randomCheckpoint, randomPiece } from "../../support/models.ts";

const cli = fileURLToPath(new URL("../../../src/entry/cli/main.ts", import.meta.url));
const PIECES = 30;
const ODD = 'a, "b"\nc.mid';
let folder = "";
let models = "";
let surprisal: Surprisal;

const midi = (seed: number) => writeMidi(pianoRoll(randomPiece(seed, 20)), { framesPerQuarter: 1 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-corpus-"));
  models = join(folder, "models");
  for (const cell of ["gru", "lstm"] as const) await addToFolder(models, randomCheckpoint({ set: "jsb", cell }));
  surprisal = await load(await openStore(models), await kernelModule());
  await mkdir(join(folder, "corpus/deep/er"), { recursive: true });
  for (let k = 0; k < PIECES; k++) await writeFile(join(folder, `corpus/deep/${k}.mid`), midi(k + 1));
  await writeFile(join(folder, "corpus/deep/er/last.MIDI"), midi(1)); // what 0.mid has too
  await writeFile(join(folder, "corpus", ODD), midi(2));
  await writeFile(
    Buffer.concat([Buffer.from(join(folder, "corpus/")), Buffer.from("\xe9t\xe9.mid", "latin1")]),
    midi(3),
  );
  await writeFile(join(folder, "corpus/notes.txt"), "no music");
  await writeFile(join(folder, "corpus/._hidden.mid"), "no music");
});
afterAll(() => rm(folder, { recursive: true }));

const start = (
  args: readonly string[],
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } =>
  spawn(process.execPath, [cli, "score", ...args, "--threads", "2"], {
    cwd: folder,
    env: { ...process.env, SURPRISAL_MODELS: models },
    stdio: ["ignore", "pipe", "pipe"],
  });

async function score(...args: string[]) {
  const child = start(args);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr, code };
}

const at = (name: string) => join(folder, name);

/** Kills a run when a file that it writes has some bytes. @returns how many there are then */
async function killedAfter(bytes: number, name: string, args: readonly string[]): Promise<number> {
  const child = start(args);
  const size = () =>
    stat(at(name)).then(
      ({ size }) => size,
      () => 0,
    );
  while (child.exitCode === null && (await size()) < bytes) await setTimeout(1);
  child.kill("SIGKILL");
  await once(child, "close");
  return size();
}
const rowsIn = async (name: string): Promise<Record<string, never>[]> =>
  (await readFile(at(name), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("a table of scores", () => {
  test("has a row for each file and model in the order of the paths, with the numbers of the API", async () => {
    expect(await score("corpus", "--out", "scores.jsonl")).toMatchObject({ code: 0, stdout: "" });
    const rows = await rowsIn("scores.jsonl");
    const names = [...new Set(rows.map(({ file }) => String(file)))];
    expect(names).toHaveLength(PIECES + 3);
    expect(names[0]).toBe(`corpus/${ODD}`);
    expect(names.at(-1)).toBe("corpus/\\xE9t\\xE9.mid");
    expect(names).toContain("corpus/deep/er/last.MIDI");
    expect(rows.map(({ file }) => names.indexOf(file))).toEqual(rows.map((_, k) => Math.floor(k / 3)));
    const { scores } = (await surprisal.score(midi(1))) as MusicScoreResponse;
    const own = rows.filter(({ file }) => file === "corpus/deep/0.mid");
    expect(own.map(({ model, nll, logLikelihood }) => ({ model, nll, logLikelihood }))).toEqual(
      scores.map(({ model, nll, logLikelihood }) => ({ model, nll, logLikelihood })),
    );
  });

  test("names files with commas, quotes and line ends as RFC 4180 has them", async () => {
    await score(join("corpus", ODD), "--out", "odd.csv");
    const table = await readFile(at("odd.csv"), "utf8");
    expect(table.split("\r\n")[1]).toMatch(/^"corpus\/a, ""b""\nc\.mid",[0-9a-f]{64},jsb\/gru,sha256:/);
    const cells = ['"', ",", "\n", "", "a", '""', "\r\n"];
    expect(readCsvRow(csvRow(cells))).toEqual(cells);
  });

  test("has a row for a file that cannot be scored, and the exit code says so, also of a run that passes it over", async () => {
    await writeFile(at("damaged.mid"), midi(1).subarray(0, 40));
    const args = ["damaged.mid", "missing.mid", "corpus/deep/1.mid", "--out", "bad.jsonl"];
    expect(await score(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining("damaged.mid: ") });
    const rows = await rowsIn("bad.jsonl");
    expect(
      rows.slice(3).map(({ file, sha256, error, nll }) => ({ file, sha256: String(sha256).length, error, nll })),
    ).toEqual([
      { file: "damaged.mid", sha256: 64, error: "malformed-midi", nll: null },
      { file: "missing.mid", sha256: 0, error: "unreadable-file", nll: null },
    ]);
    expect((await score(...args)).code).toBe(1);
    expect(await rowsIn("bad.jsonl")).toEqual(rows);
  });
});

describe("a later run", () => {
  test.each(["scores.csv", "notes.csv", "scores.jsonl"])("after SIGKILL ends with the same %s", async (name) => {
    const more = name.startsWith("notes") ? ["--detail", "notes"] : [];
    const whole = `whole-${name}`;
    await score("corpus", "--out", whole, ...more);
    const left = await killedAfter(5000, `killed-${name}`, ["corpus", "--out", `killed-${name}`, ...more]);
    const expected = await readFile(at(whole));
    expect(left).toBeGreaterThan(0);
    expect((await readFile(at(`killed-${name}`))).equals(expected.subarray(0, left))).toBe(true);
    expect((await score("corpus", "--out", `killed-${name}`, ...more)).code).toBe(0);
    expect((await readFile(at(`killed-${name}`))).equals(expected)).toBe(true);
  });

  test("goes on from a table that ends anywhere", async () => {
    await score("corpus", "--out", "cut.csv");
    const whole = await readFile(at("cut.csv"));
    for (const end of [10, 300, whole.length - 1]) {
      await writeFile(at("cut.csv"), whole.subarray(0, end));
      await score("corpus", "--out", "cut.csv");
      expect((await readFile(at("cut.csv"))).equals(whole), `${end} bytes`).toBe(true);
    }
  });

  test("scores anew what has changed, and leaves the rows of other files", async () => {
    for (const [name, seed] of [
      ["x.mid", 1],
      ["y.mid", 2],
      ["z.mid", 3],
    ] as const)
      await writeFile(at(name), midi(seed));
    await score("x.mid", "y.mid", "z.mid", "--out", "changed.jsonl");
    const before = await rowsIn("changed.jsonl");
    await writeFile(at("x.mid"), midi(4));
    const { stderr } = await score("x.mid", "z.mid", "--out", "changed.jsonl");
    expect(stderr).toContain("2 files, 0 of them could not be scored.");
    const after = await rowsIn("changed.jsonl");
    expect(after.map(({ file }) => String(file)[0]).join("")).toBe("yyyxxxzzz");
    expect(after.slice(0, 3)).toEqual(before.slice(3, 6));
    expect(after[3]).not.toEqual(before[0]);
  });

  test("of other options or models is refused, and so is a file that is no such table", async () => {
    await score("corpus", "--out", "options.csv", "--models", "jsb/gru");
    const table = await readFile(at("options.csv"));
    const other = await score("corpus", "--out", "options.csv", "--models", "jsb/gru", "--transpose", "2");
    expect(other.code).toBe(2);
    expect(other.stderr).toContain(
      "the options of the rows in options.csv, models=jsb/gru, got models=jsb/gru&transpose=2",
    );
    expect((await score("corpus", "--out", "options.csv", "--detail", "notes")).stderr).toContain(
      "to have the columns",
    );
    expect((await readFile(at("options.csv"))).equals(table)).toBe(true);
    await writeFile(at("letter.csv"), "Dear");
    expect((await score("corpus", "--out", "letter.csv")).code).toBe(2);
    expect(await readFile(at("letter.csv"), "utf8")).toBe("Dear");
    expect((await score("corpus", "--out", "scores.xlsx")).stderr).toContain("ends in .csv, .jsonl or .parquet");
  });
});

describe("a table in Parquet", () => {
  const beginningWith = async (name: string) => (await readdir(folder)).filter((entry) => entry.startsWith(name));

  test.each([
    ["scores", 5000, ["corpus"]],
    ["notes", 300_000, ["corpus/deep/1*.mid", "--detail", "notes"]], // of more than one file
  ])("of %s has the rows of the CSV in typed columns, also after SIGKILL", async (name, bytes, given) => {
    await score(...given, "--out", `typed-${name}.csv`);
    const [heading, ...lines] = (await readFile(at(`typed-${name}.csv`), "utf8")).trimEnd().split("\r\n");
    const args = [...given, "--out", `typed-${name}.parquet`];
    await killedAfter(bytes, `typed-${name}.parquet.jsonl`, args);
    expect(await beginningWith(`typed-${name}.parquet`)).toEqual([`typed-${name}.parquet.jsonl`]);
    const { code, stderr } = await score(...args);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/; \d+ had their rows already\.\n$/)]);
    expect(await beginningWith(`typed-${name}.parquet`)).toEqual([`typed-${name}.parquet`]);

    const file = await asyncBufferFromFile(at(`typed-${name}.parquet`));
    const rows = await parquetReadObjects({ file });
    expect(rows.map((row) => Object.values(row).map((cell) => String(cell ?? "")))).toEqual(lines.map(readCsvRow));
    const { schema } = await parquetMetadataAsync(file);
    const columns = schema.slice(1).map(({ name, type, converted_type }) => [name, converted_type ?? type]);
    expect(columns.map(([name]) => name)).toEqual(readCsvRow(heading));
    expect(Object.fromEntries(columns)).toMatchObject({ model: "UTF8", nll: "DOUBLE", transposedBy: "INT32" });
    expect(rows[0]).toMatchObject({ nll: name === "notes" ? null : expect.any(Number), error: null });
  });

  test("is not replaced when it is finished, and gone on with while a file of it cannot be scored", async () => {
    await writeFile(at("good.mid"), midi(1));
    await writeFile(at("mended.mid"), midi(2).subarray(0, 40));
    const args = ["good.mid", "mended.mid", "--out", "mended.parquet"];
    const read = async () => parquetReadObjects({ file: await asyncBufferFromFile(at("mended.parquet")) });
    expect((await score(...args)).code).toBe(1);
    expect((await read()).map(({ file, error }) => [file, error])).toEqual([
      ...Array(3).fill(["good.mid", null]),
      ["mended.mid", "malformed-midi"],
    ]);
    await writeFile(at("mended.mid"), midi(2));
    expect(await score(...args)).toMatchObject({ code: 0, stderr: expect.stringContaining("; 1 had their rows") });
    expect((await read()).map(({ error }) => error)).toEqual(Array(6).fill(null));
    const finished = await readFile(at("mended.parquet"));
    expect(await score(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining("is finished already") });
    expect((await readFile(at("mended.parquet"))).equals(finished)).toBe(true);
  });
});

test("rows of notes add up with what is held and silent to the NLL of the file", async () => {
  await score("corpus/deep/1.mid", "--out", "notes.jsonl", "--detail", "notes");
  const rows = await rowsIn("notes.jsonl");
  const answer = (await surprisal.score(midi(2), { detail: "notes", expected: true })) as MusicScoreResponse;
  const sum = (values: readonly (number | null)[] = []) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  for (const { model, logLikelihood, held, silence, notes = [], entropy } of answer.scores) {
    const own = rows.filter((row) => row.model === model);
    expect(own.map(({ note }) => note)).toEqual(own.map((_, k) => k + 1));
    expect(own.filter(({ unscored }) => unscored === null)).toHaveLength(notes.length);
    expect(sum(own.map(({ nll }) => nll)) + sum(held) + sum(silence)).toBeCloseTo(-logLikelihood, 4);
    for (const { nll, bits, probabilitySounds, frame, frameEntropy } of own) {
      if (nll === null) continue;
      expect(bits).toBeCloseTo(nll / Math.log(2), 12);
      expect(-Math.log2(probabilitySounds)).toBeCloseTo(bits, 9);
      expect(frameEntropy).toBe(entropy?.[frame] ?? null);
    }
  }
});

describe("names", () => {
  test("are files, folders and patterns, each file once", async () => {
    const names = async (...given: string[]) =>
      (await corpusOf(given.map(at))).map(({ name }) => name.slice(folder.length + 1));
    expect(await names("corpus/deep/1*.mid", "corpus/deep/10.mid")).toHaveLength(11);
    expect(await names("corpus/**/*.MIDI")).toEqual(["corpus/deep/er/last.MIDI"]);
    await writeFile(at("a[1].mid"), midi(1));
    expect(await names("a[1].mid")).toEqual(["a[1].mid"]);
    await expect(names("corpus/*.nothing")).rejects.toThrow(/files that match .*, got none/);
  });
});
