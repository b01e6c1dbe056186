/** Samples 16 frames that follow a MIDI file and writes them as a MIDI file.   node predict.ts FILE OUTPUT */
import { readFile, writeFile } from "node:fs/promises";

const { SURPRISAL_URL = "http://127.0.0.1:8787" } = process.env;
const [file = "", output = ""] = process.argv.slice(2);

const options = new URLSearchParams({ models: "jsb/gru", steps: "16", seed: "7" });
const response = await fetch(`${SURPRISAL_URL}/v1/predict?${options}`, {
  method: "POST",
  headers: { "Content-Type": "audio/midi", Accept: "audio/midi" },
  body: await readFile(file),
});
if (!response.ok) throw new Error(((await response.json()) as { detail: string }).detail);
await writeFile(output, new Uint8Array(await response.arrayBuffer()));
