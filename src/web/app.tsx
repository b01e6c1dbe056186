/** The page: what is chosen, what the API says of it, and the parts that show it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "../schema/score.ts";
import { Api, Fault, isMusic, type Options } from "./api.ts";
import { Choose } from "./choose.tsx";
import { Next } from "./next.tsx";
import { type Sound, shownOf } from "./piece.ts";
import { Player } from "./player.ts";
import { RecordingRoll } from "./recording.tsx";
import { PieceRoll } from "./roll.tsx";
import { SAMPLES, sampleFile, titleOf } from "./samples.ts";
import { readSettings, type Settings, writeSettings } from "./settings.ts";
import { Share } from "./share.tsx";
import { bestOf, Scores, Verdict } from "./verdict.tsx";
import { setOf } from "./words.ts";

/** An answer, and the answer for the one model that is shown, with all detail. */
interface Answered {
  readonly file: File;
  readonly all: ScoreResponse;
  readonly detail: ScoreResponse;
  readonly options: Options; // of the detail
}

const isMidiName = ({ name, type }: File) => /\.(midi?|kar|rmi)$/i.test(name) || /midi/.test(type);

export function App() {
  const [settings, setSettings] = useState<Settings>(readSettings);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [file, setFile] = useState<File | null>(null);
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [, redraw] = useState(0);
  const [player] = useState(() => new Player(() => redraw((n) => n + 1)));
  const [api] = useState(() => new Api(settings.where === "browser", () => redraw((n) => n + 1)));
  const [ghosts, setGhosts] = useState<readonly Sound[]>([]);
  const running = useRef<AbortController | null>(null);

  useEffect(() => writeSettings(settings), [settings]);

  /** Runs one piece of work at a time; a newer one ends the older, and the server's work on it. */
  async function run(what: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setBusy(what);
    setFault(null);
    try {
      await work(own.signal);
    } catch (error) {
      if (own.signal.aborted) return;
      if (!(error instanceof Fault)) throw error;
      setFault(error.message);
    } finally {
      if (running.current === own) setBusy(null);
    }
  }

  const optionsOf = (file: File): Options => ({
    ...(isMidiName(file) && settings.transpose !== "" && { transpose: settings.transpose }),
    ...(isMidiName(file) && settings.adaptive !== "" && { adaptive: settings.adaptive }),
  });

  function analyse(file: File, changed: Partial<Settings> = {}): void {
    const { model } = { ...settings, ...changed };
    player.pause();
    void run(`Scoring ${file.name}`, async (signal) => {
      const options = optionsOf(file);
      const isOfMusic = isMidiName(file);
      const all = await api.score(file, isOfMusic ? { ...options, detail: "comparison" } : options, signal);
      const shown = all.scores.find((each) => each.model === model)?.model ?? bestOf(all);
      await detailOf(file, all, shown, options, signal);
      setGhosts([]);
    });
  }

  async function detailOf(file: File, all: ScoreResponse, model: string, options: Options, signal: AbortSignal) {
    const asked: Options = isMusic(all)
      ? { ...options, models: model, detail: "notes", ...(!options.adaptive && { expected: "true" }) }
      : { models: model, detail: "frames" };
    setAnswered({ file, all, detail: await api.score(file, asked, signal), options: asked });
  }

  function show(model: string): void {
    if (!answered) return;
    setSettings({ ...settings, model });
    setGhosts([]);
    void run(`Asking ${model}`, (signal) =>
      detailOf(answered.file, answered.all, model, optionsOf(answered.file), signal),
    );
  }

  function take(chosen: readonly File[]): void {
    if (chosen.length === 0) return;
    setSettings({ ...settings, sample: "" });
    setFiles(chosen);
    setFile(chosen[0]);
    analyse(chosen[0]);
  }

  function takeSample(id: string, model = ""): void {
    setSettings({ ...settings, sample: id, model });
    setFiles([]);
    void run("Fetching the example", async (signal) => {
      const file = await sampleFile(id, signal);
      setFile(file);
      analyse(file, { model });
    });
  }

  useEffect(() => {
    const { sample } = settings;
    takeSample(SAMPLES.some(({ id }) => id === sample) ? sample : SAMPLES[0].id, settings.model);
  }, []);

  useEffect(() => {
    if (file && answered) analyse(file);
  }, [settings.transpose, settings.adaptive]);

  return (
    <>
      <header>
        <p class="brand">surprisal</p>
        <nav aria-label="Links">
          <a href="v1/openapi.yaml">API</a>
          <a href="v1/models">Models</a>
          <a href="https://arxiv.org/abs/1412.3555">Paper</a>
        </nav>
      </header>
      <main>
        <h1>Which notes did the network not expect?</h1>
        <p class="lead">
          A recurrent network listens to a piece and says, before every moment, what it expects next. Blue notes it saw
          coming, red ones it did not.
        </p>
        <Choose
          sample={settings.sample}
          files={files}
          file={file}
          onFiles={take}
          onFile={(file) => {
            setFile(file);
            analyse(file);
          }}
          onSample={takeSample}
        />
        <Progress
          busy={busy}
          onCancel={() => {
            running.current?.abort();
            setBusy(null);
          }}
        />
        {fault !== null && (
          <section class="fault" role="alert">
            <h2>That did not work</h2>
            <p>{fault}</p>
          </section>
        )}
        {answered && fault === null && (
          <Result
            api={api}
            answered={answered}
            player={player}
            ghosts={ghosts}
            onGhosts={setGhosts}
            onModel={show}
            settings={settings}
            onSettings={setSettings}
            onWhere={(inBrowser) => {
              api.inBrowser = inBrowser;
              setSettings({ ...settings, where: inBrowser ? "browser" : "" });
              if (file) analyse(file);
            }}
          />
        )}
      </main>
      <footer>
        <p>
          Your file is not stored: it is read, scored and forgotten. Models after{" "}
          <a href="https://arxiv.org/abs/1412.3555">Chung, Gulcehre, Cho and Bengio (2014)</a>.
        </p>
      </footer>
    </>
  );
}

function Progress({ busy, onCancel }: { busy: string | null; onCancel(): void }) {
  return (
    <div class="progress" role="status" data-busy={busy !== null}>
      {busy !== null && (
        <>
          <progress aria-label={busy} />
          <span>{busy} …</span>
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        </>
      )}
    </div>
  );
}

interface ResultProps {
  readonly api: Api;
  readonly answered: Answered;
  readonly player: Player;
  readonly ghosts: readonly Sound[];
  readonly settings: Settings;
  onGhosts(ghosts: readonly Sound[]): void;
  onModel(model: string): void;
  onSettings(settings: Settings): void;
  onWhere(inBrowser: boolean): void;
}

function Result({ api, answered, player, ghosts, onGhosts, onModel, settings, onSettings, onWhere }: ResultProps) {
  const { file, all, detail, options } = answered;
  const [own] = detail.scores;
  const shown = useMemo(() => (isMusic(detail) ? shownOf(detail.scores[0], detail.bars) : null), [detail]);
  return (
    <section aria-label="Result" class="result">
      <Verdict all={all} title={titleOf(file, settings.sample)} />
      {shown ? (
        <PieceRoll key={file.name + own.model} shown={shown} ghosts={ghosts} player={player} name={file.name} />
      ) : (
        <RecordingRoll key={file.name} file={file} answer={detail as AudioScoreResponse} player={player} />
      )}
      <Scores
        all={all}
        model={own.model}
        onModel={onModel}
        settings={settings}
        onSettings={onSettings}
        inBrowser={api.inBrowser}
        onWhere={onWhere}
      />
      {shown && (
        <Next
          api={api}
          file={file}
          shown={shown}
          set={setOf(own.model)}
          transpose={settings.transpose}
          onGhosts={onGhosts}
          ghosts={ghosts}
          player={player}
        />
      )}
      <Share file={file} answer={detail} options={options} all={all as MusicScoreResponse} />
    </section>
  );
}
