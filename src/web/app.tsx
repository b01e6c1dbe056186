/** The page: what is chosen, what the API says of it, and the parts that show it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Answered, useAnalysis } from "./analysis.ts";
import { Api, isAudio, isMusic } from "./api.ts";
import type { Drawing } from "./chart.tsx";
import { Choose } from "./choose.tsx";
import { Next } from "./next.tsx";
import { type Sound, shownOf } from "./piece.ts";
import { Player } from "./player.ts";
import { RecordingRoll } from "./recording.tsx";
import { PieceRoll } from "./roll.tsx";
import { SAMPLES, sampleFile, titleOf } from "./samples.ts";
import { Scores } from "./scores.tsx";
import { readSettings, type Settings, writeSettings } from "./settings.ts";
import { Share } from "./share.tsx";
import { sentenceOf, Verdict } from "./verdict.tsx";

export function App() {
  const [settings, setSettings] = useState<Settings>(readSettings);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [file, setFile] = useState<File | null>(null);
  const [, redraw] = useState(0);
  const [player] = useState(() => new Player(() => redraw((n) => n + 1)));
  const [api] = useState(() => new Api(settings.where === "browser", () => redraw((n) => n + 1)));
  const [ghosts, setGhosts] = useState<readonly Sound[]>([]);
  const analysis = useAnalysis(api, settings);
  const { answered, busy, fault, run } = analysis;

  useEffect(() => writeSettings(settings), [settings]);

  /** @param likely a model that may know it best, to be looked at first */
  function open(file: File, model = settings.model, likely = model || shownModel(answered)): void {
    player.pause();
    setFile(file);
    setGhosts([]);
    void analysis.analyse(file, model, likely);
  }

  function take(chosen: readonly File[]): void {
    if (chosen.length === 0) return;
    setSettings({ ...settings, sample: "" });
    setFiles(chosen);
    open(chosen[0]);
  }

  function takeSample(id: string, model = ""): void {
    setSettings({ ...settings, sample: id, model });
    setFiles([]);
    void run("Fetching the example", async (signal) => {
      const sample = SAMPLES.find((each) => each.id === id) ?? SAMPLES[0];
      open(await sampleFile(sample, signal), model, model || sample.model);
    });
  }

  useEffect(() => {
    takeSample(SAMPLES.some(({ id }) => id === settings.sample) ? settings.sample : SAMPLES[0].id, settings.model);
  }, []);

  useEffect(() => {
    if (file && answered) open(file);
  }, [settings.transpose, settings.adaptive]);

  return (
    <>
      <header>
        <p class="brand">surprisal</p>
        <nav aria-label="Links">
          <a href="docs">API</a>
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
          onFile={(file) => open(file)}
          onSample={takeSample}
        />
        <Progress busy={busy} onCancel={analysis.cancel} />
        <p class="announced" role="status">
          {busy === null && fault === null && announcementOf(answered)}
        </p>
        {fault !== null && (
          <section class="fault" role="alert">
            <h2>{file && files.includes(file) ? `${file.name} was not scored` : "That did not work"}</h2>
            <p>{fault}</p>
          </section>
        )}
        {answered && (
          <Result
            api={api}
            answered={answered}
            player={player}
            ghosts={ghosts}
            onGhosts={setGhosts}
            onModel={(model) => {
              setSettings({ ...settings, model });
              setGhosts([]);
              void analysis.show(model);
            }}
            onRival={(model) => void analysis.compare(model)}
            onEvery={() => void analysis.askAll()}
            settings={settings}
            onSettings={setSettings}
            onWhere={(inBrowser) => {
              api.inBrowser = inBrowser;
              setSettings({ ...settings, where: inBrowser ? "browser" : "" });
              if (file) open(file);
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

/** What has come, for those who do not see it come. */
function announcementOf(answered: Answered | null): string {
  if (!answered?.all) return "";
  const { file, all, every, detail } = answered;
  const listed = every ? ` All ${every.scores.length} networks are listed.` : "";
  return `${titleOf(file)}: ${sentenceOf(all, detail)} Shown is what ${detail.scores[0].model} expected.${listed}`;
}

const shownModel = (answered: Answered | null): string => answered?.detail.scores[0].model ?? "";

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
  onRival(model: string): void;
  onEvery(): void;
  onSettings(settings: Settings): void;
  onWhere(inBrowser: boolean): void;
}

function Result(props: ResultProps) {
  const { api, answered, player, ghosts, settings, onGhosts, onModel, onRival, onEvery, onSettings, onWhere } = props;
  const { file, all, every, detail, rival, options } = answered;
  const shown = useMemo(() => (isMusic(detail) ? shownOf(detail.scores[0], detail.bars) : null), [detail]);
  const other = useMemo(() => (rival && isMusic(rival) ? shownOf(rival.scores[0]) : null), [rival]);
  const drawing = useRef<Drawing | null>(null);
  const model = detail.scores[0].model;
  const title = titleOf(file);
  const models = (every ?? all ?? detail).scores;
  return (
    <section aria-label="Result" class="result">
      <Verdict all={all} shown={detail} title={title} />
      {shown && (
        <PieceRoll
          key={file.name + model}
          api={api}
          shown={shown}
          rival={other}
          models={models}
          onRival={onRival}
          ghosts={ghosts}
          player={player}
          name={file.name}
          drawing={drawing}
        />
      )}
      {isAudio(detail) && (
        <RecordingRoll key={file.name} file={file} answer={detail} player={player} drawing={drawing} />
      )}
      {all && (
        <Scores
          key={file.name}
          all={all}
          every={every}
          model={model}
          onEvery={onEvery}
          onModel={onModel}
          settings={settings}
          onSettings={onSettings}
          inBrowser={api.inBrowser}
          onWhere={onWhere}
        />
      )}
      {shown && (
        <Next
          api={api}
          file={file}
          shown={shown}
          models={models.map((each) => each.model)}
          onModel={onModel}
          transpose={settings.transpose}
          onGhosts={onGhosts}
          ghosts={ghosts}
          player={player}
        />
      )}
      <Share file={file} title={title} answer={detail} options={options} all={all} drawing={drawing} />
    </section>
  );
}
