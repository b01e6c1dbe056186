/** Take it along: a link, the numbers, a picture, and the command that gives the same answer. */
import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import type { ScoreResponse } from "../schema/score.ts";
import { csv } from "../util/csv.ts";
import { curl, isMusic, type Options } from "./api.ts";
import type { Drawing } from "./chart.tsx";
import { download, stemOf } from "./download.ts";
import { pngOf, svgOf } from "./picture.ts";
import { sentenceOf } from "./verdict.tsx";

interface Props {
  readonly file: File;
  readonly title: string;
  readonly answer: ScoreResponse; // of the model that is shown
  readonly all: ScoreResponse | null;
  readonly options: Options; // of `answer`
  readonly drawing: RefObject<Drawing | null>;
}

export function Share({ file, title, answer, all, options, drawing }: Props) {
  const [said, setSaid] = useState("");
  const stem = stemOf(file.name);
  const copy = async (text: string, what: string) => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(`${what} is copied.`);
    } catch {
      setSaid("The browser does not let this page copy; select the text instead.");
    }
  };
  const command = curl("score", file.name, options);
  const words = { title, verdict: sentenceOf(all, answer), model: answer.scores[0].model };
  const picture = async (make: typeof pngOf | typeof svgOf, extension: string) => {
    const blob = drawing.current && (await make(drawing.current, words));
    if (blob) download(blob, `${stem}.${extension}`);
  };
  return (
    <section class="take" aria-label="Take it along">
      <h2>Take it along</h2>
      <div class="fields">
        <button type="button" onClick={() => void copy(location.href, "The link")}>
          Copy link
        </button>
        <button type="button" onClick={() => void picture(pngOf, "png")}>
          Picture, PNG
        </button>
        <button type="button" onClick={() => void picture(svgOf, "svg")}>
          Picture, SVG
        </button>
        <button type="button" onClick={() => download(new Blob([table(answer)], { type: "text/csv" }), `${stem}.csv`)}>
          CSV
        </button>
        <button
          type="button"
          onClick={() =>
            download(
              new Blob([JSON.stringify({ all, shown: answer }, null, 1)], { type: "application/json" }),
              `${stem}.json`,
            )
          }
        >
          JSON
        </button>
      </div>
      <p>The same by HTTP:</p>
      <div class="command">
        <pre>
          <code>{command}</code>
        </pre>
        <button type="button" onClick={() => void copy(command, "The command")}>
          Copy command
        </button>
      </div>
      <p role="status" class="hint">
        {said}
      </p>
    </section>
  );
}

/** A row for each note, or each step of a recording. */
function table(answer: ScoreResponse): string {
  if (!isMusic(answer)) {
    const [{ perStep = [] }] = answer.scores as { perStep?: number[] }[];
    return csv([["step", "nll"], ...perStep.map((nll, step) => [step, nll])]);
  }
  const [{ notes = [] }] = answer.scores;
  const columns = [
    "frame",
    "pitch",
    "bar",
    "beat",
    "onsetSeconds",
    "durationSeconds",
    "channel",
    "track",
    "nll",
    "probability",
  ] as const;
  return csv([columns, ...notes.map((note) => columns.map((name) => note[name]))]);
}
