/**
 * Lines in -> answers out, in their order. Lines travel in small requests, one or more of which are under way while answers
 * are read. A request is small enough that it is sent whole before its answer is read, as browsers and HTTP/1.1 clients do;
 * one that fails is repeated without the lines that were answered; and memory holds no more than what is under way.
 */
import type { ScoreResponse } from "../schema/score.ts";
import type { Problem } from "../schema/service.ts";
import { ConnectionError, isTransient, ProblemError } from "./errors.ts";
import { pause, unlessAborted, withRetries } from "./retry.ts";

/** The answer to one line: its number from 0, and a score or the problem that says why there is none. */
export type BatchAnswer =
  | ({ readonly index: number; readonly problem?: never } & ScoreResponse)
  | { readonly index: number; readonly id?: string; readonly problem: Problem };

export interface BatchSettings {
  /** Sends lines, each with its end, and gives the answers as they come, numbered within these lines. */
  readonly send: (body: string, signal: AbortSignal) => AsyncIterable<BatchAnswer>;
  readonly requests: number; // under way at a time
  readonly retries: number;
  readonly signal: AbortSignal | undefined;
}

/** Characters of the lines of a request, unless one line alone is longer: they fit the buffers of a connection. */
const MAX_CHARACTERS = 2 ** 16;

/** Milliseconds that a request waits for a further line. */
const MAX_WAIT = 10;

/** A line under way. */
interface Line {
  readonly index: number;
  readonly text: string;
  readonly answer: Promise<BatchAnswer>;
  readonly resolve: (answer: BatchAnswer) => void;
  readonly reject: (error: unknown) => void;
  refusal?: BatchAnswer; // a problem that may pass
}

/** @throws ProblemError or ConnectionError when a whole request fails for good; whatever `texts` throws; the signal's reason. */
export async function* batch(texts: AsyncIterator<string>, settings: BatchSettings): AsyncGenerator<BatchAnswer, void> {
  const left = new AbortController(); // once nobody reads on
  const signal = AbortSignal.any(settings.signal ? [settings.signal, left.signal] : [left.signal]);
  const source = groups(texts);
  const start = () => {
    const group = source.next();
    group.then(({ value }) => value && answerLines(value, { ...settings, signal })).catch(() => {}); // thrown below
    return group;
  };
  const underWay = Array.from({ length: settings.requests }, start);
  try {
    for (let group = underWay.shift(); group; group = underWay.shift()) {
      const { done, value: lines } = await unlessAborted(group, signal);
      if (done) return;
      for (const { answer } of lines) yield await answer;
      underWay.push(start());
    }
  } finally {
    left.abort();
    texts.return?.().catch(() => {}); // not waited for: the input may never go on
  }
}

/** Lines as they go into one request: so many as fit, or as come without a pause. */
async function* groups(texts: AsyncIterator<string>): AsyncGenerator<readonly Line[], void> {
  let next = texts.next();
  for (let index = 0; ; ) {
    const lines: Line[] = [];
    for (let characters = 0; ; ) {
      const found = await (lines.length === 0 ? next : Promise.race([next, pause(MAX_WAIT)]).catch(() => undefined));
      if (!found || found.done) break;
      characters += found.value.length + 1;
      if (lines.length > 0 && characters > MAX_CHARACTERS) break;
      lines.push(lineUnderWay(index++, found.value));
      next = texts.next();
    }
    if (lines.length === 0) return;
    yield lines;
  }
}

function lineUnderWay(index: number, text: string): Line {
  const { promise: answer, resolve, reject } = Promise.withResolvers<BatchAnswer>();
  answer.catch(() => {}); // whoever reads the answers is told; where nobody does any more, nothing is lost
  return { index, text, answer, resolve, reject };
}

/** Sends lines until each has an answer. */
async function answerLines(
  lines: readonly Line[],
  { send, retries, signal }: BatchSettings & { readonly signal: AbortSignal },
): Promise<void> {
  let open = [...lines];
  const attempt = async () => {
    const answered = new Set<Line>();
    const sent = open;
    try {
      for await (const answer of send(sent.map(({ text }) => `${text}\n`).join(""), signal)) {
        const line = sent.at(answer.index);
        if (!line) throw new Error(`Expected answers to ${sent.length} lines, got one to line ${answer.index}.`);
        const own = { ...answer, index: line.index };
        if (own.problem && isTransient(new ProblemError(own.problem))) line.refusal = own;
        else {
          line.resolve(own);
          answered.add(line);
        }
      }
    } finally {
      open = sent.filter((line) => !answered.has(line));
    }
    const [first] = open;
    if (!first) return;
    if (first.refusal?.problem) throw new ProblemError(first.refusal.problem);
    throw new ConnectionError(`Expected answers to ${sent.length} lines, got ${answered.size}.`);
  };
  await withRetries(attempt, retries, signal).catch((error) => {
    for (const { refusal, resolve, reject } of open) {
      if (refusal) resolve(refusal);
      else reject(error);
    }
  });
}
