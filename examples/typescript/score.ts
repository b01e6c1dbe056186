/** Scores a MIDI or audio file and prints nats per frame (audio: per step) of each model.   node score.ts FILE [MODELS] */
import { openAsBlob } from "node:fs";

const { SURPRISAL_URL = "http://127.0.0.1:8787" } = process.env;
const [file = "", models] = process.argv.slice(2);

interface Answer {
  readonly scores: readonly { readonly model: string; readonly nll: number }[];
  readonly best: string | null; // null where models of several frame rates read the piece
  readonly bestByFrameRate?: readonly { readonly framesPerQuarter: number; readonly model: string }[]; // of music
}

const form = new FormData();
form.set("file", await openAsBlob(file), file);
if (models !== undefined) form.set("models", models);
const response = await fetch(`${SURPRISAL_URL}/v1/score`, { method: "POST", body: form });
if (!response.ok) throw new Error(((await response.json()) as { detail: string }).detail);
const { scores, best, bestByFrameRate } = (await response.json()) as Answer;
for (const { model, nll } of scores) console.log(`${model}\t${nll.toFixed(3)}`);
if (best !== null) console.log(`best: ${best}`);
else
  for (const { framesPerQuarter, model } of bestByFrameRate ?? [])
    console.log(`best at ${framesPerQuarter} per quarter note: ${model}`);
