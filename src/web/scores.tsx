/** One row for each set of pieces that models learned from, or one for each model; and how they are asked. */
import { Fragment } from "preact";
import { useState } from "preact/hooks";
import type { ScoreResponse } from "../schema/score.ts";
import { isMusic } from "./api.ts";
import { measure, percentileOf, rowsOf } from "./ranking.ts";
import { Scrollable } from "./scrollable.tsx";
import type { Settings } from "./settings.ts";
import { warningsOf } from "./warnings.ts";
import { setTitle, share } from "./words.ts";

interface Props {
  readonly all: ScoreResponse;
  readonly every: ScoreResponse | null; // of all models that there are
  readonly model: string; // shown
  readonly settings: Settings;
  readonly inBrowser: boolean; // scored
  onEvery(): void;
  onModel(model: string): void;
  onSettings(settings: Settings): void;
  onWhere(inBrowser: boolean): void;
}

export function Scores(props: Props) {
  const { all, every, model, settings, inBrowser, onEvery, onModel, onSettings, onWhere } = props;
  const shown = [...(every ?? all).scores, ...all.scores].find((each) => each.model === model);
  const warnings = shown ? warningsOf(all, shown) : all.input.warnings.map(({ detail }) => detail);
  return (
    <section class="scores" aria-labelledby="scores">
      <h2 id="scores">Who knows it best?</h2>
      <Sets all={all} every={every} model={model} onEvery={onEvery} onModel={onModel} />
      <Words isOfMusic={isMusic(all)} />
      {isMusic(all) && (
        <label class="switch">
          <input
            type="number"
            min={-127}
            max={127}
            placeholder="automatic"
            value={settings.transpose}
            onChange={({ currentTarget }) => onSettings({ ...settings, transpose: currentTarget.value })}
          />
          <span>
            Transpose by semitones
            <span class="hint">empty: each set's networks get the piece in the key and register that they know</span>
          </span>
        </label>
      )}
      {isMusic(all) && (
        <Switch
          name="Let the networks learn while they listen"
          hint="what comes back in the piece then surprises them less"
          isOn={settings.adaptive === "true"}
          onChange={(isOn) => onSettings({ ...settings, adaptive: isOn ? "true" : "" })}
        />
      )}
      <Switch
        name="Score in this browser"
        hint="the networks come here, and your file stays"
        isOn={inBrowser}
        onChange={onWhere}
      />
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="What the numbers do not show">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

const WORDS = {
  music: [
    [
      "jsb, nottingham, musedata, piano-midi",
      "the collection that the network learned: Bach chorales, folk tunes, orchestral and chamber music, piano music",
    ],
    ["tanh, lstm, gru", "three kinds of recurrent networks, from the simplest on"],
    ["-nade", "expects the notes of a chord together; a network without it takes each pitch by itself"],
    ["-large", "has more units"],
    ["-distilled", "was taught by larger networks"],
    ["mixture", "the average of a collection's networks"],
    ["frame", "a moment at which the network listens: so many a quarter note as the collection has"],
    [
      "bar",
      "counted from 1 at the beginning of the file, an upbeat included: a MIDI file does not tell an upbeat from a short bar",
    ],
    [
      "more surprising than",
      "of the pieces of the collection that were kept for testing, those that surprised the network less",
    ],
    [
      "chance of a note",
      "that it comes next above the notes below it; of a key: that it sounds at all, before any note of the moment is known; of a whole: that these notes sound and no others",
    ],
    ["nat", "the unit of surprise: 0 for what is certain, 1 for a chance of 37 %, 4.6 for a chance of 1 %"],
  ],
  audio: [
    ["speech-short, speech-long", "the recordings of speech that the network learned, in short or in long excerpts"],
    ["tanh, lstm, gru", "three kinds of recurrent networks, from the simplest on"],
    ["bits a sample", "how much is needed, on average, to say what the next sample is: 16 without any network"],
  ],
} as const;

function Words({ isOfMusic }: { isOfMusic: boolean }) {
  return (
    <details>
      <summary>What the words mean</summary>
      <dl class="words">
        {WORDS[isOfMusic ? "music" : "audio"].map(([word, meaning]) => (
          <Fragment key={word}>
            <dt>{word}</dt>
            <dd>{meaning}</dd>
          </Fragment>
        ))}
      </dl>
    </details>
  );
}

interface SwitchProps {
  readonly name: string;
  readonly hint: string;
  readonly isOn: boolean;
  onChange(isOn: boolean): void;
}

const Switch = ({ name, hint, isOn, onChange }: SwitchProps) => (
  <label class="switch">
    <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
    <span>
      {name}
      <span class="hint">{hint}</span>
    </span>
  </label>
);

/** What numbers are shown, and what they mean. */
const MEASURES = {
  music:
    "Mean surprise in nats a frame: the lower, the better the network knew what came. A nat is the surprise at what had a chance of 37 %. Networks of one set read the same frames; those of different sets may not.",
  audio: "Bits that a sample takes: the fewer, the better the network knew what came.",
} as const;

function Sets({ all, every, model, onEvery, onModel }: Pick<Props, "all" | "every" | "model" | "onEvery" | "onModel">) {
  const [open, setOpen] = useState(false);
  const isOfMusic = isMusic(all);
  const rows = rowsOf(open ? (every ?? all) : all);
  const toggle = () => {
    if (!open && !every) onEvery();
    setOpen(!open);
  };
  return (
    <Scrollable label="Scores">
      <table class="sets" data-open={open}>
        <caption>{MEASURES[all.input.kind]}</caption>
        <thead>
          <tr>
            <th scope="col">learned from</th>
            <th scope="col">network</th>
            <th scope="col" class="number">
              {isOfMusic ? "nats a frame" : "bits a sample"}
            </th>
            {isOfMusic && <th scope="col">more surprising than</th>}
            {isOfMusic && (
              <th scope="col" class="number extra">
                shifted by
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.flatMap(({ set, scores }) =>
            (open ? scores : scores.slice(0, 1)).map((score, k) => (
              <tr key={score.model} class={score.model === model ? "shown" : ""}>
                <th scope="row">{k === 0 ? setTitle(set) : <span class="again">{setTitle(set)}</span>}</th>
                <td>
                  <button type="button" aria-pressed={score.model === model} onClick={() => onModel(score.model)}>
                    {score.model}
                  </button>
                </td>
                <td class="number">{measure(score).toFixed(isOfMusic ? 2 : 3)}</td>
                {isOfMusic && (
                  <td>
                    <Share percentile={percentileOf(score)} />
                  </td>
                )}
                {"transposedBy" in score && (
                  <td class="number extra">{`${score.transposedBy > 0 ? "+" : ""}${score.transposedBy}`}</td>
                )}
              </tr>
            )),
          )}
        </tbody>
      </table>
      <button type="button" class="quiet" aria-expanded={open} onClick={toggle}>
        {open ? "One network a set" : "All networks"}
      </button>
    </Scrollable>
  );
}

function Share({ percentile }: { percentile: number | undefined }) {
  if (percentile === undefined) return <span class="hint">not measured</span>;
  return (
    <span class="share">
      <span class="bar">
        <span style={{ width: `${percentile}%` }} />
      </span>
      {share(percentile)}
    </span>
  );
}
