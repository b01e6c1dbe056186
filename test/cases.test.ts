/**
 * Files of the kinds that people have -> what the API and the command line answer of them, with the shipped models: one row for
 * each file of fixtures/midi/kinds and fixtures/audio/kinds, after their READMEs. How their notes and samples are read is tested
 * in formats/; here a file comes in as a client sends it and leaves as an answer.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_FOLDER, openModels } from "../src/entry/node/local.ts";
import type { ErrorCode, Warning } from "../src/errors.ts";
import { decode } from "../src/formats/decoders.ts";
import { createApp } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "../src/schema/score.ts";

const MODELS = "jsb/lstm,speech-short/gru";

type Codes = readonly Warning["code"][];

/** How a file is read. */
interface Read {
  readonly notes: number;
  readonly quarters: number;
  /** File whose frames it has: every number of their scores is the same. */
  readonly as?: string;
  readonly warnings?: Codes; // of the file
  readonly ofGrid?: Codes; // of its notes at one frame a quarter note
  readonly says?: string; // part of a warning
}

const BASE = { notes: 16, quarters: 16, as: "00-base.mid" };
const TWO = { notes: 20, quarters: 16, as: "00-two.mid" };
const REPAIRED: Codes = ["repaired-midi"];

const MIDI: Readonly<Record<string, Read>> = {
  "00-base.mid": BASE,
  "00-two.mid": TWO,
  "02a-length-5-too-long-last.mid": { ...BASE, warnings: REPAIRED, says: "Track 1 is 5 bytes shorter" },
  "02b-length-5-too-long-first-of-2.mid": { ...TWO, warnings: REPAIRED, says: "Track 1 is 5 bytes shorter" },
  "02e-length-0-streaming.mid": { ...BASE, warnings: REPAIRED },
  "02f-missing-last-byte.mid": { ...BASE, warnings: REPAIRED },
  "03a-ntrks-one-too-many.mid": { ...TWO, warnings: REPAIRED, says: "The header counts 3 tracks, the file has 2" },
  "03b-ntrks-one-too-few.mid": { ...TWO, warnings: REPAIRED, says: "The header counts 1 track, the file has 2" },
  "03e-ntrks-0.mid": { ...BASE, warnings: REPAIRED, says: "The header counts 0 tracks" },
  "05a-format-2-one-track.mid": BASE,
  "07d-rmid-data-size-0.rmi": { ...BASE, warnings: REPAIRED },
  "10c-repeated-notes-whole.mid": { notes: 16, quarters: 31 },
  "10d-repeated-notes-one-off-missing.mid": {
    notes: 16,
    quarters: 31,
    warnings: ["restruck-notes"],
    says: "1 note has no note-off and ends where the same pitch is struck again.",
  },
  "12b-never-ended-late-eot.mid": {
    notes: 17,
    quarters: 16,
    warnings: ["unclosed-notes"],
    ofGrid: ["notes-between-frames"],
    says: "1 note has no end",
  },
  "15c-key-signature-1-byte.mid": BASE,
  "15d-sequence-number-0-bytes.mid": BASE,
  "15f-smpte-offset-4-bytes.mid": BASE,
  "15h-tempo-4-bytes.mid": BASE,
  "19d-one-zero-byte-between.mid": { ...TWO, warnings: REPAIRED, says: "A gap of 1 byte lies before track 2." },
  "23b-melody-on-channel-10.mid": {
    ...BASE,
    warnings: ["notes-left-out"],
    says: "4 notes of channel 10 (drums) were left out: channels=1,2,",
  },
  "27a-triplets.mid": {
    notes: 24,
    quarters: 8,
    ofGrid: ["notes-between-frames", "onsets-off-grid"],
    says: "16 of 24 onsets lie between grid points", // two of the three of each quarter
  },
  "27b-eighths-at-one-frame-a-quarter.mid": {
    notes: 16,
    quarters: 8,
    ofGrid: ["notes-between-frames", "onsets-off-grid"],
    says: "8 of 16 notes fall between frames",
  },
  "30j-macbinary.mid": { ...BASE, warnings: REPAIRED, says: "MacBinary" },
  "37a-f8-in-track.mid": { ...BASE, warnings: REPAIRED },
  "38b-velocity-200.mid": { ...BASE, warnings: REPAIRED },
  "38e-sysex-without-length.mid": { ...BASE, warnings: REPAIRED },
};

interface Heard {
  readonly samples: number;
  readonly rate: number; // Hz
  /** By how much its bits per sample may differ from those of the original: codecs that lose something change them too. */
  readonly within: number;
  readonly warnings?: Codes;
  readonly says?: string;
}

const ORIGINAL: Heard = { samples: 101_295, rate: 16_000, within: 1e-9 };
const DAMAGED: Codes = ["damaged-audio"];

const AUDIO: Readonly<Record<string, Heard>> = {
  "f01.flac": ORIGINAL,
  "f02-id3-prefix.flac": ORIGINAL,
  "f03-id3v1-tail.flac": ORIGINAL,
  "w25-rf64.wav": ORIGINAL,
  "w31-two-data.wav": ORIGINAL,
  "w40-51.wav": ORIGINAL,
  "x01.aiff": { samples: 303_885, rate: 48_000, within: 0.01 },
  "m07-leading-zeros.mp3": { samples: 279_194, rate: 44_100, within: 0.05 },
  "x05.webm": { samples: 304_008, rate: 48_000, within: 0.05 },
  "o05-chained.opus": { samples: 607_770, rate: 48_000, within: 0.05 }, // twice the original
  "e1_mid_removed.mp3": {
    samples: 223_535,
    rate: 44_100,
    within: 0.05,
    warnings: DAMAGED,
    says: "sound is missing at 2.48 s (1.28 s of it)",
  },
  "e3_mid_zeroed.flac": {
    samples: 93_103,
    rate: 16_000,
    within: 0.05,
    warnings: DAMAGED,
    says: "sound is missing at 2.05 s (0.51 s of it)",
  },
  "e6_page_lost.opus": {
    samples: 255_885,
    rate: 48_000,
    within: 0.05,
    warnings: DAMAGED,
    says: "sound is missing at 1.99 s (1.00 s of it)",
  },
  "w28-truncated.wav": {
    samples: 29_978,
    rate: 16_000,
    within: 0.2,
    warnings: ["cut-off"],
    says: "its header announces 101295 samples, and it holds 29978",
  },
};

/** Files that are refused: status, code and what the sentence names. */
const REFUSED: Readonly<Record<string, readonly [number, ErrorCode, string]>> = {
  "17c-one-stray-note-far-away.mid": [
    413,
    "too-large",
    "50,000 quarters of silence lie between quarter 16 and the last note.",
  ],
  "23a-drums-only.mid": [
    422,
    "nothing-to-score",
    "got 16 notes, all of them drums on channel 10. channels=10 reads them as pitches.",
  ],
  "30a-html-404.mid": [415, "unsupported-media-type", 'an HTML page that begins "<!DOCTYPE html>'],
  "30c-gzip.mid.gz": [415, "unsupported-media-type", "a gzip archive that begins with the bytes 1f 8b"],
  "30h-utf8-mangled.mid": [400, "malformed-midi", "read as text and written again as UTF-8: 33 of its bytes are lost"],
  "w07-empty-data-then-list.wav": [422, "nothing-to-score", "a file without sound"],
  "w10-pcm24-blockalign4.wav": [400, "malformed-audio", "blocks of 4 bytes"],
  "x06.m4a": [415, "unsupported-media-type", "AAC in MP4. This converts it: ffmpeg -i in.m4a -ar 8000 -ac 1 out.wav"],
};

const kinds = (kind: string) => new URL(`fixtures/${kind}/kinds/`, import.meta.url);
const files = new Map(
  ["midi", "audio"].flatMap((kind) =>
    readdirSync(kinds(kind))
      .filter((name) => name !== "README.md")
      .map((name) => [name, fileURLToPath(new URL(name, kinds(kind)))]),
  ),
);

interface Refusal {
  readonly status?: number; // of HTTP
  readonly code: string;
  readonly detail: string;
}
type Answer = ScoreResponse | Refusal;
const isRefusal = (answer: Answer): answer is Refusal => "code" in answer;

/** Each way in -> the answer to every file, by its name. */
const WAYS = { "the API": overHttp, "the command line": onCommandLine };

async function shippedApp() {
  const { models } = await openModels(DEFAULT_FOLDER);
  const log = (error: unknown) => {
    throw error;
  };
  return createApp({ models, limits: DEFAULT_LIMITS, decode, version: "1.2.3", log });
}

async function overHttp(): Promise<Map<string, Answer>> {
  const app = await shippedApp();
  const answers = new Map<string, Answer>();
  for (const [name, path] of files) {
    const body = new FormData();
    body.append("file", new File([readFileSync(path)], name));
    body.append("models", MODELS);
    answers.set(name, await (await app.request("/v1/score", { method: "POST", body })).json());
  }
  return answers;
}

async function onCommandLine(): Promise<Map<string, Answer>> {
  const script = fileURLToPath(new URL("../src/entry/cli/main.ts", import.meta.url));
  const args = ["score", "--json", "--models", MODELS, ...files.values()];
  const child = spawn(process.execPath, [script, ...args], { env: { ...process.env, SURPRISAL_MODELS: "" } });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  expect(exitCode).toBe(1); // some are refused
  const names = [...files.keys()];
  const answers = new Map<string, Answer>();
  for (const [i, line] of stdout.trimEnd().split("\n").entries()) {
    const { file, problem, ...answer } = JSON.parse(line);
    expect(file).toBe(files.get(names[i]));
    if (problem) expect(stderr).toContain(`${file}: ${problem.detail}`);
    answers.set(names[i], problem ?? answer);
  }
  return answers;
}

test("a melody in eighths has one pitch a frame", async () => {
  const body = readFileSync(files.get("27b-eighths-at-one-frame-a-quarter.mid") ?? "");
  const app = await shippedApp();
  const response = await app.request("/v1/score?models=jsb/lstm&detail=notes", { method: "POST", body });
  const [{ notes }] = (await response.json()).scores;
  expect(notes.map(({ frame }: { frame: number }) => frame)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("every file is in one of the tables", () => {
  expect([MIDI, AUDIO, REFUSED].flatMap(Object.keys).sort()).toEqual([...files.keys()].sort());
});

describe.each(Object.entries(WAYS))("by %s", (_, ask) => {
  let answers: Map<string, Answer>;
  beforeAll(async () => {
    answers = await ask();
  });
  const scored = <Response extends ScoreResponse>(name: string): Response => {
    const answer = answers.get(name);
    if (!answer || isRefusal(answer)) throw new Error(`Expected scores of ${name}, got ${JSON.stringify(answer)}.`);
    return answer as Response;
  };
  const said = ({ input, scores }: ScoreResponse) => ({
    ofFile: input.warnings.map(({ code }) => code),
    ofScore: scores[0].warnings.map(({ code }) => code).filter((code) => code !== "unlike-training-music"), // they are short
    text: [input, ...scores].flatMap(({ warnings }) => warnings.map(({ detail }) => detail)).join("\n"),
  });

  test.each(Object.entries(MIDI))("%s is read as it is meant", (name, { notes, quarters, ...wanted }) => {
    const answer = scored<MusicScoreResponse>(name);
    expect(answer.input).toMatchObject({ kind: "music", notes, durationQuarters: quarters });
    const { ofFile, ofScore, text } = said(answer);
    expect([ofFile, ofScore]).toEqual([wanted.warnings ?? [], wanted.ofGrid ?? []]);
    expect(text).toContain(wanted.says ?? "");
    const [{ model, nll, frames }] = answer.scores;
    expect([model, frames, nll > 0]).toEqual(["jsb/lstm", quarters, true]);
    if (wanted.as) expect(answer.scores).toEqual(scored(wanted.as).scores);
  });

  test.each(Object.entries(AUDIO))("%s is heard as it sounds", (name, { samples, rate, within, ...wanted }) => {
    const answer = scored<AudioScoreResponse>(name);
    expect(answer.input).toMatchObject({ kind: "audio", samples, sampleRate: rate });
    const { ofFile, ofScore, text } = said(answer);
    expect([ofFile, ofScore]).toEqual([wanted.warnings ?? [], []]);
    expect(text).toContain(wanted.says ?? "");
    const [original] = scored<AudioScoreResponse>("f01.flac").scores;
    expect(answer.scores.map(({ model }) => model)).toEqual(["speech-short/gru"]);
    expect(Math.abs(answer.scores[0].bitsPerSample / original.bitsPerSample - 1)).toBeLessThan(within);
  });

  test.each(Object.entries(REFUSED))("%s is refused, and the cause named", (name, [status, code, part]) => {
    const answer = answers.get(name);
    expect(answer).toMatchObject({ code, detail: expect.stringContaining(part) });
    if (answer && "status" in answer) expect(answer.status).toBe(status);
  });
});
