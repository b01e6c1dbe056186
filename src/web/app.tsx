/** The page: what is chosen, what the API says of it, and the parts that show it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Answered, useAnalysis } from "./analysis.ts";
import { Api, isAudio, isMusic } from "./api.ts";
import type { Drawing } from "./chart.tsx";
import { Choose } from "./choose.tsx";
import { useFiles } from "./files.ts";
import { linked } from "./link.ts";
import { Next } from "./next.tsx";
import { type Sound, shownOf } from "./piece.ts";
import { Player } from "./player.ts";
import { RecordingRoll } from "./recording.tsx";
import { PieceRoll } from "./roll.tsx";
import { isSample, SAMPLES, sampleFile, titleOf } from "./samples.ts";
import { Scores } from "./scores.tsx";
import { sentenceOf } from "./sentences.ts";
import { readSettings, type Settings, writeSettings } from "./settings.ts";
import { Share } from "./share.tsx";
import { Verdict } from "./verdict.tsx";

export function App() {
  const [settings, setSettings] = useState<Settings>(readSettings);
  const [fragment, setFragment] = useState(location.hash); // of the link that led here
  const [asked, setAsked] = useState<File | null>(null); // the last one asked for
  const [meant, setMeant] = useState(""); // file that a link is for but does not hold
  const [, redraw] = useState(0);
  const [player] = useState(() => new Player(() => redraw((n) => n + 1)));
  const [api] = useState(() => new Api(settings.where === "browser", () => redraw((n) => n + 1)));
  const [ghosts, setGhosts] = useState<readonly Sound[]>([]);
  const analysis = useAnalysis(api, settings);
  const { answered, busy, fault, run } = analysis;
  const files = useFiles(api, analysis.optionsOf);
  const shown = answered?.file ?? null;

  useEffect(() => writeSettings(settings, fragment), [settings, fragment]);

  /** @param likely a model that may know it best, to be looked at first */
  function open(file: File, model = settings.model, likely = model || shownModel(answered)): void {
    player.pause();
    setAsked(file);
    setGhosts([]);
    void analysis.analyse(file, model, likely);
  }

  /** The network that the visitor chose, for files of its kind, once it has answered. */
  const wanted = {
    kind: answered?.detail.input.kind ?? "music",
    model: settings.model === "" ? "" : shownModel(answered),
  } as const;

  function take(chosen: readonly File[], from = ""): void {
    if (chosen.length === 0) return;
    setFragment(from);
    setMeant("");
    files.clear();
    if (chosen.length === 1) open(chosen[0]);
    else void files.score(chosen, wanted, (file) => open(file));
  }

  function takeSample(id: string, model = ""): void {
    setSettings({ ...settings, sample: id, model });
    setFragment("");
    files.clear();
    void run("Fetching the example", async (signal) => {
      const sample = SAMPLES.find((each) => each.id === id) ?? SAMPLES[0];
      open(await sampleFile(sample, signal), model, model || sample.model);
    });
  }

  useEffect(() => {
    void linked(fragment).then((file) => {
      if (file instanceof File) return take([file], fragment);
      takeSample(SAMPLES.some(({ id }) => id === settings.sample) ? settings.sample : SAMPLES[0].id, settings.model);
      setMeant(file ?? "");
    });
  }, []);

  useEffect(() => {
    addEventListener("hashchange", () => location.reload()); // another link was pasted
  }, []);

  useEffect(() => {
    if (shown && !isSample(shown)) setSettings((now) => ({ ...now, sample: "" }));
  }, [shown]);

  useEffect(() => {
    if (shown) open(shown);
  }, [settings.transpose, settings.adaptive]);

  useEffect(() => {
    const chosen = files.entries.map(({ file }) => file);
    if (chosen.length > 1) void files.score(chosen, wanted);
  }, [wanted.model, settings.transpose, settings.adaptive]);

  const unread = files.entries.length > 0 && files.entries.every((each) => each.fault !== null);
  const trouble = fault ?? (unread ? "None of these files can be scored; the table says why." : null);
  return (
    <>
      <header>
        <p class="brand">surprisal</p>
        <nav aria-label="Links">
          <a href="docs">API</a>
          <a href="cards/">Models</a>
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
          entries={files.entries}
          file={shown}
          onFiles={(chosen) => take(chosen)}
          onFile={(file) => open(file)}
          onSample={takeSample}
        />
        <Progress busy={busy} onCancel={analysis.cancel} />
        <p class="announced" role="status">
          {busy === null && trouble === null && announcementOf(answered)}
        </p>
        {meant !== "" && (
          <p class="hint">
            The link that led here has the settings for {meant}, but not the file: choose it to see the same.
          </p>
        )}
        {trouble !== null && (
          <section class="fault" role="alert">
            <h2>
              {fault !== null && asked && !isSample(asked) ? `${asked.name} was not scored` : "That did not work"}
            </h2>
            <p>{trouble}</p>
            {answered && <p class="hint">What is shown below is still {titleOf(answered.file)}.</p>}
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
              if (shown) open(shown);
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
  return `${titleOf(file)}: ${sentenceOf(every ?? all, detail)} Shown is what ${detail.scores[0].model} expected.${listed}`;
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
      <Verdict all={every ?? all} shown={detail} title={title} />
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
      <Share
        file={file}
        title={title}
        answer={detail}
        options={options}
        all={all}
        drawing={drawing}
        verdict={sentenceOf(every ?? all, detail)}
        isOwn={!isSample(file)}
      />
    </section>
  );
}
