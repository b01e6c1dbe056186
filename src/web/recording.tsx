/** A recording: its waveform, and below the surprise of each step of ten samples. */
import type { RefObject } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { AudioScoreResponse } from "../schema/score.ts";
import { Chart, type Drawing, type View, zoomed } from "./chart.tsx";
import { drawRecording } from "./draw.ts";
import { Legend } from "./legend.tsx";
import { type Player, recordingToPlay } from "./player.ts";
import { Transport } from "./transport.tsx";

interface Props {
  readonly file: File;
  readonly answer: AudioScoreResponse;
  readonly player: Player;
  readonly drawing: RefObject<Drawing | null>;
}

const HEIGHT = 300;
const BLOCK = 10; // samples of a step
const STEPS = 200; // that arrow keys go through

export function RecordingRoll({ file, answer, player, drawing }: Props) {
  const { durationSeconds } = answer.input;
  const [score] = answer.scores;
  const { perStep = [], sampleRate, nll, bitsPerSample } = score;
  /** Of each step, in the measure of the verdict. */
  const bits = useMemo(() => perStep.map((own) => bitsPerSample + (own - nll) / (BLOCK * Math.LN2)), [score]);
  const range = { from: 0, to: durationSeconds };
  const [view, setView] = useState<View>(range);
  const [buffer, setBuffer] = useState<AudioBuffer | null>(null);
  const [step, setStep] = useState<number | null>(null);
  useEffect(() => {
    let isCurrent = true;
    void (async () => {
      // The browser decodes it a second time, to be seen and heard; what was scored is the server's reading.
      const context = new OfflineAudioContext(1, 1, 48_000);
      const decoded = await context.decodeAudioData(await file.arrayBuffer()).catch(() => null);
      if (!isCurrent || !decoded) return;
      setBuffer(decoded);
      player.load(recordingToPlay(decoded));
    })();
    return () => {
      isCurrent = false;
    };
  }, [file]);
  const secondsPerStep = BLOCK / sampleRate;
  const describe = (at: number) => {
    const from = Math.floor(at / secondsPerStep);
    const some = bits.slice(from, from + Math.max(1, Math.round(0.05 / secondsPerStep)));
    if (some.length === 0) return "";
    const mean = some.reduce((sum, value) => sum + value, 0) / some.length;
    return `${at.toFixed(2)} s: ${mean.toFixed(2)} bits a sample; ${bitsPerSample.toFixed(2)} on average.`;
  };
  const timeOf = (step: number) => (step / STEPS) * durationSeconds;
  const text = step === null ? "" : describe(timeOf(step));
  return (
    <figure class="roll" aria-label={`${file.name} under ${score.model}`}>
      <Transport
        player={player}
        onZoom={(factor) => setView(zoomed(view, range, factor))}
        onFit={() => setView(range)}
      />
      <Chart
        label="Time in the recording; arrow keys move, space plays, plus and minus zoom, 0 shows all"
        height={HEIGHT}
        left={0}
        range={range}
        view={view}
        onView={setView}
        draw={(surface) =>
          drawRecording(surface, buffer?.getChannelData(0) ?? null, buffer?.sampleRate ?? 1, bits, secondsPerStep)
        }
        playhead={() => player.position}
        isMoving={player.isPlaying}
        steps={STEPS}
        step={step}
        text={text}
        onStep={(to) => {
          setStep(to);
          player.seek(timeOf(to));
        }}
        onToggle={() => player.toggle()}
        drawing={drawing}
        onPoint={(time, _, isFirm) => {
          setStep(Math.round((time / durationSeconds) * STEPS));
          if (isFirm) player.seek(time);
        }}
      />
      <figcaption>
        <p class="said">{text || "Point at a moment, or tap it, to see how surprising it was."}</p>
        <Legend most="surprising" />
      </figcaption>
    </figure>
  );
}
