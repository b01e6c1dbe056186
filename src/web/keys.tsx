/** The model's keyboard: how likely each key was in a frame, before the model heard it, and which keys then sounded. */
import { useEffect, useState } from "preact/hooks";
import type { Prediction } from "../schema/predict.ts";
import { type Api, Fault } from "./api.ts";
import { heardIn, type Shown } from "./piece.ts";
import { isBlackKey, percent, pitchName } from "./words.ts";

interface Props {
  readonly api: Api;
  readonly shown: Shown;
  readonly frame: number; // from 1: nothing comes before the first
}

const WAIT_MS = 120; // until one frame is stayed at
const [WHITE, BLACK, HEIGHT, BLACK_HEIGHT] = [14, 9, 64, 40];
const LISTED = 5;

export function Keys({ api, shown, frame }: Props) {
  const [known, setKnown] = useState<{ prediction: Prediction; shown: Shown; frame: number } | null>(null);
  const isEnd = frame === shown.frames.length;
  useEffect(() => {
    const controller = new AbortController();
    const { model, transposedBy, framesPerQuarter, adaptive } = shown;
    const options = { models: [model], transpose: transposedBy, framesPerQuarter, adaptive };
    const timer = setTimeout(async () => {
      try {
        const { predictions } = await api.next(heardIn(shown, frame), options, controller.signal);
        setKnown({ prediction: predictions[0], shown, frame });
      } catch (error) {
        if (!controller.signal.aborted && !(error instanceof Fault)) throw error;
        setKnown(null); // the roll says as much as it can without
      }
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [api, shown, frame]);
  if (known?.shown !== shown || known.frame !== frame) return <div class="keys" />; // what is known is of another frame
  const { prediction } = known;
  const sounded = isEnd ? [] : heardIn(shown, frame + 1)[frame];
  const likeliest = prediction.likely.slice(0, LISTED);
  const said = likeliest.map(({ pitch, probability }) => `${pitchName(pitch)} ${percent(probability)}`).join(", ");
  return (
    <div class="keys">
      <Keyboard prediction={prediction} sounded={sounded} />
      <p class="hint">
        {isEnd ? "Keys it expects next" : "Keys it expected here"}, each by itself: {said}.
        {sounded.length > 0 && " Dots mark those that were played."}
      </p>
    </div>
  );
}

function Keyboard({ prediction, sounded }: { prediction: Prediction; sounded: readonly number[] }) {
  const { probabilities, transposedBy } = prediction;
  const probabilityOf = (pitch: number) => probabilities[pitch + transposedBy - 1] ?? 0;
  const known = [
    ...prediction.likely.filter(({ probability }) => probability > 0.02).map(({ pitch }) => pitch),
    ...sounded,
  ];
  // Whole octaves, from the C below the lowest to the B above the highest.
  const lowest = 12 * Math.floor(Math.min(48, ...known) / 12);
  const highest = 12 * Math.floor(Math.max(83, ...known) / 12) + 11;
  const pitches = Array.from({ length: highest - lowest + 1 }, (_, k) => lowest + k);
  const whites = pitches.filter((pitch) => !isBlackKey(pitch));
  const width = WHITE * whites.length;
  const left = (pitch: number) =>
    isBlackKey(pitch) ? WHITE * (whites.indexOf(pitch - 1) + 1) - BLACK / 2 : WHITE * whites.indexOf(pitch);
  const key = (pitch: number) => {
    const [name, wide, height] = isBlackKey(pitch) ? ["black", BLACK, BLACK_HEIGHT] : ["white", WHITE, HEIGHT];
    const box = { x: left(pitch), y: 0, width: wide, height };
    return (
      <g key={pitch}>
        <title>{`${pitchName(pitch)} ${percent(probabilityOf(pitch))}`}</title>
        <rect class={name} {...box} />
        <rect class="expected" {...box} fill-opacity={probabilityOf(pitch)} />
        {sounded.includes(pitch) && <circle cx={box.x + wide / 2} cy={height - 8} r={3.2} />}
        {pitch % 12 === 0 && (
          <text x={box.x + wide / 2} y={HEIGHT + 11}>
            {pitchName(pitch)}
          </text>
        )}
      </g>
    );
  };
  return (
    <svg viewBox={`0 0 ${width} ${HEIGHT + 14}`} width={1.4 * width} aria-hidden="true">
      {whites.map(key)}
      {pitches.filter(isBlackKey).map(key)}
    </svg>
  );
}
