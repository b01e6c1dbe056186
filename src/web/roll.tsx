/** The piano roll with its playback, what is said of the chosen note, and the same as a table. */
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ScoreResponse } from "../schema/score.ts";
import type { Api } from "./api.ts";
import { Chart, type Drawing, moved, type View, zoomed } from "./chart.tsx";
import { drawPiece, KEYBOARD, lanesOf, pitchAt } from "./draw.ts";
import { Keys } from "./keys.tsx";
import { Legend } from "./legend.tsx";
import { type Shown, type Sound, surprisesOf } from "./piece.ts";
import { notesToPlay, type Player } from "./player.ts";
import { Scrollable } from "./scrollable.tsx";
import { Transport } from "./transport.tsx";
import { counted, pitchName } from "./words.ts";

interface Props {
  readonly api: Api;
  readonly shown: Shown;
  readonly rival: Shown | null; // another model, whose curve is drawn as well
  readonly models: ScoreResponse["scores"]; // that may be the rival
  onRival(model: string): void;
  readonly ghosts: readonly Sound[];
  readonly player: Player;
  readonly name: string;
  readonly drawing: RefObject<Drawing | null>;
}

const HEIGHT = 410;
/** Pixels by which a press may miss a note. */
const REACH = 8;
const PIXELS_PER_QUARTER = 16; // at first, or more

export function PieceRoll(props: Props) {
  const { api, shown, rival, models, onRival, ghosts, player, name, drawing } = props;
  const sounds = useMemo(() => [...shown.sounds, ...ghosts], [shown, ghosts]);
  const range = { from: shown.from, to: ghosts.reduce((end, g) => Math.max(end, g.start + g.length), shown.to) };
  const [view, setView] = useState<View>({
    from: range.from,
    to: Math.min(range.to, range.from + innerWidth / PIXELS_PER_QUARTER),
  });
  const [frame, setFrame] = useState<number | null>(null);
  const [sound, setSound] = useState<Sound | null>(null);
  const [jump, setJump] = useState(""); // by a button: nobody has heard where to
  const lanes = useMemo(() => lanesOf(sounds), [sounds]);
  const surprises = useMemo(() => surprisesOf(shown), [shown]);
  useEffect(() => player.load(notesToPlay(sounds)), [sounds]);
  const figure = useRef<HTMLElement>(null);
  const bringIntoView = () => {
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    figure.current?.querySelector(".chart")?.scrollIntoView({ block: "nearest", behavior });
  };
  useEffect(() => {
    if (ghosts.length === 0) return;
    bringIntoView();
    setView((view) => ({ from: Math.max(range.from, range.to - (view.to - view.from)), to: range.to }));
  }, [ghosts]);

  const frameAt = (time: number) => {
    const frame = Math.floor((time - shown.startQuarters) * shown.framesPerQuarter);
    return frame >= 0 && frame < shown.frames.length ? frame : null;
  };
  /** @param reach pixels by which a finger may miss a note */
  const soundAt = (time: number, y: number, reach: number) => {
    const there = sounds.filter((each) => time >= each.start && time < each.start + each.length);
    for (let miss = 0; miss <= reach; miss++) {
      const pitches = [pitchAt(y - miss, HEIGHT, lanes), pitchAt(y + miss, HEIGHT, lanes)];
      const found = there.findLast(({ pitch }) => pitches.includes(pitch));
      if (found) return found;
    }
    return null;
  };
  const point = (time: number, y: number, isFirm: boolean) => {
    const found = soundAt(time, y, isFirm ? REACH : 0);
    if (!isFirm && found === null && sound === null) return;
    setSound(found);
    setFrame(found?.frame ?? (isFirm ? frameAt(time) : frame));
    if (isFirm) player.seek(shown.clock.seconds(Math.max(shown.from, found?.start ?? time)));
  };
  const step = (to: number, chosen = mostSurprising(shown.sounds.filter((each) => each.frame === to))) => {
    setJump("");
    setFrame(to);
    const start = shown.startQuarters + to / shown.framesPerQuarter;
    setSound(chosen);
    player.seek(shown.clock.seconds(start));
    const end = start + Math.max(chosen?.length ?? 0, 1 / shown.framesPerQuarter);
    if (start < view.from || end > view.to) {
      const span = view.to - view.from;
      setView(moved({ from: start - span / 4, to: start + (3 * span) / 4 }, range, 0));
    }
  };
  const playhead = () => shown.clock.quarters(player.position);
  const nextSurprise = () => {
    const at = Math.floor((playhead() - shown.startQuarters) * shown.framesPerQuarter + 1e-6); // frame
    const after = surprises.findIndex((each) => (each.frame ?? 0) > at);
    const found = after === -1 ? 0 : after; // from the beginning again
    const next = surprises[found];
    if (!next || next.frame === null) return;
    step(next.frame, next);
    bringIntoView();
    setJump(`Surprise ${found + 1} of ${surprises.length}, the notes it expected least.`);
  };
  const text = [sound?.said, frame === null ? "" : shown.frames[frame]].filter(Boolean);
  return (
    <figure ref={figure} class="roll" aria-label={`${name} under ${shown.model}`}>
      <div class="stage">
        <div class="played">
          <p class="heard">
            As <strong>{shown.model}</strong> heard it
          </p>
          <Transport
            player={player}
            onNextSurprise={nextSurprise}
            onZoom={(factor) => setView(zoomed(view, range, factor, undefined))}
            onFit={() => setView(range)}
          />
          <Chart
            label="Frames of the piece; arrow keys move, space plays, plus and minus zoom, 0 shows all"
            height={HEIGHT}
            left={KEYBOARD}
            range={range}
            view={view}
            onView={setView}
            draw={(surface) => drawPiece(surface, shown, ghosts, lanes, rival, { frame, sound })}
            playhead={playhead}
            isMoving={player.isPlaying}
            steps={shown.frames.length}
            step={frame}
            text={text.join(" ")}
            onStep={(to) => step(to)}
            onToggle={() => player.toggle()}
            onPoint={point}
            drawing={drawing}
          />
          <div class="legends">
            <Legend most="surprising, 1 % or less" hasUnscored />
            <Rivals shown={shown} rival={rival} models={models} onRival={onRival} />
          </div>
        </div>
        <div class="side">
          <div class="chosen" data-chosen={text.length > 0}>
            <p class="announced" role="status">
              {jump && [jump, ...text].join(" ")}
            </p>
            {jump && <p class="hint">{jump}</p>}
            <p class="said" data-stale={player.isPlaying}>
              {text.length === 0 && "Point at a note, tap it, or press an arrow key, to see what was expected there."}
              {sound && <strong>{sound.said}</strong>}
            </p>
            {frame !== null && frame > 0 && <Keys api={api} shown={shown} frame={frame} />}
          </div>
          {frame !== null && (
            <div class="more">
              <p>{shown.frames[frame]}</p>
              {frame > 0 && (
                <p class="hint">
                  A note’s chance is that of coming next, above the notes below it; a key’s, that of sounding at all; a
                  whole’s, that of all its notes and no others.
                </p>
              )}
            </div>
          )}
        </div>
      </div>
      <NoteTable sounds={shown.sounds} onSound={(chosen) => chosen.frame !== null && step(chosen.frame, chosen)} />
    </figure>
  );
}

/** Chooses a model that reads the same frames, to see its curve over the shown one's. */
function Rivals({ shown, rival, models, onRival }: Pick<Props, "shown" | "rival" | "models" | "onRival">) {
  const others = [...models].filter(
    (each) => "framesPerQuarter" in each && each.framesPerQuarter === shown.framesPerQuarter,
  );
  return (
    <label>
      Also the curve of
      <select value={rival?.model ?? ""} onChange={({ currentTarget }) => onRival(currentTarget.value)}>
        <option value="">no other network</option>
        {others.map(({ model }) => model !== shown.model && <option key={model}>{model}</option>)}
      </select>
    </label>
  );
}

const mostSurprising = (sounds: readonly Sound[]): Sound | null =>
  sounds.reduce<Sound | null>((most, each) => ((each.surprisal ?? -1) > (most?.surprisal ?? -1) ? each : most), null);

const ROWS = 500;

function NoteTable({ sounds, onSound }: { readonly sounds: readonly Sound[]; onSound(sound: Sound): void }) {
  const [isOpen, setOpen] = useState(false);
  const scored = sounds.filter(({ surprisal }) => surprisal !== null);
  const rows = scored.toSorted((a, b) => (b.surprisal ?? 0) - (a.surprisal ?? 0)).slice(0, ROWS);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>The notes as a table</summary>
      {isOpen && (
        <Scrollable label="Table of notes">
          <table>
            <caption>
              {scored.length > ROWS
                ? `The ${ROWS} most surprising of ${counted(scored.length, "note")}; the CSV file below has all`
                : "The most surprising first"}
            </caption>
            <thead>
              <tr>
                <th scope="col">note</th>
                <th scope="col">surprisal</th>
                <th scope="col">what was expected</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((sound) => (
                <tr key={`${sound.pitch} ${sound.start}`}>
                  <th scope="row">
                    <button type="button" onClick={() => onSound(sound)}>
                      {pitchName(sound.pitch)}
                    </button>
                  </th>
                  <td>{sound.surprisal?.toFixed(2)} nats</td>
                  <td>{sound.said}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
    </details>
  );
}
