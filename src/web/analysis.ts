/**
 * What the page asks of the API about a file, one question after the other, and what is known so far: first one model's notes to
 * look at, then all models' scores, then what the shown model expected, which takes the longest.
 */
import { useRef, useState } from "preact/hooks";
import type { ScoreResponse } from "../schema/score.ts";
import { type Api, Fault, type Kind, kindOf, type Options } from "./api.ts";
import { bestOf } from "./ranking.ts";
import type { Settings } from "./settings.ts";

export interface Answered {
  readonly file: File;
  /** Of the models that answer by default; null until they have. */
  readonly all: ScoreResponse | null;
  /** Of all models that there are, once they were asked for. */
  readonly every: ScoreResponse | null;
  /** Of the model that is shown. */
  readonly detail: ScoreResponse;
  readonly options: Options; // of the detail, when it is complete
  /** Of the model whose curve is drawn as well. */
  readonly rival: ScoreResponse | null;
}

/** Notes up to which what was expected is asked for at once, not after the colours: it then takes a tenth of a second. */
const EXPECTED_AT_ONCE = 400;

/** What is asked at a time: a new piece ends all else, anything other only what it takes the place of. */
type Task = "piece" | "shown" | "every" | "rival";

interface Running {
  readonly controller: AbortController;
  readonly what: string; // is done, for the visitor
}

export type Analysis = ReturnType<typeof useAnalysis>;

export function useAnalysis(api: Api, settings: Settings) {
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const running = useRef(new Map<Task, Running>());

  function end(...tasks: Task[]): void {
    for (const task of tasks) {
      running.current.get(task)?.controller.abort();
      running.current.delete(task);
    }
    tell();
  }
  const tell = () => setBusy(running.current.values().next().value?.what ?? null);

  /** Does some work; the task's older work ends, and the server's work on it. */
  async function run(what: string, work: (signal: AbortSignal) => Promise<void>, task: Task = "piece"): Promise<void> {
    end(...(task === "piece" ? ([...running.current.keys()] as const) : [task]));
    const own = { controller: new AbortController(), what };
    const { signal } = own.controller;
    running.current.set(task, own);
    tell();
    setFault(null);
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return;
      own.controller.abort(); // the work may have asked for more than what failed
      if (!(error instanceof Fault)) throw error;
      setFault(error.message);
      setAnswered((now) => (now?.all === null ? null : now)); // of a file that was not scored
    } finally {
      if (running.current.get(task) === own) running.current.delete(task);
      tell();
    }
  }

  const cancel = () => end(...running.current.keys());

  const optionsOf = (kind: Kind): Options => ({
    ...(kind === "music" && settings.transpose !== "" && { transpose: settings.transpose }),
    ...(kind === "music" && settings.adaptive !== "" && { adaptive: settings.adaptive }),
  });
  const detailOptions = (kind: Kind, model: string): Options => ({
    ...optionsOf(kind),
    models: model,
    detail: kind === "music" ? "notes" : "frames",
  });

  /** @param wanted the model to show; without it the one that knows the file best. @param likely to be that one */
  const analyse = (file: File, wanted = "", likely = wanted) =>
    run(`Scoring ${file.name}`, async (signal) => {
      if (file.size === 0) throw new Fault(`${file.name} is empty.`);
      const kind = await kindOf(file);
      let all: ScoreResponse | undefined;
      const askFirst = async () => {
        const options = detailOptions(kind, likely);
        const detail = await api.score(file, options, signal);
        if (!all) setAnswered({ file, all: null, every: null, rival: null, detail, options });
        return detail;
      };
      const first = likely === "" ? undefined : askFirst().catch(() => undefined); // the next answer says why
      all = await api.score(file, { ...optionsOf(kind), ...(kind === "music" && { detail: "comparison" }) }, signal);
      const known = await first;
      const isKnown = wanted !== "" && known !== undefined;
      const model = isKnown ? wanted : bestOf(all);
      await complete(file, all, model, signal, known?.scores[0].model === model ? known : undefined);
    });

  /** Asks for all detail of a model, of a long piece first without what the model expected. @param known without that */
  async function complete(file: File, all: ScoreResponse, model: string, signal: AbortSignal, known?: ScoreResponse) {
    const kind = await kindOf(file);
    const hasExpected = kind === "music" && settings.adaptive === "";
    const options = { ...detailOptions(kind, model), ...(hasExpected && { expected: "true" }) };
    const show = (detail: ScoreResponse) =>
      setAnswered((now) => ({
        ...(now?.all === all ? now : { file, all, every: null, rival: null }),
        detail,
        options,
      }));
    const isLong = all.input.kind === "music" && all.input.notes > EXPECTED_AT_ONCE;
    const rough =
      known ?? (hasExpected && isLong ? await api.score(file, detailOptions(kind, model), signal) : undefined);
    if (rough) show(rough);
    if (rough && !hasExpected) return;
    show(await api.score(file, options, signal));
  }

  const show = (model: string) => {
    if (!answered) return;
    const { file, all } = answered;
    if (!all) return analyse(file, model);
    end("piece");
    return run(`Asking ${model}`, (signal) => complete(file, all, model, signal), "shown");
  };

  const askAll = () =>
    answered &&
    run(
      "Asking all networks",
      async (signal) => {
        const kind = await kindOf(answered.file);
        const options = { ...optionsOf(kind), models: "*/*", ...(kind === "music" && { detail: "comparison" }) };
        const every = await api.score(answered.file, options, signal);
        setAnswered((now) => now && { ...now, every });
      },
      "every",
    );

  /** Draws the curve of another model as well. @param model none when it is empty */
  const compare = (model: string) => {
    if (!answered || model === "") {
      end("rival");
      return setAnswered((now) => now && { ...now, rival: null });
    }
    return run(
      `Asking ${model}`,
      async (signal) => {
        const options = detailOptions(await kindOf(answered.file), model);
        const rival = await api.score(answered.file, options, signal);
        setAnswered((now) => now && { ...now, rival });
      },
      "rival",
    );
  };

  return { answered, busy, fault, run, cancel, analyse, show, askAll, compare, optionsOf };
}
