/** Calls of the API, typed as its answers are. Whatever fails is a Fault with a sentence for people. */
import type { PredictOptions } from "../schema/options.ts";
import type { MusicPredictResponse } from "../schema/predict.ts";
import type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "../schema/score.ts";
import type { Problem } from "../schema/service.ts";
import { fetchHere } from "./local.ts";
import { withoutOptions } from "./warnings.ts";

/** Why there is no answer, in a sentence. */
export class Fault extends Error {}

export type Options = Readonly<Record<string, string>>;

type NextOptions = Required<Pick<PredictOptions, "models" | "transpose" | "framesPerQuarter" | "adaptive">>;

interface Content {
  readonly body: FormData | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const isMusic = (response: ScoreResponse): response is MusicScoreResponse => response.input.kind === "music";
export const isAudio = (response: ScoreResponse): response is AudioScoreResponse => response.input.kind === "audio";

export type Kind = "music" | "audio";

/** Whether a file is MIDI, by how it begins or what it is called. @throws Fault for what cannot be read, such as a folder */
export async function kindOf(file: File): Promise<Kind> {
  const beginning = await file
    .slice(0, 12)
    .text()
    .catch(() => {
      throw new Fault(`${file.name} cannot be read; is it a folder?`);
    });
  return /^MThd|^RIFF....RMID/s.test(beginning) || /\.(midi?|kar|rmi)$/i.test(file.name) ? "music" : "audio";
}

/** The API, on the server that gave this page or in this browser. */
export class Api {
  /** Whether this browser answers. It does from the first time that no server can be reached. */
  inBrowser: boolean;
  readonly onChange: () => void;

  constructor(inBrowser: boolean, onChange: () => void) {
    this.inBrowser = inBrowser;
    this.onChange = onChange;
  }

  async score(file: File, options: Options, signal: AbortSignal): Promise<ScoreResponse> {
    return (await this.#post("score", formOf(file, options), signal)).json();
  }

  async predict(file: File, options: Options, signal: AbortSignal): Promise<MusicPredictResponse> {
    return (await this.#post("predict", formOf(file, options), signal)).json();
  }

  /** The bytes of the continuation as a MIDI file. */
  async continuation(file: File, options: Options, signal: AbortSignal): Promise<Blob> {
    return (await this.#post("predict", formOf(file, options), signal, "audio/midi")).blob();
  }

  /** What follows frames of a piece. */
  async next(pianoRoll: readonly (readonly number[])[], options: NextOptions, signal: AbortSignal) {
    const body = JSON.stringify({ pianoRoll, ...options });
    const content = { body, headers: { "Content-Type": "application/json" } };
    return (await (await this.#post("predict", content, signal)).json()) as MusicPredictResponse;
  }

  async #post(route: string, { body, headers }: Content, signal: AbortSignal, accept = "application/json") {
    const request = () =>
      new Request(`v1/${route}`, { method: "POST", body, signal, headers: { ...headers, Accept: accept } });
    const response = this.inBrowser
      ? await fetchHere(request(), signal).catch((error) => {
          signal.throwIfAborted();
          throw new Fault("This browser cannot score by itself.", { cause: error });
        })
      : await this.#fetch(request, signal);
    if (response.ok) return response;
    const problem: Partial<Problem> = await response.json().catch(() => ({}));
    throw new Fault(problem.detail ? withoutOptions(problem.detail) : NO_ANSWER);
  }

  /** Asks the server, and where none answers this browser. */
  async #fetch(request: () => Request, signal: AbortSignal): Promise<Response> {
    const response = await fetch(request()).catch(() => undefined);
    signal.throwIfAborted();
    const type = response?.headers.get("Content-Type") ?? "";
    if (response && (response.ok || type.startsWith("application/problem+json"))) return response;
    try {
      const own = await fetchHere(request(), signal);
      if (own.status >= 500) throw new Error(own.statusText);
      this.inBrowser = true;
      this.onChange();
      return own;
    } catch {
      signal.throwIfAborted();
      throw new Fault(NO_ANSWER);
    }
  }
}

function formOf(file: File, options: Options): Content {
  const body = new FormData();
  body.append("file", file);
  for (const [name, value] of Object.entries(options)) body.append(name, value);
  return { body };
}

const NO_ANSWER = "The server cannot be reached, and this browser cannot score by itself. Try again later.";

/** The command that gives the same answer. */
export function curl(route: "score" | "predict", file: string, options: Options): string {
  const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const fields = Object.entries(options).map(([name, value]) => ` \\\n  -F ${quoted(`${name}=${value}`)}`);
  return `curl -s ${new URL(`v1/${route}`, location.href).href} -F ${quoted(`file=@${file}`)}${fields.join("")}`;
}
