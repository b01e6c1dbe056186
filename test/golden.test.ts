/**
 * The numbers that the shipped models answer, recorded: refactoring must not change a bit of them. A change that is meant to
 * is recorded anew by `npx vitest run test/golden.test.ts -u`, and named in the CHANGELOG.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEFAULT_FOLDER, openModels } from "../src/entry/node/local.ts";
import { decode } from "../src/formats/decoders.ts";
import { createApp } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import { randomPiece, randomRecording } from "./support/models.ts";

const file = (name: string) => new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
const json = (body: object) => JSON.stringify(body);

/** Name, media type, body, query of /score, query of /predict. */
const INPUTS = [
  ["format-1.mid", "audio/midi", file("midi/format-1.mid"), "detail=notes", "steps=8&seed=3"],
  ["format-0.mid", "audio/midi", file("midi/format-0.mid"), "detail=comparison", ""],
  ["a roll", "application/json", json({ pianoRoll: randomPiece(1, 200) }), "detail=frames", "steps=20&temperature=0.8"],
  [
    "a roll shifted",
    "application/json",
    json({ pianoRoll: randomPiece(2, 40) }),
    "transpose=-3&detail=notes",
    "transpose=5",
  ],
  ["tones.flac", "audio/flac", file("audio/tones.flac"), "detail=frames", "steps=5&seed=1"],
  ["samples", "application/json", json({ samples: [...randomRecording(3, 4005)], sampleRate: 8000 }), "", "steps=3"],
] as const;

/** What is recorded of the answer of one model: its NLL, and a digest of every other number. */
interface Answer {
  readonly model: string;
  readonly nll?: number;
  readonly [field: string]: unknown;
}
const NUMBERS = [
  ...["logLikelihood", "perFrame", "notes", "perStep", "nllPerSample", "bitsPerSample"],
  ...["probabilities", "likely", "continuation", "weights", "means", "scales", "expected"],
];
const recorded = (answer: Answer) => {
  const digest = createHash("sha256")
    .update(JSON.stringify(NUMBERS.map((name) => answer[name] ?? null)))
    .digest("hex");
  return `  ${answer.model} ${answer.nll ?? "next"} ${digest.slice(0, 16)}`;
};

test("answers of the shipped models are those recorded, bit for bit", async () => {
  const all = await (await openModels(DEFAULT_FOLDER)).models();
  const models = all.filter(({ preset }) => preset === "paper" || preset === "large");
  const app = createApp({ models: () => models, limits: DEFAULT_LIMITS, decode, version: "0", log: console.error });
  const lines: string[] = [];
  for (const [name, type, body, score, predict] of INPUTS) {
    for (const path of [`/score?models=*/*&${score}`, `/predict?models=*/*&${predict}`]) {
      const response = await app.request(path, { method: "POST", headers: { "content-type": type }, body });
      const { scores = [], predictions = [] } = (await response.json()) as Record<string, Answer[]>;
      lines.push(`${name} ${path}: ${response.status}`, ...[...scores, ...predictions].map(recorded));
    }
  }
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("fixtures/golden.txt");
});
