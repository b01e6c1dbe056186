/** Play, pause, seek, tempo, loop; jump to what was not expected; zoom. */
import { useEffect, useState } from "preact/hooks";
import type { Player } from "./player.ts";
import { clock } from "./words.ts";

interface Props {
  readonly player: Player;
  readonly onNextSurprise?: () => void;
  onZoom(factor: number): void;
  onFit(): void;
}

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

export function Transport({ player, onNextSurprise, onZoom, onFit }: Props) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!player.isPlaying) return;
    const timer = setInterval(() => tick((n) => n + 1), 250);
    return () => clearInterval(timer);
  }, [player.isPlaying]);
  return (
    <div class="transport" role="toolbar" aria-label="Playback">
      <button type="button" class="play" onClick={() => player.toggle()}>
        <Icon path={player.isPlaying ? "M5 3h4v14H5zm6 0h4v14h-4z" : "M5 3l12 7-12 7z"} />
        {player.isPlaying ? "Pause" : "Play"}
      </button>
      <button type="button" onClick={() => player.seek(0)} aria-label="Back to the beginning">
        <Icon path="M4 3h2v14H4zm13 0v14L7 10z" />
      </button>
      {onNextSurprise && (
        <button type="button" onClick={onNextSurprise}>
          Next surprise
        </button>
      )}
      <label>
        <span>Tempo</span>
        <select
          value={String(player.rate)}
          onChange={({ currentTarget }) => player.setRate(Number(currentTarget.value))}
        >
          {RATES.map((rate) => (
            <option key={rate} value={String(rate)}>
              {rate} ×
            </option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={player.isLooping}
          onChange={({ currentTarget }) => {
            player.isLooping = currentTarget.checked;
          }}
        />
        <span>Loop</span>
      </label>
      <span class="time">{clock(player.position)}</span>
      <span class="zoom">
        <button type="button" aria-label="Zoom out" onClick={() => onZoom(1.5)}>
          −
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => onZoom(1 / 1.5)}>
          +
        </button>
        <button type="button" onClick={onFit}>
          Fit
        </button>
      </span>
    </div>
  );
}

const Icon = ({ path }: { path: string }) => (
  <svg viewBox="0 0 20 20" width="14" height="14" aria-hidden="true">
    <path d={path} fill="currentColor" />
  </svg>
);
