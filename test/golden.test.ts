/**
 * What the shipped models answer, recorded: refactoring must not change a bit of it. A change that is meant to is recorded
 * anew by `npx vitest run test/golden.test.ts -u`, and said in the CHANGELOG.
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
  ["format-0.mid", "audio/midi", file("midi/format-0.mid"), "transpose=auto&detail=comparison", "transpose=auto"],
  [
    "piano roll",
    "application/json",
    json({ pianoRoll: randomPiece(1, 200) }),
    "detail=frames",
    "steps=20&temperature=0.8",
  ],
  [
    "transposed roll",
    "application/json",
    json({ pianoRoll: randomPiece(2, 40) }),
    "transpose=-3&detail=notes",
    "transpose=5",
  ],
  ["tones.flac", "audio/flac", file("audio/tones.flac"), "detail=frames", "steps=5&seed=1"],
  ["samples", "application/json", json({ samples: [...randomRecording(3, 4005)], sampleRate: 8000 }), "", "steps=3"],
] as const;

test("answers of all shipped models are those recorded, bit for bit", async () => {
  const models = await (await openModels(DEFAULT_FOLDER)).models();
  const app = createApp({ models: () => models, limits: DEFAULT_LIMITS, decode, version: "0", log: console.error });
  const lines: string[] = [];
  for (const [name, type, body, score, predict] of INPUTS) {
    for (const path of [`/score?${score}`, `/predict?${predict}`]) {
      const response = await app.request(path, { method: "POST", headers: { "content-type": type }, body });
      const text = await response.text();
      const { scores = [] } = JSON.parse(text) as { scores?: { model: string; nll: number }[] };
      const digest = createHash("sha256").update(text).digest("hex");
      lines.push(`${name} ${path}: ${response.status}, ${text.length} characters, sha256 ${digest}`);
      lines.push(...scores.map(({ model, nll }) => `  ${model} ${nll}`));
    }
  }
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("fixtures/golden.txt");
});
