/** Every example of examples/ against a server of its own, with what it prints. */
import { execFile, execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_FOLDER } from "../src/entry/node/local.ts";
import { parseMidi } from "../src/formats/midi.ts";
import { Server } from "./support/server.ts";

const CADENCE = "examples/cadence.mid";

/** Program and extension of each language. */
const LANGUAGES = [
  ["curl", "sh", "sh", "curl"],
  ["python", "python3", "py", "python3"],
  ["typescript", process.execPath, "ts", process.execPath],
] as const;

let folder = "";
let server: Server;
let expected = 0; // nats per frame of the cadence under jsb/gru

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-examples-"));
  await cp(CADENCE, join(folder, "cadence.mid"));
  server = await Server.start({ SURPRISAL_MODELS: DEFAULT_FOLDER });
  const body = await readFile(CADENCE);
  const response = await fetch(`${server.url}/v1/score?models=jsb/gru`, { method: "POST", body });
  expected = (await response.json()).scores[0].nll;
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true });
});

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI)
      throw new Error(`${program} is not there, and under CI no test may be left out for want of it.`);
    console.warn(`${program} is not there: its examples are not tested.`);
    return false;
  }
}

function run(program: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { ...process.env, SURPRISAL_URL: server.url };
  return new Promise((done) => {
    execFile(program, args, { env }, (error, stdout, stderr) => done({ code: error ? error.code : 0, stdout, stderr }));
  });
}

describe.each(LANGUAGES)("%s", (language, program, extension, needed) => {
  const script = (name: string) => `examples/${language}/${name}.${extension}`;

  test.skipIf(!isThere(needed))("scores a file", async () => {
    const { code, stdout } = await run(program, script("score"), CADENCE, "jsb/gru");
    expect(code).toBe(0);
    if (language === "curl") expect(JSON.parse(stdout).scores[0].nll).toBe(expected);
    else expect(stdout).toBe(`jsb/gru\t${expected.toFixed(3)}\nbest: jsb/gru\n`);
    const without = await run(program, script("score"), CADENCE);
    expect([without.code, without.stdout.includes("piano-midi/tanh")]).toEqual([0, true]);
  });

  test.skipIf(!isThere(needed))("samples a continuation as a MIDI file", async () => {
    const output = join(folder, `${language}.mid`);
    expect(await run(program, script("predict"), CADENCE, output)).toMatchObject({ code: 0, stdout: "" });
    const { durationQuarters } = parseMidi(new Uint8Array(await readFile(output)));
    expect(durationQuarters).toBeGreaterThan(8);
    expect(durationQuarters).toBeLessThanOrEqual(16);
    await rm(output);
  });

  test.skipIf(!isThere(needed))("scores a folder, and goes on past a file that cannot be scored", async () => {
    const broken = join(folder, "broken.mid");
    await writeFile(broken, "MThd, and no more");
    const { code, stdout, stderr } = await run(program, script("folder"), folder);
    expect(code).toBe(1);
    if (language === "curl") {
      const [first, second] = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect([first.file, first.answer.code]).toEqual(["broken.mid", "malformed-midi"]);
      expect([second.file, second.answer.scores[0].nll]).toEqual(["cadence.mid", expected]);
    } else {
      expect(stdout).toBe(`${expected.toFixed(3)}\tcadence.mid\n`);
      expect(stderr).toMatch(/^broken\.mid: .+\.$/m);
    }
    await rm(broken);
    expect(await run(program, script("folder"), folder)).toMatchObject({ code: 0 });
  });
});

test.skipIf(!isThere("python3"))("python asks by the Open Inference Protocol, in binary tensors", async () => {
  const pianoRoll = [
    [48, 64, 67, 72],
    [53, 65, 69, 72],
    [43, 65, 71, 74],
    [48, 64, 67, 72],
  ];
  const init = { method: "POST", body: JSON.stringify({ pianoRoll }), headers: { "Content-Type": "application/json" } };
  const response = await fetch(`${server.url}/v1/score?models=jsb/gru&detail=frames`, init);
  const [{ perFrame }] = (await response.json()).scores;
  const { code, stdout } = await run("python3", "examples/python/v2.py");
  expect([code, stdout]).toEqual([
    0,
    perFrame
      .slice(1)
      .map((nll: number) => `${nll.toFixed(3)}\n`)
      .join(""),
  ]);
});
