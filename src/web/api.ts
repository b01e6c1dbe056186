/** Calls of the API, typed as its answers are. Whatever fails is a Fault with a sentence for people. */
import type { MusicPredictResponse } from "../schema/predict.ts";
import type { AudioScoreResponse, MusicScoreResponse, ScoreResponse } from "../schema/score.ts";
import type { Problem } from "../schema/service.ts";

/** Why there is no answer, in a sentence. */
export class Fault extends Error {}

export type Options = Readonly<Record<string, string>>;

export const isMusic = (response: ScoreResponse): response is MusicScoreResponse => response.input.kind === "music";
export const isAudio = (response: ScoreResponse): response is AudioScoreResponse => response.input.kind === "audio";

export const score = (file: File, options: Options, signal: AbortSignal): Promise<ScoreResponse> =>
  ask("score", file, options, signal);

export const predict = (file: File, options: Options, signal: AbortSignal): Promise<MusicPredictResponse> =>
  ask("predict", file, options, signal);

/** The bytes of the continuation as a MIDI file. */
export async function continuation(file: File, options: Options, signal: AbortSignal): Promise<Blob> {
  return (await post("predict", file, options, signal, "audio/midi")).blob();
}

/** The command that gives the same answer. */
export function curl(route: "score" | "predict", file: string, options: Options): string {
  const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const fields = Object.entries(options).map(([name, value]) => ` \\\n  -F ${quoted(`${name}=${value}`)}`);
  return `curl -s ${new URL(`v1/${route}`, location.href).href} -F ${quoted(`file=@${file}`)}${fields.join("")}`;
}

async function ask<Answer>(route: string, file: File, options: Options, signal: AbortSignal): Promise<Answer> {
  const response = await post(route, file, options, signal, "application/json");
  return response.json();
}

async function post(
  route: string,
  file: File,
  options: Options,
  signal: AbortSignal,
  accept: string,
): Promise<Response> {
  const body = new FormData();
  body.append("file", file);
  for (const [name, value] of Object.entries(options)) body.append(name, value);
  let response: Response;
  try {
    response = await fetch(`v1/${route}`, { method: "POST", body, signal, headers: { Accept: accept } });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Fault("The server cannot be reached, or the file can no longer be read.");
  }
  if (response.ok) return response;
  const problem: Partial<Problem> = await response.json().catch(() => ({}));
  throw new Fault(
    problem.detail ?? "Something between this page and the server answered in its place. Try again later.",
  );
}
