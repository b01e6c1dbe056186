/** The programs that read a table of `surprisal score --out`, on one of music that was not made for these tests. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kernelModule } from "../src/entry/node/kernel.ts";
import { DEFAULT_FOLDER } from "../src/entry/node/local.ts";
import { load } from "../src/library.ts";
import { isMusic } from "../src/schema/is-music.ts";
import { openStore } from "../src/store/open.ts";
import { isThere, requires } from "./support/requires.ts";

const call = promisify(execFile);
const { MIDI_FOLDERS: folders = "" } = process.env;
const MODELS = ["jsb/gru", "jsb/lstm"];
const FILES = 4;

let folder = "";
/** Bits a note, by file and model, as the library scores them; only those that are scored count. */
const means = new Map<string, number>();

/** The smallest MIDI files of the folders, which are read soonest. */
async function smallest(): Promise<string[]> {
  const found: { path: string; size: number }[] = [];
  for (const each of folders.split(":")) {
    for (const name of await readdir(each, { recursive: true })) {
      const path = join(each, name);
      if (/\.midi?$/i.test(name)) found.push({ path, size: (await stat(path)).size });
    }
  }
  return found.toSorted((a, b) => a.size - b.size).map(({ path }) => path);
}

const isSet = requires(
  folders !== "",
  "MIDI_FOLDERS is not set; it names folders of MIDI files to try, several joined as in PATH",
);
describe.skipIf(!isSet)("a table of notes", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "surprisal-tables-"));
    await mkdir(join(folder, "corpus"));
    const surprisal = await load(await openStore(DEFAULT_FOLDER), await kernelModule());
    for (const path of await smallest()) {
      const name = `corpus/${means.size / MODELS.length}.mid`;
      const bytes = new Uint8Array(await readFile(path));
      const answer = await surprisal.score(bytes, { models: MODELS, detail: "notes" }).catch(() => undefined);
      for (const { model, notes = [] } of answer && isMusic(answer) ? answer.scores : []) {
        const bits = notes.flatMap(({ nll }) => (nll === null ? [] : [nll / Math.LN2]));
        means.set(`${name} ${model}`, bits.reduce((sum, each) => sum + each, 0) / bits.length);
      }
      if (answer) await cp(path, join(folder, name));
      if (means.size === FILES * MODELS.length) break;
    }
    await writeFile(join(folder, "corpus/broken.mid"), "MThd, and no more");
    const cli = resolve("src/entry/cli/main.ts");
    const args = ["score", "corpus", "--out", "notes.csv", "--detail", "notes", "--models", MODELS.join()];
    await call(process.execPath, [cli, ...args], { cwd: folder }).catch(({ code }) => expect(code).toBe(1)); // by broken.mid
  });
  afterAll(() => rm(folder, { recursive: true }));

  const python = ["python3", "/usr/bin/python3"].find((program) => isThere(program, "-c", "import pandas"));
  test.skipIf(!requires(python !== undefined, "Python with pandas is missing; install python3-pandas"))(
    "is read by pandas",
    async () => {
      const { stdout, stderr } = await call(python ?? "", [resolve("examples/python/corpus.py"), "notes.csv"], {
        cwd: folder,
      });
      const wanted = [...means].map(([key, mean]) => `${key.replace(" ", "\t")}\t${mean.toFixed(3)}`);
      expect(stdout.trimEnd().split("\n")).toEqual(wanted);
      expect(stderr).toMatch(/^corpus\/broken\.mid: .+\.\n$/);
    },
  );

  test.skipIf(!requires(isThere("Rscript", "--version"), "R is missing; install r-base-core"))(
    "is read by R",
    async () => {
      const [, program] = /^```r\n([\s\S]*?)^```$/m.exec(await readFile("docs/batch.md", "utf8")) ?? [];
      await writeFile(join(folder, "means.R"), `write.csv({\n${program}}, row.names = FALSE)\n`);
      const { stdout } = await call("Rscript", ["means.R"], { cwd: folder });
      const [heading, ...rows] = stdout
        .trim()
        .split("\n")
        .map((line) => line.split(",").map((cell) => cell.replaceAll('"', "")));
      expect(heading).toEqual(["file", "model", "bits"]);
      expect(new Map(rows.map(([file, model, bits]) => [`${file} ${model}`, Number(bits)]))).toEqual(
        new Map([...means].map(([key, mean]) => [key, expect.closeTo(mean, 10)])),
      );
    },
  );
});
