import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isolate } from "../../src/entry/isolate.ts";
import type { Follower, Problem } from "../../src/store/follow.ts";
import type { Loaded } from "../../src/store/load.ts";
import { randomModel } from "../models.ts";

const models = [randomModel({ set: "jsb", cell: "gru" })];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Followers whose polls end when the test says so. */
function staged() {
  const opened: { polls: number; end(problem?: Problem): void; endInPart(): void }[] = [];
  const logged: Problem[] = [];
  const carried: Promise<unknown>[] = [];
  const open = (): Follower => {
    let problems: Problem[] = [];
    let loaded: Loaded = { models: [], failures: [] };
    let release = (_: boolean) => {};
    const stage = {
      polls: 0,
      end(problem?: Problem) {
        problems = problem ? [problem] : [];
        if (!problem) loaded = { models, failures: [] };
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
  const shared = isolate(open, 60_000, (problem) => logged.push(problem));
  const ready = () => shared.ready({ waitUntil: (work) => carried.push(work) });
  return { shared, ready, opened, logged, carried };
}

test("the first request waits for the models, others that come meanwhile wait for the same poll", async () => {
  const { shared, ready, opened, carried } = staged();
  const waiting = Promise.all([ready(), ready()]);
  expect(shared.loaded().models).toEqual([]);
  opened[0].end();
  await waiting;
  expect(shared.loaded().models).toBe(models);
  expect([opened.length, opened[0].polls, carried.length]).toEqual([1, 1, 1]);
});

test("a request of a minute later begins a poll and does not wait for it", async () => {
  const { shared, ready, opened, carried } = staged();
  const first = ready();
  opened[0].end();
  await first;
  vi.advanceTimersByTime(59_999);
  await ready();
  expect(opened[0].polls).toBe(1);
  vi.advanceTimersByTime(1);
  await ready();
  await ready();
  expect([opened[0].polls, carried.length]).toEqual([2, 2]);
  expect(shared.loaded().models).toBe(models);
});

test("without models the store is asked again a second later, and its problem is logged once", async () => {
  const { shared, ready, opened, logged } = staged();
  const problem = { error: new Error("no catalogue") };
  for (const polls of [1, 2]) {
    const request = ready();
    opened[0].end(problem);
    await request;
    await ready();
    expect(opened[0].polls).toBe(polls);
    vi.advanceTimersByTime(1000);
  }
  expect([shared.problems(), logged]).toEqual([[problem], [problem]]);
});

test("a poll that the runtime ended with its request holds nobody up for ever", async () => {
  const { shared, ready, opened } = staged();
  const request = ready();
  await vi.advanceTimersByTimeAsync(10_000);
  await request;
  const next = ready();
  opened[1].end();
  await next;
  expect(shared.loaded().models).toBe(models);
});

test("what is served stays while a poll is lost and another fails", async () => {
  const { shared, ready, opened } = staged();
  const first = ready();
  opened[0].end();
  await first;
  for (let minute = 0; minute < 2; minute++) {
    vi.advanceTimersByTime(60_000);
    await ready();
  }
  opened[1].end({ error: new Error("gone") });
  await vi.advanceTimersByTimeAsync(0);
  expect(shared.loaded().models).toBe(models);
  expect(shared.problems()).toHaveLength(1);
});

test("what is served stays when the poll after a lost one finds a release that is not whole", async () => {
  const { shared, ready, opened } = staged();
  const first = ready();
  opened[0].end();
  await first;
  for (let minute = 0; minute < 2; minute++) {
    vi.advanceTimersByTime(60_000);
    await ready();
  }
  opened[1].endInPart();
  await vi.advanceTimersByTimeAsync(0);
  expect(shared.loaded().models).toBe(models);
  expect(shared.problems()).toMatchObject([{ id: "jsb/lstm" }]);
});

test("a poll that was given up and ends all the same replaces nothing", async () => {
  const { shared, ready, opened } = staged();
  const request = ready();
  await vi.advanceTimersByTimeAsync(10_000);
  await request;
  const next = ready();
  opened[1].end();
  await next;
  opened[0].endInPart();
  await vi.advanceTimersByTimeAsync(0);
  expect([shared.loaded().models, shared.problems()]).toEqual([models, []]);
});
