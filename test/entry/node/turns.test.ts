import { describe, expect, test } from "vitest";
import { turns } from "../../../src/entry/node/turns.ts";
import { Work } from "../../../src/util/work.ts";

/** Steps in the order in which they were done; each takes a whole turn by the clock. */
function scheduler() {
  let clock = 0;
  const done: string[] = [];
  const long: string[] = [];
  const { next } = turns(() => clock);
  /** A request of so many steps. */
  const run = async (name: string, steps: number, multiplyAdds: number, planned = 0) => {
    const turn = next(() => long.push(name));
    await turn.begin();
    const work = new Work({ pause: turn.pause });
    work.plan(planned, "a test");
    for (let k = 0; k < steps; k++) {
      done.push(name);
      clock += 5;
      await work.step(multiplyAdds);
    }
  };
  return { run, done, long };
}

const LONG = 5e8;
const SMALL = 1e6;

describe("turns", () => {
  test("a small request that comes amid long ones is done before any of them goes on, but for one turn in eight", async () => {
    const { run, done, long } = scheduler();
    const dear = Promise.all(["a", "b", "c"].map((name) => run(name, 50, LONG)));
    while (done.length < 20) await new Promise((resolve) => setImmediate(resolve));
    const before = done.length;
    await run("small", 5, SMALL);
    const until = done.slice(before, done.lastIndexOf("small"));
    expect(until.filter((name) => name !== "small").length).toBeLessThanOrEqual(2);
    await dear;
    expect(long.toSorted()).toEqual(["a", "b", "c"]);
  });

  test("small requests are done one after the other, in the order in which they came", async () => {
    const { run, done } = scheduler();
    await Promise.all(["a", "b", "c"].map((name) => run(name, 2, SMALL)));
    expect(done).toEqual(["a", "a", "b", "b", "c", "c"]);
  });

  test("what is known to be long lets small requests pass from its first step on", async () => {
    const { run, done, long } = scheduler();
    const dear = Promise.all(["a", "b"].map((name) => run(name, 3, SMALL, LONG)));
    await Promise.all([run("c", 2, SMALL), dear]);
    expect(done).toEqual(["a", "b", "c", "c", "a", "a", "b", "b"]);
    expect(long).toEqual(["a", "b"]);
  });

  test("a long request goes on while small ones never cease", async () => {
    const { run, done } = scheduler();
    const dear = run("long", 20, LONG);
    let isOver = false;
    const others = async () => {
      while (!isOver) await run("small", 1, SMALL);
    };
    const crowd = Promise.all([others(), others(), others()]);
    await dear;
    isOver = true;
    await crowd;
    const share = 20 / done.length;
    expect(share).toBeGreaterThan(1 / 10);
    expect(share).toBeLessThan(1 / 4);
  });

  test("long requests share what is left", async () => {
    const { run, done } = scheduler();
    await Promise.all(["a", "b"].map((name) => run(name, 64, LONG)));
    const half = done.slice(0, 64).filter((name) => name === "a").length;
    expect(half).toBeGreaterThan(16);
    expect(half).toBeLessThan(48);
  });
});
