/**
 * The examples of openapi.yaml: each is a request that the API answers with the shipped models. src/http/examples.json keeps them
 * with their answers, shortened to be read, and test/http/examples.test.ts holds them to what the API answers.
 */
import { readFile } from "node:fs/promises";
import { requireKey } from "../src/entry/node/keys.ts";
import { DEFAULT_FOLDER, openModels, version } from "../src/entry/node/local.ts";
import { limitWork, openLimiter } from "../src/entry/node/rates.ts";
import { createApp } from "../src/http/app.ts";
import type { Deps } from "../src/http/deps.ts";
import type { Example } from "../src/http/examples.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";

/** A request of an operation, and where it needs more than the models, what the API that answers it is made of. */
interface Case {
  readonly name: string;
  readonly summary: string;
  readonly operations: readonly string[]; // none: the answer stands for its status, in every operation that has it
  readonly path: string;
  readonly query?: string;
  readonly method?: "GET";
  readonly type?: string; // of the body; JSON unless given
  readonly body?: unknown; // of a form, with the name of a sample of the page as its file
  readonly file?: string; // in place of a body, the name of a sample
  readonly headers?: Readonly<Record<string, string>>;
  readonly deps?: Partial<Deps>;
}

const pianoRoll = [
  [48, 64, 67, 72],
  [53, 65, 69, 72],
  [43, 65, 71, 74],
  [48, 64, 67, 72],
];
const TUNE = "auld-lang-syne.mid";
const models = ["jsb/gru"];

/** A few of the shipped models, so that the examples stay short, and stay as they are when there are more. */
const SERVED = ["jsb/gru", "jsb/lstm", "jsb/tanh", "speech-short/gru"];
const chords = { pianoRoll, models };

/** A model by the Open Inference Protocol, of the pitches 1 to D. */
const JSB = "/v2/models/jsb--gru";
const D = 96;
const framesOf = (roll: readonly (readonly number[])[]) => ({
  name: "frames",
  datatype: "UINT8",
  shape: [roll.length, D],
  data: roll.flatMap((chord) => Array.from({ length: D }, (_, k) => Number(chord.includes(k + 1)))),
});

const score = (name: string, summary: string, rest: Partial<Case>): Case => ({
  name,
  summary,
  operations: ["score"],
  path: "/v1/score",
  ...rest,
});
const predict = (name: string, summary: string, rest: Partial<Case>): Case => ({
  ...score(name, summary, rest),
  operations: ["predict"],
  path: "/v1/predict",
});
const batch = (name: string, summary: string, rest: Partial<Case>): Case => ({
  ...score(name, summary, rest),
  operations: ["batch"],
  path: "/v1/batch",
});
const get = (path: string, summary: string, ...operations: string[]): Case => ({
  name: operations[0],
  summary,
  operations,
  path,
  method: "GET",
});
const infer = (name: string, summary: string, rest: Partial<Case>): Case => ({
  name,
  summary,
  operations: [],
  path: `${JSB}/infer`,
  body: { inputs: [framesOf(pianoRoll)] },
  ...rest,
});

/** A body of which only the beginning comes. */
const stalled = () => new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) });

/** What the API answers. */
const ANSWERED: readonly Case[] = [
  score("chords", "Four chords under two models", { body: { pianoRoll, models: ["jsb/gru", "jsb/lstm"] } }),
  score("tuneAsForm", "A MIDI file in a form", { type: "multipart/form-data", body: { file: TUNE, models } }),
  score("tune", "A MIDI file", { type: "audio/midi", file: TUNE, query: "?models=jsb/gru" }),
  score("sentence", "A recording", { type: "audio/wav", file: "sentence.wav", query: "?models=speech-short/gru" }),
  batch("line", "A piece that is scored", { type: "application/x-ndjson", body: { id: "chorales/17", ...chords } }),
  batch("refusedLine", "A piece that is refused", { type: "application/x-ndjson", body: { pianoRoll: [[60]] } }),
  batch("form", "Two MIDI files in a form", { type: "multipart/form-data", body: { models, file: [TUNE, TUNE] } }),
  predict("nextChord", "What follows four chords, and two sampled frames", { body: { ...chords, steps: 2 } }),
  predict("nextOfForm", "What follows a MIDI file in a form", {
    type: "multipart/form-data",
    body: { file: TUNE, models },
  }),
  predict("nextOfTune", "What follows a MIDI file", { type: "audio/midi", file: TUNE, query: "?models=jsb/gru" }),
  predict("nextSamples", "What follows a recording", {
    type: "audio/wav",
    file: "sentence.wav",
    query: "?models=speech-short/gru",
  }),
  get("/v1/models", "The models", "listModels"),
  get("/v1/models/jsb/gru", "A model", "getModel"),
  get("/v1/health/live", "The server answers", "live"),
  get("/v1/health/ready", "Models are loaded", "ready"),
  get("/v2", "The server", "serverMetadata"),
  get("/v2/health/live", "The server answers", "serverLive"),
  get("/v2/health/ready", "Models are loaded", "serverReady"),
  get("/v2/models", "Names of the models", "modelNames"),
  get(JSB, "A model of music", "modelMetadata", "modelVersionMetadata"),
  get(`${JSB}/ready`, "The model is loaded", "modelReady", "modelVersionReady"),
  infer("infer", "NLL of four chords", {
    operations: ["infer", "inferVersion"],
    body: { inputs: [framesOf(pianoRoll)], outputs: [{ name: "nll" }] },
  }),
];

/** What it refuses, and how below /v2. */
async function refused(stateOfAdaptiveRun: string): Promise<Case[]> {
  const limiter = await openLimiter(1e6);
  const guards = [limitWork(limiter, 0), limitWork(limiter, 0)]; // as if two requests were under way, for one of which there is room
  const both = (name: string, summary: string, rest: Partial<Case>, ofProtocol: Partial<Case> = rest) => [
    { ...score(name, summary, { body: chords, ...rest }), operations: [] },
    infer(`${name}V2`, summary, ofProtocol),
  ];
  const state = { name: "state", datatype: "BYTES", shape: [1], data: [stateOfAdaptiveRun] };
  const long = Array(DEFAULT_LIMITS.frames + 1).fill([60]);
  const slow = { type: "application/json", deps: { limits: { ...DEFAULT_LIMITS, bodySeconds: 0.05 } } };
  const none = { deps: { models: () => [] } };
  return [
    ...both(
      "malformed",
      "Not as expected",
      { body: { pianoRoll: [[60], [200]] } },
      { body: { inputs: [{ ...framesOf(pianoRoll), shape: [4, 88] }] } },
    ),
    ...both("unauthorized", "No key", { deps: { guards: [requireKey(() => [])] } }),
    ...both("foreignOrigin", "A page of another origin", { headers: { Origin: "https://example.org" } }),
    ...both(
      "unknownModel",
      "No such model",
      { body: { pianoRoll, models: ["jsb/rnn"] } },
      { path: `${JSB}-tiny/infer` },
    ),
    both("notAcceptable", "A file, but of no continuation", {
      path: "/v1/predict",
      headers: { Accept: "audio/midi" },
    })[0],
    ...both(
      "requestTimeout",
      "A body that does not arrive",
      { ...slow, body: stalled() },
      { ...slow, body: stalled() },
    ),
    ...both(
      "staleState",
      "A state of an adaptive run",
      { path: "/v1/predict", body: { pianoRoll, state: [stateOfAdaptiveRun] } },
      { body: { inputs: [framesOf(pianoRoll), state] } },
    ),
    ...both(
      "tooLarge",
      "Too many frames",
      { body: { ...chords, pianoRoll: long } },
      { body: { inputs: [framesOf(long)] } },
    ),
    ...both(
      "unsupportedMediaType",
      "Neither MIDI nor audio, or in another encoding",
      { type: "text/html", body: "<p>" },
      { headers: { "Content-Encoding": "br" } },
    ),
    ...both(
      "nothingToScore",
      "A single frame",
      { body: { ...chords, pianoRoll: [[60]] } },
      { body: { inputs: [framesOf([[60]])], outputs: [{ name: "nll" }] } },
    ),
    ...both("rateLimited", "Too much work", { deps: { guards } }),
    ...both("noModels", "No models", none, { ...none, path: "/v2/health/ready", method: "GET", body: undefined }),
  ];
}

/** What a body of an example is when it is sent. */
async function sent({ type = "application/json", body, file }: Case): Promise<BodyInit | undefined> {
  const sample = async (name: string) => readFile(new URL(`../src/web/samples/${name}`, import.meta.url));
  if (file !== undefined) return sample(file);
  if (type !== "multipart/form-data") {
    return body === undefined || typeof body === "string" || body instanceof ReadableStream
      ? body
      : JSON.stringify(body);
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(body as Record<string, string | readonly string[]>)) {
    for (const each of [value].flat()) {
      if (name === "file") form.append(name, new Blob([await sample(each)]), each);
      else form.append(name, each);
    }
  }
  return form;
}

/** Numbers to three decimals, versions and states to a few characters, and long lists to their beginning. */
function shortened(value: unknown): unknown {
  if (typeof value === "number") return Number(value.toFixed(3));
  if (typeof value === "string") {
    return value.length > 40 && !value.includes(" ") ? value.replace(/^((sha256:)?.{8}).*/, "$1…") : value;
  }
  if (Array.isArray(value)) return value.slice(0, typeof value[0] === "object" ? 2 : 4).map(shortened);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shortened(each)]));
}

/** Asks the API for each example. */
export async function makeExamples(): Promise<Example[]> {
  const follower = await openModels(DEFAULT_FOLDER);
  const all = (await follower.models({ patterns: SERVED })).filter(({ id }) => SERVED.includes(id));
  const deps: Deps = { models: () => all, limits: DEFAULT_LIMITS, version, log: console.error };
  const env = { incoming: { socket: { remoteAddress: "127.0.0.1" } } };
  async function ask(each: Case): Promise<Response> {
    const { path, query = "", method = "POST", type = "application/json", headers } = each;
    const contentType = method === "POST" && type !== "multipart/form-data" ? { "Content-Type": type } : undefined;
    const init = { method, headers: { "X-Request-Id": "17", ...contentType, ...headers }, duplex: "half" };
    const body = await sent(each);
    return createApp({ ...deps, ...each.deps }).request(path + query, { ...init, ...(body && { body }) }, env);
  }
  const adaptive = await ask(predict("", "", { body: { pianoRoll, models, adaptive: true } }));
  const examples: Example[] = [];
  const state = (await adaptive.json()).predictions[0].state;
  for (const each of [...ANSWERED, ...(await refused(state))]) {
    const { name, summary, operations, type = "application/json", body, file } = each;
    const answer = await ask(each);
    const text = await answer.text();
    const isLines = answer.headers.get("Content-Type") === "application/x-ndjson";
    examples.push({
      name,
      summary,
      operations,
      ...(operations.length > 0 && {
        ...(file !== undefined && { request: { type, value: `(the bytes of ${file})` } }),
        ...(body !== undefined && { request: { type, value: body } }),
      }),
      answer: {
        status: answer.status,
        type: answer.headers.get("Content-Type") ?? "",
        value: shortened(JSON.parse(isLines ? (text.split("\n", 1)[0] ?? "") : text)),
      },
    });
  }
  return examples;
}
