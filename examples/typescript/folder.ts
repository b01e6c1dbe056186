/**
 * Scores every MIDI file of a folder under one model, the least surprising first.   node folder.ts FOLDER [MODEL]
 * Four requests are under way at a time. A file that cannot be scored is named on standard error with the reason.
 */
import { glob, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

const { SURPRISAL_URL = "http://127.0.0.1:8787" } = process.env;
const [folder = "", model = "jsb/gru"] = process.argv.slice(2);

type Answer = { readonly scores: readonly { readonly nll: number }[] } | { readonly detail: string };

const scored: { file: string; nll: number }[] = [];
const files = glob(join(folder, "*.mid"));

/** Takes the next file as long as there is one; the four workers share the list. */
async function work(): Promise<void> {
  for await (const file of files) {
    const response = await fetch(`${SURPRISAL_URL}/v1/score?${new URLSearchParams({ models: model })}`, {
      method: "POST",
      headers: { "Content-Type": "audio/midi" },
      body: await readFile(file),
    });
    const answer = (await response.json()) as Answer;
    if ("scores" in answer) scored.push({ file, nll: answer.scores[0].nll });
    else {
      console.error(`${basename(file)}: ${answer.detail}`);
      process.exitCode = 1;
    }
  }
}

await Promise.all([work(), work(), work(), work()]);
scored.sort((a, b) => a.nll - b.nll);
for (const { file, nll } of scored) console.log(`${nll.toFixed(3)}\t${basename(file)}`);
