import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isolate } from "../../../src/entry/workers/isolate.ts";
import type { Follower, Problem } from "../../../src/store/follow.ts";
import type { Loaded } from "../../../src/store/load.ts";
import { randomModel } from "../../support/models.ts";

const models = [randomModel({ set: "jsb", cell: "gru" })];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Followers whose polls end when the test says so. */
function staged() {
  const opened: { polls: number; end(problem?: Problem, found?: Loaded["models"]): void; endInPart(): void }[] = [];
  const logged: Problem[] = [];
  const carried: Promise<unknown>[] = [];
  const open = (): Follower => {
    let problems: Problem[] = [];
    let loaded: Loaded = { models: [], failures: [] };
    let release = (_: boolean) => {};
    const stage = {
      polls: 0,
      end(problem?: Problem, found: Loaded["models"] = models) {
        problems = problem ? [problem] : [];
        if (!problem) loaded = { models: found, failures: [] };
        release(true);
      },
      /** As of a release of which one file is torn. */
      endInPart() {
        const failure = { id: "jsb/lstm", error: new Error("torn") };
        problems = [failure];
        loaded = { models: [randomModel({ set: "jsb", cell: "gru", seed: 2 })], failures: [failure] };
        release(true);
      },
    };
    opened.push(stage);
    return {
      loaded: () => loaded,
      models: async () => loaded.models,
      release: () => undefined,
      problems: () => problems,
      refresh() {
        stage.polls += 1;
        return new Promise((resolve) => {
          release = resolve;
        });
      },
    };
  };
  const shared = isolate({
    open,
    pollMs: 60_000,
    waitUntil: (work) => carried.push(work),
    log: (problem) => logged.push(problem),
  });
  return { served: shared.models, problems: shared.problems, opened, logged, carried };
}

test("the first request waits for the models, others that come meanwhile wait for the same poll", async () => {
  const { served, opened, carried } = staged();
  const waiting = Promise.all([served(), served()]);
  opened[0].end();
  expect(await waiting).toEqual([models, models]);
  expect([opened.length, opened[0].polls, carried.length]).toEqual([1, 1, 1]);
});

test("a request of a minute later begins a poll and does not wait for it", async () => {
  const { served, opened, carried } = staged();
  const first = served();
  opened[0].end();
  await first;
  vi.advanceTimersByTime(59_999);
  await served();
  expect(opened[0].polls).toBe(1);
  vi.advanceTimersByTime(1);
  await served();
  await served();
  expect([opened[0].polls, carried.length]).toEqual([2, 2]);
  expect(await served()).toBe(models);
});

test("without models the store is asked again a second later, and its problem is logged once", async () => {
  const { served, problems, opened, logged } = staged();
  const problem = { error: new Error("no catalogue") };
  for (const polls of [1, 2]) {
    const request = served();
    opened[0].end(problem);
    await request;
    await served();
    expect(opened[0].polls).toBe(polls);
    vi.advanceTimersByTime(1000);
  }
  expect([problems(), logged]).toEqual([[problem], [problem]]);
});

test("a poll that the runtime ended with its request holds nobody up for ever", async () => {
  const { served, opened } = staged();
  const request = served();
  await vi.advanceTimersByTimeAsync(10_000);
  await request;
  const next = served();
  opened[1].end();
  await next;
  expect(await served()).toBe(models);
});

test.each<[string, (poll: ReturnType<typeof staged>["opened"][number]) => void, object]>([
  ["fails", (poll) => poll.end({ error: new Error("gone") }), { error: new Error("gone") }],
  ["finds a release that is not whole", (poll) => poll.endInPart(), { id: "jsb/lstm" }],
])("what is served stays while a poll is lost and the next one %s", async (_, end, problem) => {
  const { served, problems, opened } = staged();
  const first = served();
  opened[0].end();
  await first;
  for (let minute = 0; minute < 2; minute++) {
    vi.advanceTimersByTime(60_000);
    await served();
  }
  end(opened[1]);
  await vi.advanceTimersByTimeAsync(0);
  expect(await served()).toBe(models);
  expect(problems()).toMatchObject([problem]);
});

test("a poll that was given up and ends all the same replaces nothing", async () => {
  const { served, problems, opened } = staged();
  const request = served();
  await vi.advanceTimersByTimeAsync(10_000);
  await request;
  const next = served();
  opened[1].end();
  await next;
  opened[0].end(undefined, [randomModel({ set: "jsb", cell: "gru", seed: 2 })]);
  await vi.advanceTimersByTimeAsync(0);
  expect(await served()).toBe(models);
  expect(problems()).toEqual([]);
});
