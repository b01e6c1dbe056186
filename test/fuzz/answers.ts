/** What every answer of the API is like, whatever was asked. */
import { decode } from "../../src/formats/decoders.ts";
import { createApp } from "../../src/http/app.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { PredictResponse } from "../../src/schema/predict.ts";
import { ScoreResponse } from "../../src/schema/score.ts";
import { testModels, testSpeechModels } from "../support/models.ts";

/** CPU time that a request may take of the small models of the tests. Ten minutes of audio take two seconds. */
const MAX_CPU_SECONDS = 5;

const models = [...testModels(), ...testSpeechModels()];
let logged: unknown;
const app = createApp({
  models: () => models,
  limits: DEFAULT_LIMITS,
  decode,
  version: "0.0.0",
  log: (error) => {
    logged = error;
  },
});

/** @throws Error when an answer is none of those that the API promises, or took too long. */
export async function checkAnswer(request: Request): Promise<void> {
  logged = undefined;
  const before = process.cpuUsage();
  const response = await app.request(request);
  const text = await response.text();
  const { user, system } = process.cpuUsage(before);
  const { status } = response;
  if (status >= 499) throw new Error(`${status}: ${text}`, { cause: logged });
  const seconds = (user + system) / 1e6;
  if (seconds > MAX_CPU_SECONDS)
    throw new Error(`${status} after ${seconds.toFixed(1)} CPU-seconds: ${text.slice(0, 300)}`);
  const type = response.headers.get("content-type") ?? "";
  if (request.method === "HEAD") return;
  if (status >= 400) checkProblem(status, type, text);
  else if (type.startsWith("application/json")) checkShape(new URL(request.url).pathname, JSON.parse(text));
}

/** What a program says of itself, and not of what it was sent. */
const INTERNAL =
  /\b(undefined|NaN|TypeError|RangeError|SyntaxError)\b|Cannot read|is not a function|is not iterable|\n/;

function checkProblem(status: number, type: string, text: string): void {
  if (!type.startsWith("application/problem+json")) throw new Error(`${status} as ${type}: ${text}`);
  const { detail, status: said } = JSON.parse(text);
  if (said !== status || typeof detail !== "string") throw new Error(`Not a problem document: ${text}`);
  if (detail === "" || INTERNAL.test(detail)) throw new Error(`Not a sentence for users: ${detail}`);
}

/** JSON has no number that is not finite, and null in its place: the schemas say where null may stand. */
function checkShape(path: string, answer: unknown): void {
  if (path.endsWith("/score")) ScoreResponse.parse(answer);
  if (path.endsWith("/predict")) PredictResponse.parse(answer);
}
