/**
 * A limit on the work of each client: multiply-adds a minute, summed over its requests; how many requests it sends does not
 * count. The work of a request is known once it is answered. Until then the request holds a fixed part of the limit, so a
 * client cannot have more requests under way than there are parts.
 */
import { isIPv6 } from "node:net";
import type { MiddlewareHandler } from "hono";
import type { RateLimiterAbstract, RateLimiterRes } from "rate-limiter-flexible";
import { expected, SurprisalError } from "../../errors.ts";
import type { Env } from "../../http/deps.ts";
import { CLIENT_WINDOW_SECONDS } from "../../limits.ts";

/** Stores count in whole numbers. */
const UNIT = 1e6; // multiply-adds

/** How long a store may take to count, ms. */
const STORE_MS = 1000;

/** The part of the limit that a request holds until it is answered. */
const PART = 1 / 32;

/**
 * Counts in this process or, given a store, for all servers that have the same.
 * @param storeUrl of a server that speaks the protocol of Redis. While it cannot be reached, this process counts for itself.
 */
export async function openLimiter(clientWork: number, storeUrl?: string): Promise<RateLimiterAbstract> {
  const { RateLimiterMemory, RateLimiterRedis } = await import("rate-limiter-flexible");
  const options = { keyPrefix: "surprisal", points: Math.ceil(clientWork / UNIT), duration: CLIENT_WINDOW_SECONDS };
  const memory = new RateLimiterMemory(options);
  if (storeUrl === undefined) return memory;
  const { createClient } = await import("@redis/client");
  const storeClient = createClient({ url: storeUrl, disableOfflineQueue: true, commandOptions: { timeout: STORE_MS } });
  let isReached = true;
  storeClient.on("ready", () => {
    isReached = true;
  });
  storeClient.on("error", (error) => {
    if (isReached) console.error("The store of rates cannot be reached; this server counts for itself:", error);
    isReached = false;
  });
  void storeClient.connect(); // tries until it succeeds
  return new RateLimiterRedis({
    ...options,
    storeClient,
    useRedisPackage: true,
    rejectIfRedisNotReady: true,
    insuranceLimiter: memory,
  });
}

/** @param proxies that stand in front of the server, each of which adds the address before it to X-Forwarded-For */
export function limitWork(limiter: RateLimiterAbstract, proxies: number): MiddlewareHandler<Env> {
  const { points, duration } = limiter;
  const held = Math.ceil(points * PART);
  return async (c, next) => {
    const facts = c.get("facts");
    const address = addressOf(socketAddress(c.env), c.req.header("X-Forwarded-For"), proxies);
    const client = facts.client ? `key ${facts.client}` : address;
    const { headers } = c.res;
    headers.set("RateLimit-Policy", `"work";q=${points};w=${duration}`);
    const say = ({ remainingPoints, msBeforeNext }: RateLimiterRes) =>
      headers.set("RateLimit", `"work";r=${remainingPoints};t=${Math.ceil(msBeforeNext / 1000)}`);
    await limiter.consume(client, held).then(say, async (refused: RateLimiterRes | Error) => {
      if (refused instanceof Error) throw refused; // the store cannot be reached
      await limiter.reward(client, held);
      say(refused);
      headers.set("Retry-After", String(Math.ceil(refused.msBeforeNext / 1000)));
      const wanted = `at most ${points} million multiply-adds in ${duration} seconds, those under way included`;
      throw new SurprisalError("rate-limited", expected(wanted, "more"));
    });
    let charged = 0;
    facts.charge = async () => {
      const points = Math.floor((facts.work?.done ?? 0) / UNIT) - charged;
      if (points <= 0) return 0;
      charged += points;
      const { remainingPoints, msBeforeNext } = await limiter.penalty(client, points);
      return remainingPoints > 0 ? 0 : msBeforeNext;
    };
    const settle = async () => {
      const taken = Math.ceil((facts.work?.done ?? 0) / UNIT) - charged - held;
      await (taken > 0 ? limiter.penalty(client, taken) : limiter.reward(client, -taken));
    };
    try {
      await next();
    } finally {
      if (facts.ended)
        void facts.ended.then(settle); // a batch goes on
      else await settle();
    }
  };
}

/** The address of the other end of the connection, as @hono/node-server hands it over. */
function socketAddress(env: unknown): string | undefined {
  const { incoming } = env as { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress;
}

/**
 * The address that counts as one client: for IPv6 the /64 network, which usually is one household.
 * @param forwarded X-Forwarded-For, in which clients can write anything before what the operator's proxies add
 */
export function addressOf(socket: string | undefined, forwarded: string | undefined, proxies: number): string {
  const chain = [...(forwarded?.split(",").map((address) => address.trim()) ?? []), socket ?? "unknown"];
  const address = chain.at(-1 - proxies) ?? chain[0];
  if (!isIPv6(address)) return address;
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (plain) return plain[1];
  const [head, tail = ""] = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1).split("::") ?? [address];
  const groups = head.split(":").filter(Boolean);
  const after = tail.split(":").filter(Boolean);
  while (groups.length + after.length < 8) groups.push("0");
  return `${[...groups, ...after].slice(0, 4).join(":")}::/64`;
}
