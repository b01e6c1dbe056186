/** What the scores say, before all numbers. */
import type { ScoreResponse } from "../schema/score.ts";
import { isMusic } from "./api.ts";
import { knowsBest, sentenceOf } from "./sentences.ts";
import { counted } from "./words.ts";

function factsOf({ input }: ScoreResponse): string[] {
  if (input.kind === "audio") return [`${input.durationSeconds.toFixed(1)} s`, `${input.sampleRate} Hz`];
  const { notes, durationQuarters } = input;
  const length = durationQuarters === undefined ? [] : [counted(Math.round(durationQuarters), "quarter note")];
  return [counted(notes, "note"), ...length];
}

interface Props {
  readonly all: ScoreResponse | null; // of all that were asked
  readonly shown: ScoreResponse; // of one model, until all have answered
  readonly title: string;
}

export function Verdict({ all, shown, title }: Props) {
  return (
    <div class="verdict">
      <h2>{title}</h2>
      <p class="facts">{factsOf(all ?? shown).join(" · ")}</p>
      <p class="first">{sentenceOf(all, shown)}</p>
      {all && isMusic(all) && <p>{knowsBest(all)}</p>}
    </div>
  );
}
