/**
 * POST /batch: many pieces in one request -> a stream of their answers, in the order of the pieces. No more is read than is
 * worked on, and no more is worked on than the client reads, so a batch may be of any length.
 */
import { expected, SurprisalError } from "../errors.ts";
import { type Limits, lineWorkLimit, MAX_ANSWERS_BYTES, MAX_GROUP_BYTES, MAX_GROUP_LINES } from "../limits.ts";
import type { ScoreOptions } from "../schema/options.ts";
import { ordered } from "../util/ordered.ts";
import { sum } from "../util/statistics.ts";
import type { Share } from "./admission.ts";
import {
  type Asked,
  answerLine,
  bytesOf,
  type Group,
  type Item,
  type Part,
  problemLine,
  scoreLines,
} from "./batch-lines.ts";
import { itemsOf } from "./batch-source.ts";
import { streamBody } from "./body-stream.ts";
import type { Call, Deps } from "./deps.ts";
import type { Facts } from "./record.ts";
import { pause, RETRY_MS, takeSoon } from "./wait.ts";

export const NDJSON = "application/x-ndjson";

/** A proxy or a middleware that compresses would hold answers back. */
export const BATCH_HEADERS = { "Content-Type": NDJSON, "Cache-Control": "no-store, no-transform" };

/** Of bytes that are counted already. */
const COUNTED: Share = { held: 0, take() {}, release() {} };

/**
 * Answers a batch. Its facts are complete when `facts.ended` resolves.
 * @param query options for lines that do not say otherwise
 * @throws SurprisalError for a fault of the whole request; once the answer has begun, such a fault is its last line.
 */
export async function answerBatch(
  request: Request,
  query: ScoreOptions,
  deps: Deps,
  openShare: () => Share,
  { id: requestId, facts }: Pick<Call, "id" | "facts">,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const part = deps.batchPart?.(request);
  const left = new AbortController();
  const signal = AbortSignal.any([request.signal, left.signal]);
  const asked: Asked = { request, query, requestId, signal };
  const begun = part ? COUNTED : openShare();
  let isAnswering = false; // until then the whole request can be refused
  const body = streamBody(request, deps.limits, {
    take: async (bytes) => (isAnswering ? takeSoon(begun, bytes, deps.limits.waitSeconds, signal) : begun.take(bytes)),
    release: () => begun.release(),
  });
  const groups = groupsOf(
    itemsOf(request, body, query, deps.limits),
    () => part?.sentShare ?? body.sentShare(),
    deps.limits,
    part?.first,
  );
  const first = await groups.next().catch((error) => {
    begun.release();
    throw error;
  });
  if (first.done) {
    begun.release();
    throw new SurprisalError("malformed-request", expected("a body with at least one piece", "an empty one"));
  }
  if (part) {
    const { bytes, facts: learned } = await scoreLines(first.value, deps, asked);
    Object.assign(facts, learned);
    return bytes;
  }
  const share = openShare();
  share.take(MAX_ANSWERS_BYTES);
  isAnswering = true;
  const ended = Promise.withResolvers<void>();
  const total = { lines: 0, refused: 0, work: { done: 0 } };
  Object.assign(facts, total, { ended: ended.promise });
  const answers = answersOf(preceded(first.value, groups), deps, asked, openShare, async (learned) => {
    facts.lines = (facts.lines ?? 0) + (learned.lines ?? 0);
    facts.refused = (facts.refused ?? 0) + (learned.refused ?? 0);
    total.work.done += learned.work?.done ?? 0;
    deps.learned?.(learned);
    const waitMs = await facts.charge?.();
    if (waitMs) await pause(waitMs, signal);
  });
  const close = () => {
    left.abort(); // nobody reads what is still under way
    facts.bytes = body.bytes;
    share.release();
    begun.release();
    ended.resolve();
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await answers.next();
          if (!done) return controller.enqueue(value);
          close();
          controller.close();
        } catch (error) {
          close();
          controller.error(error);
        }
      },
      async cancel() {
        close();
        await answers.return();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_ANSWERS_BYTES }),
  );
  return stream;
}

/** What a line takes that is only read, or refused. */
const LINE_COST = 2e6;

/** What is wrong with lines that were compressed to so little that even to refuse them would take more work than they are worth. */
function faultOfLines({ items, sentShare }: Group, limits: Limits): SurprisalError | undefined {
  const lines = items.flatMap((item) => ("line" in item ? item.line.length + 1 : [])); // with its line end
  const bytes = sentShare * sum(lines);
  if (lineWorkLimit(limits, bytes) >= lines.length * LINE_COST) return undefined;
  const least = (LINE_COST / limits.workPerByte).toFixed(1);
  const got = (bytes / lines.length).toFixed(2);
  return new SurprisalError("too-much-work", expected(`lines of at least ${least} bytes each, as they are sent`, got));
}

/**
 * @param from index of the first line
 * @throws SurprisalError `too-much-work` for the first lines; later ones end the batch with that problem
 */
async function* groupsOf(
  items: AsyncIterable<readonly Item[]>,
  sentShare: () => number,
  limits: Limits,
  from = 0,
): AsyncGenerator<Group, void> {
  let first = from;
  for await (const some of items) {
    for (let at = 0; at < some.length; ) {
      let [end, bytes] = [at, 0];
      while (end < some.length && end - at < MAX_GROUP_LINES && (end === at || bytes < MAX_GROUP_BYTES)) {
        bytes += bytesOf(some[end]);
        end += 1;
      }
      const group = { first, items: some.slice(at, end), sentShare: sentShare() };
      const fault = faultOfLines(group, limits);
      if (fault && first === from) throw fault;
      yield fault ? { ...group, items: [{ fault }] } : group;
      if (fault) return;
      first += end - at;
      at = end;
    }
  }
}

async function* preceded<T>(first: T, rest: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return();
  }
}

async function* answersOf(
  groups: AsyncGenerator<Group, void>,
  deps: Deps,
  asked: Asked,
  openShare: () => Share,
  learn: (facts: Facts) => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  let next = 0; // index of the line that follows
  const answer = async (group: Group) => ({ group, part: await answerPart(group, deps, asked, openShare) });
  const parts = ordered(groups, answer, () => deps.parallel?.() ?? 1);
  try {
    for await (const { group, part } of parts) {
      let [rest, own] = [group, part];
      while (true) {
        next = rest.first + own.count;
        await learn(own.facts);
        yield own.bytes;
        if (own.count >= rest.items.length) break;
        rest = { ...rest, first: next, items: rest.items.slice(own.count) };
        own = await answerPart(rest, deps, asked, openShare);
      }
    }
  } catch (error) {
    if (!(error instanceof SurprisalError) || asked.request.signal.aborted) throw error;
    yield new TextEncoder().encode(problemLine(next, error, asked));
  }
}

/** Here, or by a thread where there are some. */
async function answerPart(group: Group, deps: Deps, asked: Asked, openShare: () => Share): Promise<Part> {
  const share = openShare();
  try {
    const bytes = group.items.reduce((sum, item) => sum + bytesOf(item), 0);
    await takeSoon(share, bytes, deps.limits.waitSeconds, asked.signal);
    const offload = deps.offload?.();
    if (!offload || group.items.every((item) => "fault" in item)) return await scoreLines(group, deps, asked);
    const [item] = group.items;
    if ("fault" in item) return await scoreLines({ ...group, items: [item] }, deps, asked);
    return await ("file" in item ? fileByThread(group, item, offload, asked) : linesByThread(group, offload, asked));
  } catch (error) {
    if (asked.signal.aborted || !(error instanceof SurprisalError)) throw error;
    // One of the lines may have cost the thread its life: each is tried alone.
    if (error.code === "interrupted" && group.items.length > 1) {
      return await answerPart({ ...group, items: group.items.slice(0, 1) }, deps, asked, openShare);
    }
    if (error.code === "busy") {
      share.release();
      await pause(RETRY_MS, asked.signal);
      return await answerPart(group, deps, asked, openShare);
    }
    const bytes = new TextEncoder().encode(problemLine(group.first, error, asked));
    return { bytes, count: 1, facts: { lines: 1, refused: 1 } };
  } finally {
    share.release();
  }
}

type Offload = NonNullable<ReturnType<NonNullable<Deps["offload"]>>>;

/** The lines up to the first that cannot be sent. */
async function linesByThread({ first, items, sentShare }: Group, offload: Offload, asked: Asked): Promise<Part> {
  const end = items.findIndex((item) => !("line" in item));
  const lines = items.slice(0, end === -1 ? items.length : end).flatMap((item) => ("line" in item ? [item.line] : []));
  const body = new Uint8Array(lines.reduce((sum, line) => sum + line.length + 1, 0)).fill(0x0a);
  let at = 0;
  for (const line of lines) {
    body.set(line, at);
    at += line.length + 1;
  }
  const facts: Facts = {};
  const response = await offload(requestOf(asked.request.url, body, NDJSON, asked), {
    id: asked.requestId,
    share: COUNTED,
    facts,
    batch: { first, sentShare },
  });
  if (!response.ok) throw await errorOf(response);
  return { bytes: new Uint8Array(await response.arrayBuffer()), count: facts.lines ?? lines.length, facts };
}

async function fileByThread(
  { first, sentShare }: Group,
  { file, options }: Extract<Item, { file: unknown }>,
  offload: Offload,
  asked: Asked,
): Promise<Part> {
  const url = new URL(asked.request.url);
  url.pathname = url.pathname.replace(/batch$/, "score");
  url.search = String(new URLSearchParams(Object.entries(options).map(([name, value]) => [name, String(value)])));
  const facts: Facts = {};
  const call = { id: asked.requestId, share: COUNTED, facts, batch: { first, sentShare } };
  const response = await offload(requestOf(url.href, file.bytes, file.type || "application/octet-stream", asked), call);
  const answer = await response.json();
  const { id } = options;
  const line = response.ok
    ? answerLine(first, { ...answer, input: { ...answer.input, ...(file.name !== undefined && { name: file.name }) } })
    : answerLine(first, { ...(id !== undefined && { id }), problem: answer });
  return {
    bytes: new TextEncoder().encode(line),
    count: 1,
    facts: { ...facts, lines: 1, refused: response.ok ? 0 : 1 },
  };
}

const requestOf = (url: string, body: Uint8Array, type: string, { signal }: Asked) =>
  new Request(url, { method: "POST", headers: { "Content-Type": type }, body: body as BodyInit, signal });

async function errorOf(response: Response): Promise<SurprisalError> {
  const { code, detail } = await response.json();
  return new SurprisalError(code === "internal-error" ? "interrupted" : code, detail);
}
