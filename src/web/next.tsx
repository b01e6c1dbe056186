/** What comes next: the keys of the next frame, and a continuation after the piece that the network writes. */
import { useRef, useState } from "preact/hooks";
import { SurprisalError } from "../errors.ts";
import { withTrack } from "../formats/midi-append.ts";
import { writeWav } from "../formats/wav-writer.ts";
import { type Api, Fault, type Options } from "./api.ts";
import { download, stemOf } from "./download.ts";
import { Keys } from "./keys.tsx";
import { ghostsOf, type Shown, type Sound } from "./piece.ts";
import { notesToPlay, type Player, soundOf } from "./player.ts";
import { counted } from "./words.ts";

interface Props {
  readonly api: Api;
  readonly file: File;
  readonly shown: Shown;
  readonly models: readonly string[];
  readonly transpose: string;
  readonly ghosts: readonly Sound[];
  readonly player: Player;
  onGhosts(ghosts: readonly Sound[]): void;
  onModel(model: string): void;
}

export function Next(props: Props) {
  const { api, file, shown, models, transpose, ghosts, player, onGhosts, onModel } = props;
  const [bars, setBars] = useState(4);
  const [temperature, setTemperature] = useState("0.8");
  const [seed, setSeed] = useState(1);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const running = useRef<AbortController | null>(null);
  const optionsOf = (seed: number): Options => ({
    models: shown.model,
    steps: String(Math.min(512, bars * 4 * shown.framesPerQuarter)),
    temperature,
    seed: String(seed),
    ...(transpose !== "" && { transpose }),
  });

  async function work(does: (signal: AbortSignal) => Promise<void>) {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setBusy(true);
    setFault("");
    try {
      await does(own.signal);
    } catch (error) {
      if (own.signal.aborted) return;
      if (!(error instanceof Fault)) throw error;
      setFault(error.message);
    } finally {
      if (running.current === own) setBusy(false);
    }
  }

  const write = (seed: number) =>
    work(async (signal) => {
      setSeed(seed);
      const { predictions } = await api.predict(file, optionsOf(seed), signal);
      const added = ghostsOf(predictions[0].continuation ?? [], shown);
      onGhosts(added);
    });
  const save = () =>
    work(async () => download(await continued(file, shown, ghosts), `${stemOf(file.name)}-continued.mid`));
  const saveAlone = () =>
    work(async (signal) =>
      download(await api.continuation(file, optionsOf(seed), signal), `${stemOf(file.name)}-continuation.mid`),
    );
  const saveSound = () =>
    work(async () => {
      const alone = ghosts.map((ghost) => ({ ...ghost, seconds: ghost.seconds - from }));
      const bytes = writeWav(await soundOf(notesToPlay(alone)));
      download(new Blob([bytes], { type: "audio/wav" }), `${stemOf(file.name)}-continuation.wav`);
    });
  const from = ghosts.reduce((least, { seconds }) => Math.min(least, seconds), Number.POSITIVE_INFINITY);
  return (
    <section class="next" aria-label="What comes next?">
      <h2>What comes next?</h2>
      <p class="hint">The network goes on by itself, one frame after the other, from where the piece ends.</p>
      <Keys api={api} shown={shown} frame={shown.frames.length} />
      <div class="fields">
        <label>
          <span>Network</span>
          <select value={shown.model} onChange={({ currentTarget }) => onModel(currentTarget.value)}>
            {[...new Set([shown.model, ...models])].map((model) => (
              <option key={model}>{model}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Length</span>
          <select value={String(bars)} onChange={({ currentTarget }) => setBars(Number(currentTarget.value))}>
            {[2, 4, 8, 16].map((n) => (
              <option key={n} value={String(n)}>
                {4 * n} quarter notes
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Daring</span>
          <select value={temperature} onChange={({ currentTarget }) => setTemperature(currentTarget.value)}>
            <option value="0.5">careful</option>
            <option value="0.8">moderate</option>
            <option value="1">as learned</option>
            <option value="1.3">wild</option>
          </select>
        </label>
        <label>
          <span>Seed</span>
          <input
            type="number"
            min={0}
            max={4294967295}
            value={seed}
            onChange={({ currentTarget }) => setSeed(Math.max(0, Math.floor(Number(currentTarget.value)) || 0))}
          />
        </label>
        <button
          type="button"
          class="primary"
          aria-disabled={busy}
          onClick={() => busy || void write(ghosts.length > 0 ? seed + 1 : seed)}
        >
          {ghosts.length > 0 ? "Again, another way" : "Write on"}
        </button>
        {ghosts.length > 0 && (
          <>
            <button
              type="button"
              onClick={() => {
                player.seek(from);
                player.play();
              }}
            >
              Play what it wrote
            </button>
            <button type="button" onClick={() => void save()}>
              MIDI, piece and continuation
            </button>
            <button type="button" onClick={() => void saveAlone()}>
              MIDI, continuation alone
            </button>
            <button type="button" onClick={() => void saveSound()}>
              WAV, continuation alone
            </button>
          </>
        )}
        {busy && (
          <button
            type="button"
            onClick={() => {
              running.current?.abort();
              setBusy(false);
            }}
          >
            Cancel
          </button>
        )}
      </div>
      <p role="status" class="hint">
        {busy
          ? "Writing …"
          : ghosts.length > 0
            ? `It wrote ${counted(ghosts.length, "note")} after the piece, which stand outlined in the roll above.`
            : ""}
      </p>
      {fault && <p role="alert">{fault}</p>}
    </section>
  );
}

/** The file with what was written in a track of its own. */
async function continued(file: File, { channel, model }: Shown, ghosts: readonly Sound[]): Promise<Blob> {
  try {
    const name = `continuation by ${model}`;
    const bytes = withTrack(new Uint8Array(await file.arrayBuffer()), ghosts, { channel, name });
    return new Blob([bytes], { type: "audio/midi" });
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    throw new Fault(`Nothing can be added to this file, so only the continuation alone can be saved. ${error.message}`);
  }
}
