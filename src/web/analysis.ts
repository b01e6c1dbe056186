/**
 * What the page asks of the API about a file, one question after the other, and what is known so far: first one model's notes to
 * look at, then all models' scores, then what the shown model expected, which takes the longest.
 */
import { useRef, useState } from "preact/hooks";
import type { ScoreResponse } from "../schema/score.ts";
import { type Api, Fault, type Options } from "./api.ts";
import { type Kind, kindOf } from "./local.ts";
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

export type Analysis = ReturnType<typeof useAnalysis>;

export function useAnalysis(api: Api, settings: Settings) {
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);

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

  function cancel(): void {
    running.current?.abort();
    setBusy(null);
  }

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
      if (file.size === 0) {
        setAnswered(null);
        throw new Fault(`${file.name} is empty.`);
      }
      const kind = await kindOf(file);
      const nothing = { file, all: null, every: null, rival: null };
      let all: ScoreResponse | undefined;
      const askFirst = async () => {
        const detail = await api.score(file, detailOptions(kind, likely), signal);
        if (!all) setAnswered({ ...nothing, detail, options: detailOptions(kind, likely) });
        return detail;
      };
      const first = likely === "" ? undefined : askFirst().catch(() => undefined); // the next answer says why
      try {
        all = await api.score(file, { ...optionsOf(kind), ...(kind === "music" && { detail: "comparison" }) }, signal);
      } catch (error) {
        if (!signal.aborted) setAnswered(null);
        throw error;
      }
      const known = await first;
      const isKnown = wanted !== "" && known !== undefined;
      const model = isKnown ? wanted : bestOf(all);
      await complete({ ...nothing, all }, model, signal, known?.scores[0].model === model ? known : undefined);
    });

  /** Asks for all detail of a model, of a long piece first without what the model expected. @param known without that */
  async function complete(
    before: Omit<Answered, "detail" | "options">,
    model: string,
    signal: AbortSignal,
    known?: ScoreResponse,
  ): Promise<void> {
    const { file, all } = before;
    const kind = await kindOf(file);
    const hasExpected = kind === "music" && settings.adaptive === "";
    const options = { ...detailOptions(kind, model), ...(hasExpected && { expected: "true" }) };
    const isLong = all?.input.kind === "music" && all.input.notes > EXPECTED_AT_ONCE;
    const rough =
      known ?? (hasExpected && isLong ? await api.score(file, detailOptions(kind, model), signal) : undefined);
    if (rough) setAnswered({ ...before, detail: rough, options });
    if (rough && !hasExpected) return;
    setAnswered({ ...before, detail: await api.score(file, options, signal), options });
  }

  const show = (model: string) => answered && run(`Asking ${model}`, (signal) => complete(answered, model, signal));

  const askAll = () =>
    answered &&
    run("Asking all networks", async (signal) => {
      const options = optionsOf(await kindOf(answered.file));
      setAnswered({ ...answered, every: await api.score(answered.file, { ...options, models: "*/*" }, signal) });
    });

  /** Draws the curve of another model as well. @param model none when it is empty */
  const compare = (model: string) => {
    if (!answered || model === "") return setAnswered(answered && { ...answered, rival: null });
    return run(`Asking ${model}`, async (signal) => {
      const options = detailOptions(await kindOf(answered.file), model);
      setAnswered({ ...answered, rival: await api.score(answered.file, options, signal) });
    });
  };

  return { answered, busy, fault, run, cancel, analyse, show, askAll, compare };
}
