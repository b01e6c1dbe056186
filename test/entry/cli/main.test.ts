import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseMidi, writeMidi } from "../../../src/formats/midi.ts";
import { pianoRoll } from "../../../src/formats/piano-roll.ts";
import { readWav } from "../../../src/formats/wav.ts";
import { pieceOfMidi } from "../../../src/inference/piece.ts";
import { scoreMusic } from "../../../src/inference/score-music.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { addToFolder } from "../../../src/store/files.ts";
import { randomCheckpoint, randomModel, randomPiece, randomSpeechNetwork } from "../../support/models.ts";

const cli = fileURLToPath(new URL("../../../src/entry/cli/main.ts", import.meta.url));
const node = fileURLToPath(new URL("../../../src/entry/node/main.ts", import.meta.url));
const built = (name: string) => fileURLToPath(new URL(`../../../dist/entry/${name}/main.js`, import.meta.url));
const midi = writeMidi(pianoRoll(randomPiece(1, 20)), { framesPerQuarter: 1 });
let folder = "";
let file = "";
let damaged = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "surprisal-cli-"));
  for (const cell of ["gru", "lstm"] as const) await addToFolder(folder, randomCheckpoint({ set: "jsb", cell }));
  file = join(folder, "piece.mid");
  damaged = join(folder, "damaged.mid");
  await writeFile(file, midi);
  await writeFile(damaged, midi.subarray(0, 40));
});
afterAll(() => rm(folder, { recursive: true }));

const start = (script: string, args: readonly string[], env: Record<string, string> = {}) =>
  spawn(process.execPath, [script, ...args], { env: { ...process.env, SURPRISAL_MODELS: folder, ...env } });

async function run(args: readonly string[], input?: Uint8Array, env?: Record<string, string>, script = cli) {
  const child = start(script, args, env);
  child.stdin.on("error", () => {}); // a command that reads no input may end first
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr, code };
}

const talk = (name: string) => fileURLToPath(new URL(`../../fixtures/audio/${name}`, import.meta.url));

describe("audio on the command line", () => {
  const models = () => ({ SURPRISAL_MODELS: join(folder, "both") });
  beforeAll(async () => {
    for (const cell of ["gru", "lstm"] as const) {
      await addToFolder(join(folder, "both"), randomCheckpoint({ set: "jsb", cell }));
    }
    await addToFolder(join(folder, "both"), randomSpeechNetwork({ cell: "gru" }).checkpoint);
  });

  test("is scored beside music, each in a table of its own", async () => {
    const { stdout, stderr, code } = await run(
      ["score", talk("tones.flac"), file, talk("tones.opus")],
      undefined,
      models(),
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/^.*tones.flac: speech-short.gru predicts .* unlike its speech\.\n.*tones.opus: .*\n$/);
    const tables = stdout.split("\n\n").map((table) => table.trim().split("\n"));
    const cells = (lines: readonly string[], from: number, to: number) =>
      lines.map((line) => line.split(/ +/).slice(from, to));
    const [flac, music, opus] = tables;
    expect(cells(music, 1, 2).flat()).toEqual(["model", "jsb/gru", "jsb/lstm", "jsb/mixture"]);
    expect(cells(flac, 0, 6)[0]).toEqual(["file", "model", "samples", "nats/step", "bits/sample", "best"]);
    expect(opus[0]).toBe(flac[0]);
    expect(cells([flac[1], opus[1]], 0, 3)).toEqual([
      [talk("tones.flac"), "speech-short/gru", "7992"],
      [talk("tones.opus"), "speech-short/gru", "7992"],
    ]);
    expect(tables.map((lines) => lines.length)).toEqual([2, 4, 2]);
  });

  test("is continued as a WAV file", async () => {
    const out = join(folder, "next.wav");
    const args = ["predict", talk("tones.flac"), "--steps", "100", "--seed", "1", "--out", out, "--json"];
    const { stdout, stderr, code } = await run(args, undefined, models());
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^Wrote .*next\.wav, \d+ bytes\.\n$/)]);
    const [{ continuation, expected }] = JSON.parse(stdout).predictions;
    const { samples, sampleRate } = await readWav(await readFile(out));
    expect([sampleRate, samples.length]).toEqual([8000, continuation.length]);
    expect(continuation.length).toBe(99 * 4 + expected.length);
  });

  test("cannot be read by models of music alone", async () => {
    const { stderr, code } = await run(["score", talk("tones.mp3"), "--models", "jsb/*"], undefined, models());
    expect(code).toBe(1);
    expect(stderr).toContain("tones.mp3: Expected models that read audio, got jsb/gru, jsb/lstm, jsb/mixture");
  });
});

describe("surprisal score", () => {
  test("says once what several models say of a file", async () => {
    const triplets = fileURLToPath(new URL("../../fixtures/midi/kinds/27a-triplets.mid", import.meta.url));
    const { stdout, stderr } = await run(["score", triplets]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(4);
    expect(stderr.split("16 of 24 onsets lie between grid points")).toHaveLength(2);
  });

  test("shows a row for each file and model, with the numbers of the core", async () => {
    const { stdout, stderr, code } = await run(["score", file, "--transpose", "-3"]);
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/ +/)[1])).toEqual(["model", "jsb/gru", "jsb/lstm", "jsb/mixture"]);
    const model = randomModel({ set: "jsb", cell: "gru" });
    const music = pieceOfMidi(parseMidi(midi), DEFAULT_LIMITS);
    const [score] = (await scoreMusic(music, [model], { transpose: -3 })).scores;
    expect(lines[1].split(/ +/).slice(0, 7)).toEqual([
      file,
      "jsb/gru",
      "19",
      score.nll.toFixed(3),
      score.nllPerQuarter.toFixed(3),
      "-", // nobody has measured test pieces
      "-3",
    ]);
  });

  test("--adaptive scores by models that learn from the piece", async () => {
    const model = randomModel({ set: "jsb", cell: "gru" });
    const options = { transpose: 0, adaptive: true };
    const [wanted] = (await scoreMusic(pieceOfMidi(parseMidi(midi), DEFAULT_LIMITS), [model], options)).scores;
    const args = ["score", file, "--transpose", "0", "--models", "jsb/gru", "--adaptive", "--json"];
    const [found] = JSON.parse((await run(args)).stdout).scores;
    expect(found).toMatchObject({ adaptive: true, nll: wanted.nll });
  });

  test("--compare says how far each model is behind the best, with what certainty", async () => {
    const long = join(folder, "long.mid");
    await writeFile(long, writeMidi(pianoRoll(randomPiece(2, 60)), { framesPerQuarter: 1 }));
    const { best, comparisons } = JSON.parse((await run(["score", long, "--compare", "--json"])).stdout);
    expect(comparisons).toHaveLength(2);
    const [, ...lines] = (await run(["score", long, "--compare"])).stdout.trimEnd().split("\n");
    for (const { model, difference, better } of comparisons) {
      const line = lines.find((text) => text.includes(` ${model} `));
      expect(line).toContain(` ${difference.toFixed(3)} [`);
      expect(line).toMatch(better === null ? /, cannot tell$/ : new RegExp(`, ${best} better$`));
    }
    const short = (await run(["score", file, "--compare"])).stdout;
    expect(short).toContain("at least 30 scored frames, got 19");
  });

  test("scores what it can, says what it cannot on stderr, and ends with 1", async () => {
    const missing = join(folder, "missing.mid");
    const { stdout, stderr, code } = await run(["score", damaged, file, missing, "--json", "--models", "*/gru"]);
    expect(code).toBe(1);
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toMatchObject([
      { file: damaged, problem: { code: "malformed-midi", detail: expect.any(String) } },
      { file, best: "jsb/gru", scores: [{ model: "jsb/gru", frames: 20 }] },
      { file: missing, problem: { code: "unreadable-file", detail: "There is no such file or folder." } },
    ]);
    const complaints = stderr.trimEnd().split("\n");
    expect(complaints).toHaveLength(2);
    expect(complaints[0]).toMatch(`${damaged}: `);
    expect(complaints[1]).toMatch(/missing\.mid: There is no such file/);
  });

  test("reads standard input as -", async () => {
    const { stdout, code } = await run(["score", "-", "--json"], midi);
    expect([code, JSON.parse(stdout).scores.length]).toEqual([0, 3]);
  });

  test("reads a list of files from standard input as -, and says which of them is not there", async () => {
    const list = `${file}\r\nnowhere.mid\n\n${file}`;
    const { stdout, stderr, code } = await run(["score", "-", "--json", "--models", "jsb/gru"], Buffer.from(list));
    const files = stdout.trimEnd().split("\n");
    expect([code, files.map((line) => JSON.parse(line).file)]).toEqual([1, [file, "nowhere.mid", file]]);
    expect(stderr).toBe("nowhere.mid: There is no such file or folder.\n");
  });

  test("speaks of files: how a foreign one begins", async () => {
    const { stderr, code } = await run(["score", "-", "--models", "jsb/gru"], Buffer.from("X:1\nK:C\n"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^-: Expected a MIDI or audio file, got .* begins? "X:1 K:C/);
  });

  test("takes a folder for the music below it", async () => {
    const { stdout, stderr, code } = await run(["score", folder, "--models", "jsb/gru"]);
    expect(code).toBe(1); // one of the files is damaged
    expect(stderr).toContain(`${folder}/damaged.mid: `);
    expect(stdout).toContain(file);
  });

  test("shows the rows of a file as soon as it is scored", async () => {
    const second = join(folder, "pipe.mid");
    execFileSync("mkfifo", [second]);
    const child = start(cli, ["score", file, second, "--models", "jsb/gru"]);
    let said = "";
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      said += chunk;
      if (said.includes(`\n${file}`)) break;
    }
    await writeFile(second, midi); // only now can the second file be read
    said += await text(child.stdout);
    expect(said.trimEnd().split("\n")).toHaveLength(3);
  });

  test("ends quietly when its reader has seen enough", async () => {
    const child = start(cli, ["score", "--json", ...Array<string>(200).fill(file)]);
    const stderr = text(child.stderr);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const [code] = await once(child, "close");
    expect([code, await stderr]).toEqual([0, ""]);
  });
});

describe("surprisal predict", () => {
  test("writes the continuation to a file, the same as it prints", async () => {
    const out = join(folder, "next.mid");
    const args = ["predict", file, "--models", "jsb/lstm", "--steps", "12", "--seed", "5", "--out", out, "--json"];
    const { stdout, code } = await run(args);
    expect(code).toBe(0);
    const [{ continuation }] = JSON.parse(stdout).predictions;
    expect(continuation).toHaveLength(12);
    expect(new Uint8Array(await readFile(out))).toEqual(writeMidi(pianoRoll(continuation), { framesPerQuarter: 1 }));
  });

  test("shows likely pitches by name, and sampled frames", async () => {
    const { stdout } = await run(["predict", file, "--models", "jsb/gru", "--steps", "2"]);
    expect(stdout).toMatch(
      /^model +pitch +note +probability\n(jsb\/gru +\d+ +[A-G]#?-?\d +0\.\d{4}\n){10}\nmodel +step +notes\n/,
    );
    expect(stdout.trimEnd().split("\n")).toHaveLength(15);
  });

  test("fails with 1 on a file that it cannot read", async () => {
    expect(await run(["predict", damaged])).toMatchObject({ code: 1, stdout: "" });
  });

  test("fails with 1 and one sentence when the continuation cannot be written", async () => {
    const args = ["predict", file, "--models", "jsb/gru", "--steps", "2", "--out", join(folder, "nowhere", "next.mid")];
    const { stdout, stderr, code } = await run(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^.*next\.mid: There is no such file or folder\.\n$/);
  });
});

test.runIf(existsSync("/dev/full"))("a standard output that is full is one sentence, and 1", async () => {
  const full = await open("/dev/full", "w");
  const child = spawn(process.execPath, [cli, "models"], {
    env: { ...process.env, SURPRISAL_MODELS: folder },
    stdio: ["ignore", full.fd, "pipe"],
  });
  const [stderr, [code]] = await Promise.all([text(child.stderr as Readable), once(child, "close")]);
  await full.close();
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^surprisal: Standard output cannot be written: The disk is full\.\n$/),
  ]);
});

test("surprisal models lists the folder's models", async () => {
  const { stdout, code } = await run(["models", "--json"]);
  expect([code, JSON.parse(stdout).models.map(({ id }: { id: string }) => id)]).toEqual([
    0,
    ["jsb/gru", "jsb/lstm", "jsb/mixture"],
  ]);
  expect((await run(["models"])).stdout).toMatch(
    /^model .*\njsb\/gru .* 8\.500 .*\njsb\/lstm .* 8\.500 .*\njsb\/mixture .* - .*\n$/,
  );
});

test("without models it says where it looked, and ends with 1", async () => {
  const { stderr, code } = await run(["models"], undefined, { SURPRISAL_MODELS: join(folder, "nowhere") });
  expect(code).toBe(1);
  expect(stderr).toContain(join(folder, "nowhere"));
});

describe("surprisal export", () => {
  test("writes a model as an ONNX file", async () => {
    const out = join(folder, "gru.onnx");
    const { stdout, code } = await run(["export", "jsb/gru", "--format", "onnx", "--out", out]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/gru\.onnx \d+ bytes, jsb\/gru sha256:[0-9a-f]{64}\n$/)]);
    expect(await readFile(out, "latin1")).toContain("jsb/gru");
  });

  test.each([
    [["jsb/mixture"], "Expected a single network, got jsb/mixture, the average of jsb/gru, jsb/lstm"],
    [["jsb/*"], "Expected the id of one model, got jsb/*, which names 3"],
    [["jsb/gru", "--format", "xml"], "Expected one of the formats onnx, got xml"],
    [[], "Expected one MODEL, got none"],
  ])("%j is wrong usage", async (args, sentence) => {
    const { stderr, code } = await run(["export", ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)]);
  });
});

describe("usage", () => {
  test.each([
    [[]],
    [["compose"]],
    [["score"]],
    [["predict"]],
    [["predict", "a.mid", "b.mid"]],
    [["score", "-", "-"]],
    [["score", "a.mid", "--steps", "3"]],
    [["score", "a.mid", "--models"]],
    [["score", "a.mid", "--models", "--json"]],
    [["score", "a.mid", "-x"]],
    [["score", "a.mid", "--transpose", "up"]],
    [["score", "a.mid", "--models", "foo/*"]],
    [["predict", "a.mid", "--steps", "0"]],
    [["predict", "a.mid", "--out", "b.mid", "--steps", "3"]],
    [["serve", "--port", "70000"]],
    [["models", "a.mid"]],
  ])("surprisal %j is wrong: one sentence, and 2", async (args) => {
    const { stdout, stderr, code } = await run(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^surprisal: [^\n]*[^.][.?] See surprisal (\w+ )?--help\.\n$/);
  });

  test("an option is named as it was written", async () => {
    const { stderr } = await run(["score", "a.mid", "--frames-per-quarter", "0"]);
    expect(stderr).toMatch(/^surprisal: .*--frames-per-quarter .*a number from/);
    expect((await run(["predict", "a.mid", "--steps", "0"])).stderr).toMatch(/^surprisal: .*--steps .*"0"/);
  });

  test("--help and --version go to standard output", async () => {
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const help = await run(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/; 1 .*no model loaded/);
    const ofPredict = await run(["predict", "-h"]);
    expect(ofPredict).toMatchObject({ code: 0, stderr: "" });
    expect(ofPredict.stdout).toMatch(/^What comes next.*\n\nUsage: surprisal predict FILE/);
    expect(ofPredict.stdout).toMatch(/up to\s100,000 frames here, 10,000 over HTTP/);
    expect(ofPredict.stdout).toContain("--steps");
    expect(ofPredict.stdout).not.toContain("--compare");
  });
});

test("the program that npm installs says what its source says", async () => {
  const args = ["score", file, "--json"];
  const fromSource = await run(args);
  expect(fromSource.code).toBe(0);
  expect(await run(args, undefined, {}, built("cli"))).toEqual(fromSource);
});

test("the program that npm installs says in a sentence that Node is too old", async () => {
  const old = join(folder, "old.cjs");
  await writeFile(old, 'Object.defineProperty(process, "versions", { value: { node: "12.22.12" } });');
  const child = spawn(process.execPath, ["--require", old, built("cli"), "models"]);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toBe("surprisal needs Node 22 or newer; this is Node 12.22.12. See https://nodejs.org\n");
  const { engines } = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8"));
  expect(engines.node).toBe(">=22");
  expect(await readFile(built("cli"), "utf8")).not.toMatch(/^import[ {"]/m); // an older Node knows no node:module
});

test("models that are named are all that is read", async () => {
  const torn = join(folder, "torn");
  for (const cell of ["gru", "lstm"] as const) await addToFolder(torn, randomCheckpoint({ set: "jsb", cell }));
  await writeFile(join(torn, "jsb/lstm.safetensors"), "torn");
  const SURPRISAL_MODELS = torn;
  for (const command of [["score"], ["predict"]]) {
    const args = [...command, file, "--json"];
    const named = await run([...args, "--models", "*/gru"], undefined, { SURPRISAL_MODELS });
    expect([named.code, named.stderr]).toEqual([0, ""]);
    const all = await run(args, undefined, { SURPRISAL_MODELS });
    expect([all.code, all.stderr]).toEqual([
      0,
      expect.stringMatching(/^Not loaded: jsb\/lstm: Expected \d+ bytes in .*, got \d+\.\n/),
    ]);
  }
});

test("serve --limits prints each limit as it is in force, and starts nothing", async () => {
  const { stdout, stderr, code } = await run(["serve", "--limits"], undefined, { SURPRISAL_FRAMES: "77" });
  expect([stderr, code]).toEqual(["", 0]);
  expect(stdout).toMatch(/^SURPRISAL_FRAMES +77 +too-large +frames of a piece$/m);
  expect(stdout).toMatch(/^SURPRISAL_CLIENT_WORK +unlimited +rate-limited /m);
});

test("a limit that is no number is refused by its name", async () => {
  const { stderr, code } = await run(["serve", "--limits"], undefined, { SURPRISAL_FRAMES: "few" });
  expect([stderr, code]).toEqual([
    'surprisal: Expected a number above 0 or "unlimited" in SURPRISAL_FRAMES, got "few".\n',
    1,
  ]);
});

describe("the server", () => {
  const greeting = async (child: ChildProcess, last = /piece\.mid/) => {
    let said = "";
    for await (const chunk of child.stdout ?? []) {
      said += chunk;
      if (last.test(said)) break;
    }
    return said;
  };

  test.each([
    ["surprisal serve", cli, ["serve", "--port", "0"], {}],
    ["npm start", built("node"), [], { PORT: "0" }],
    ["the server with an empty HOST", node, [], { PORT: "0", HOST: "" }],
  ])("%s prints a curl that works as pasted, and ends with 0 on SIGTERM", async (_, script, args, env) => {
    const child = start(script, args, env);
    const said = await greeting(child, /^Models: .*\n/m);
    expect(said).toContain("http://127.0.0.1:");
    expect(said).toContain("\nModels: jsb/gru, jsb/lstm, jsb/mixture\n");
    const curl = /^ {2}curl [\s\S]*?'$/m.exec(said)?.[0] ?? "";
    const pasted = spawn("sh", ["-c", curl]);
    expect(JSON.parse(await text(pasted.stdout)).scores).toHaveLength(3);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
    for (const path of ["/", "/page.css", "/page.js"]) expect((await fetch(url + path)).status, path).toBe(200);
    expect(await (await fetch(`${url}/`)).text()).toContain("<!doctype html>");
    expect((await fetch(`${url}/package.json`)).status).toBe(404);
    child.kill("SIGTERM");
    expect((await once(child, "close"))[0]).toBe(0);
  });

  test("ends on SIGTERM though clients go on asking over their connections", async () => {
    const child = start(node, [], { PORT: "0" });
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await greeting(child))?.[0];
    const closed = once(child, "close");
    const body = JSON.stringify({ pianoRoll: randomPiece(1, 500) });
    let asked = 0;
    const ask = async () => {
      for (;;) {
        const headers = { "Content-Type": "application/json" };
        await (await fetch(`${url}/score`, { method: "POST", headers, body })).text();
        asked += 1;
        if (asked === 24) child.kill("SIGTERM"); // while the connections of the others are busy
      }
    };
    const asking = await Promise.allSettled(Array.from({ length: 8 }, ask));
    expect(asking.map(({ status }) => status)).toEqual(Array(8).fill("rejected")); // the port is closed
    expect((await closed)[0]).toBe(0);
  });

  test("a store that is none is told in a sentence, and 2", async () => {
    const child = start(node, [], { PORT: "0", SURPRISAL_MODELS: "s3:///x" });
    const said = text(child.stderr as Readable);
    expect((await once(child, "close"))[0]).toBe(2);
    expect(await said).toBe("Expected a store that is s3://BUCKET/PREFIX or a folder, got s3:///x.\n");
  });

  test("says so when the port is in use, or no port", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const { stderr, code } = await run(["serve", "--port", String(port)]);
    taken.close();
    expect([code, stderr]).toEqual([1, expect.stringMatching(`port ${port}: it is in use`)]);
    const child = start(node, [], { PORT: "http" });
    const [said, [exit]] = await Promise.all([text(child.stderr), once(child, "close")]);
    expect([exit, said]).toEqual([2, "Expected PORT from 0 to 65535, got http.\n"]);
  });

  test("tells what the system says of a path to its log alone", async () => {
    const blocked = join(folder, "blocked");
    await mkdir(join(blocked, "catalogue.json"), { recursive: true }); // a folder cannot be read as a file
    const child = start(cli, ["serve", "--port", "0"], { SURPRISAL_MODELS: blocked });
    const stderr = text(child.stderr);
    const url = /http:\/\/[\d.:]+/.exec(await greeting(child))?.[0];
    expect((await (await fetch(`${url}/health/ready`)).json()).detail).toBe(
      "No model is loaded: The store: it cannot be read; the server's log has more.",
    );
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(0);
    expect(await stderr).toMatch(`Not loaded: ${blocked}: EISDIR`);
  });

  test("starts without models, says why, and is not ready", async () => {
    const child = start(cli, ["serve", "--port", "0"], { SURPRISAL_MODELS: join(folder, "nowhere") });
    const stderr = text(child.stderr);
    const url = /http:\/\/[\d.:]+/.exec(await greeting(child))?.[0];
    const ready = await fetch(`${url}/health/ready`);
    const { detail, code } = await ready.json();
    expect([ready.status, code]).toEqual([503, "no-models"]);
    expect(detail).toContain("catalogue.json is not there");
    expect(detail).not.toContain(folder);
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(0);
    expect(await stderr).toContain(`${join(folder, "nowhere")}: catalogue.json is not there`);
  });
});
