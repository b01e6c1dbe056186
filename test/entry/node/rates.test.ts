import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { addressOf, limitWork, openLimiter } from "../../../src/entry/node/rates.ts";
import { createApp } from "../../../src/http/app.ts";
import type { AccessRecord } from "../../../src/http/record.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { randomPiece, testModels } from "../../support/models.ts";
import { requires } from "../../support/requires.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const models = testModels();

async function limited(clientWork: number, storeUrl?: string) {
  const records: AccessRecord[] = [];
  const limiter = await openLimiter(clientWork, storeUrl);
  const app = createApp({
    models: () => models,
    limits: DEFAULT_LIMITS,
    guards: [limitWork(limiter, 0)],
    answered: (record) => records.push(record),
    version: "1",
    log: (error) => {
      throw error;
    },
  });
  const ask = async (frames: number, address = "192.0.2.1") => {
    const body = JSON.stringify({ pianoRoll: randomPiece(1, frames), transpose: "auto" });
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body };
    const response = await app.request("/score", init, { incoming: { socket: { remoteAddress: address } } });
    const [, left] = /^"work";r=(\d+);t=\d+$/.exec(response.headers.get("ratelimit") ?? "") ?? [];
    return { response, left: Number(left), done: records.at(-1)?.work?.done ?? 0 };
  };
  return { limiter, ask };
}

describe("the work of a client", () => {
  test("is summed over its requests, however large each is, and refused beyond the limit until the minute is over", async () => {
    const { ask } = await limited(1e9);
    let [spent, count] = [0, 0];
    let last = await ask(200);
    while (last.response.status === 200) {
      spent += last.done;
      count += 1;
      last = await ask(200);
    }
    expect(count).toBeGreaterThan(2);
    expect(Math.abs(spent - 1e9)).toBeLessThan(1e9 / 16 + spent / count);
    const { headers } = last.response;
    expect([last.response.status, (await last.response.json()).code]).toEqual([429, "rate-limited"]);
    expect(headers.get("ratelimit-policy")).toBe('"work";q=1000;w=60');
    expect(headers.get("retry-after")).toMatch(/^([1-9]|[1-5]\d|60)$/);
    expect((await ask(200, "192.0.2.2")).response.status).toBe(200); // others go on
    vi.setSystemTime(Date.now() + 60_000);
    expect((await ask(200)).response.status).toBe(200);
  });

  test("is not what a request might take but what it took: many small ones fit", async () => {
    const { ask } = await limited(1e9);
    for (let k = 0; k < 60; k++) expect((await ask(2)).response.status).toBe(200);
  });

  test("counts while it is under way: at most 32 requests of a client are", async () => {
    const { ask } = await limited(1e12);
    const statuses = (await Promise.all(Array.from({ length: 40 }, () => ask(20)))).map((each) => each.response.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(32);
    expect(statuses.filter((status) => status === 429)).toHaveLength(8);
  });

  test("a refused request costs its client nothing more", async () => {
    const { limiter, ask } = await limited(8e6);
    await ask(400);
    const spent = await limiter.get("192.0.2.1");
    for (let k = 0; k < 3; k++) expect((await ask(2)).response.status).toBe(429);
    expect((await limiter.get("192.0.2.1"))?.consumedPoints).toBe(spent?.consumedPoints);
  });
});

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
describe.skipIf(!requires(hasRedis, "redis-server is not there; Debian's package of that name has it"))(
  "servers with one store",
  () => {
    async function startRedis(port: number) {
      const redis = spawn("redis-server", ["--port", String(port), "--save", ""], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      onTestFinished(() => void redis.kill());
      for await (const text of redis.stdout) if (String(text).includes("Ready to accept connections")) return redis;
      throw new Error("redis-server ended.");
    }

    test("count together, and each for itself while it cannot be reached", async () => {
      const free = createServer().listen(0, "127.0.0.1");
      await once(free, "listening");
      const { port } = free.address() as AddressInfo;
      free.close();
      const redis = await startRedis(port);
      const said = vi.spyOn(console, "error").mockImplementation(() => {});
      const servers = await Promise.all([1, 2].map(() => limited(1e9, `redis://127.0.0.1:${port}`)));
      const isCounted = () => servers.map(({ ask }) => ask(2));
      await vi.waitFor(async () =>
        expect((await Promise.all(isCounted())).map(({ left }) => left < 1000)).toEqual([true, true]),
      );
      const lefts: number[] = [];
      for (let k = 0; k < 8; k++) lefts.push((await servers[k % 2].ask(200)).left);
      expect(lefts).toEqual(lefts.toSorted((a, b) => b - a)); // what one server is asked, the other counts too
      expect(lefts[0] - lefts[7]).toBeGreaterThan(300);
      redis.kill();
      await once(redis, "exit");
      await vi.waitFor(() => expect(said).toHaveBeenCalledTimes(2));
      for (const { ask } of servers) {
        const { response, left } = await ask(200);
        expect([response.status, left > lefts[7]]).toEqual([200, true]);
      }
      await startRedis(port);
      // What one server is asked is counted by the other again. A request that is under way as the store comes back may be settled
      // there though it was counted elsewhere, so the first number is not known.
      const again = async () => {
        const [first, second, third] = [await servers[0].ask(2), await servers[1].ask(2), await servers[0].ask(2)];
        expect(first.left - second.left).toBeGreaterThan(0);
        expect(second.left - third.left).toBe(first.left - second.left);
        expect(first.left).toBeGreaterThan(lefts[7]); // the store has forgotten what was counted before
      };
      await vi.waitFor(again, { timeout: 10_000, interval: 200 });
    });
  },
);

describe("the address that counts", () => {
  test.each([
    ["192.0.2.1", undefined, 0, "192.0.2.1"],
    ["::ffff:192.0.2.1", undefined, 0, "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", undefined, 0, "2001:db8:1:2::/64"],
    ["2001:db8::1", undefined, 0, "2001:db8:0:0::/64"],
    ["::1", undefined, 0, "0:0:0:0::/64"],
    ["192.0.2.1", "203.0.113.9", 0, "192.0.2.1"],
    ["10.0.0.1", "203.0.113.9", 1, "203.0.113.9"],
    ["10.0.0.1", "1.1.1.1, 203.0.113.9", 1, "203.0.113.9"],
    ["10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"],
    ["10.0.0.1", undefined, 1, "10.0.0.1"],
    [undefined, undefined, 0, "unknown"],
  ])("of a connection from %s, forwarded for %s, behind %i proxies is %s", (socket, forwarded, proxies, address) => {
    expect(addressOf(socket, forwarded, proxies)).toBe(address);
  });
});
