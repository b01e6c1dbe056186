import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isolate } from "../../../src/entry/workers/isolate.ts";
import { follow } from "../../../src/store/follow.ts";
import type { CheckpointStore, Current } from "../../../src/store/store.ts";
import { storeOf } from "../../support/releases.ts";
import { kernelModule } from "../../support/wasm.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const [one, two] = [storeOf({ gru: 1 }), storeOf({ gru: 2 })];

/** An isolate whose store is answered by `next`, or never while that is undefined. */
function staged(next: CheckpointStore | Error | undefined) {
  const stage = { next, polls: 0, reads: 0, reports: 0 };
  const carried: Promise<unknown>[] = [];
  const never = new Promise<never>(() => {});
  const present = () => {
    if (stage.next instanceof Error) throw stage.next;
    return stage.next ?? never;
  };
  const store = {
    async catalogue(known?: string): Promise<Current | "unchanged"> {
      stage.polls += 1;
      const { models } = (await (await present()).catalogue()).catalogue;
      const etag = models[0].version;
      return etag === known ? "unchanged" : { catalogue: { models }, etag };
    },
    async read(entry) {
      stage.reads += 1;
      return (await present()).read(entry);
    },
  } as CheckpointStore;
  const follower = follow(store, kernelModule);
  const { models, offers } = isolate({
    follower,
    pollMs: 60_000,
    waitUntil: (work) => carried.push(work),
    report: () => {
      stage.reports += 1;
    },
  });
  return { stage, carried, models, offers, problems: follower.problems };
}

const versionOf = async (store: CheckpointStore) => (await store.catalogue()).catalogue.models[0].version;

test("the first requests share one look at the catalogue and one read of a file", async () => {
  const { stage, carried, models } = staged(one);
  const [first, second] = await Promise.all([models(), models()]);
  expect([first.map(({ id }) => id), second]).toEqual([["jsb/gru"], first]);
  expect(stage).toMatchObject({ polls: 1, reads: 1 });
  await Promise.all(carried); // what a request has begun goes on after its answer
  expect([carried.length, stage.reports]).toEqual([2, 2]);
});

test("what can be asked for is told without a read of any model", async () => {
  const { stage, offers } = staged(one);
  expect((await offers()).map(({ id }) => id)).toEqual(["jsb/gru"]);
  expect(stage).toMatchObject({ polls: 1, reads: 0 });
});

test("a request of a minute later begins a poll and does not wait for it", async () => {
  const { stage, carried, models } = staged(one);
  const before = await models();
  stage.next = two;
  vi.advanceTimersByTime(59_999);
  await models();
  expect(stage.polls).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await models()).toEqual(before);
  await Promise.all([...carried, vi.advanceTimersByTimeAsync(1000)]); // trying a model lets others go first
  expect([stage.polls, (await models())[0].version]).toEqual([2, await versionOf(two)]);
});

test("without a catalogue the store is asked again a second later, and its problem is known", async () => {
  const { stage, models, problems } = staged(new Error("no catalogue"));
  for (const polls of [1, 2]) {
    expect([await models(), await models()]).toEqual([[], []]);
    expect(stage.polls).toBe(polls);
    vi.advanceTimersByTime(1000);
  }
  expect(problems()).toEqual([{ error: new Error("no catalogue") }]);
  stage.next = one;
  expect([await models(), problems()]).toMatchObject([[{ id: "jsb/gru" }], []]);
});

test.each<[string, (isolated: ReturnType<typeof staged>) => Promise<unknown>]>([
  ["the catalogue", async ({ stage }) => (stage.next = undefined)],
  [
    "a file",
    async ({ stage, offers }) => {
      await offers();
      stage.next = undefined;
    },
  ],
])("a read of %s that the runtime ended with its request holds nobody up for ever", async (_, lose) => {
  const isolated = staged(one);
  const { stage, models } = isolated;
  await lose(isolated);
  const lost = models();
  await vi.advanceTimersByTimeAsync(5000);
  stage.next = one;
  const waiting = models();
  await vi.advanceTimersByTimeAsync(5000);
  expect(await Promise.all([lost, waiting])).toMatchObject([[{ id: "jsb/gru" }], [{ id: "jsb/gru" }]]);
});

test("what is served stays while a poll is lost, and the next poll is made good", async () => {
  const { stage, models, problems } = staged(one);
  const before = await models();
  stage.next = undefined;
  for (let minute = 0; minute < 2; minute++) {
    vi.advanceTimersByTime(60_000);
    expect(await models()).toEqual(before);
  }
  stage.next = two;
  vi.advanceTimersByTime(60_000);
  await models();
  await vi.advanceTimersByTimeAsync(0);
  expect([(await models())[0].version, problems()]).toEqual([await versionOf(two), []]);
});
