/** Take it along: a link, the numbers, a picture, and the command that gives the same answer. */
import type { RefObject } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { ScoreResponse } from "../schema/score.ts";
import { csv } from "../util/csv.ts";
import { curl, isMusic, type Options } from "./api.ts";
import type { Drawing } from "./chart.tsx";
import { download, stemOf } from "./download.ts";
import { fragmentOf } from "./link.ts";
import { pngOf, svgOf } from "./picture.ts";

interface Props {
  readonly file: File;
  readonly title: string;
  readonly answer: ScoreResponse; // of the model that is shown
  readonly all: ScoreResponse | null;
  readonly verdict: string;
  readonly isOwn: boolean; // a file of the visitor's, not an example
  readonly options: Options; // of `answer`
  readonly drawing: RefObject<Drawing | null>;
}

export function Share({ file, title, answer, all, verdict, isOwn, options, drawing }: Props) {
  const [said, setSaid] = useState("");
  const stem = stemOf(file.name);
  const copy = async (text: string, done: string) => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(done);
    } catch {
      setSaid("The browser does not let this page copy; select the text instead.");
    }
  };
  const fragment = useMemo(() => (isOwn ? fragmentOf(file) : null), [file, isOwn]); // copying may not wait long for it
  const copyLink = async () => {
    const own = await fragment;
    const url = new URL(location.href);
    url.hash = own?.text ?? "";
    if (!own) return copy(url.href, "The link is copied.");
    return copy(
      url.href,
      own.holdsFile
        ? `The link is copied. It holds ${file.name} itself: whoever has the link has the piece.`
        : `A link to the settings is copied. ${file.name} is too large for a link and stays with you: send the file as well.`,
    );
  };
  const command = curl("score", file.name, options);
  const words = { title, verdict, model: answer.scores[0].model };
  const picture = async (make: typeof pngOf | typeof svgOf, extension: string) => {
    const blob = drawing.current && (await make(drawing.current, words));
    if (blob) download(blob, `${stem}.${extension}`);
  };
  return (
    <section class="take" aria-label="Take it along">
      <h2>Take it along</h2>
      <div class="fields">
        <button type="button" onClick={() => void copyLink()}>
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
      <p role="status" class="hint">
        {said}
      </p>
      <p>The same by HTTP:</p>
      <div class="command">
        <pre>
          <code>{command}</code>
        </pre>
        <button type="button" onClick={() => void copy(command, "The command is copied.")}>
          Copy command
        </button>
      </div>
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
