/** The batches of the TypeScript client against a server with its threads and its limits. */
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type BatchAnswer, Client, ProblemError } from "../../src/client/index.ts";
import { DEFAULT_FOLDER } from "../../src/entry/node/local.ts";
import { randomPiece } from "../support/models.ts";
import { Server } from "../support/server.ts";

const options = { models: ["jsb/gru"] };
let server: Server | undefined;
afterEach(() => server?.stop());

async function started(env: Record<string, string> = {}): Promise<{ server: Server; client: Client }> {
  server = await Server.start({ SURPRISAL_MODELS: DEFAULT_FOLDER, ...env });
  while (!server.stdout.includes("Models:")) await setTimeout(50);
  return { server, client: new Client(server.url) };
}

const inputs = (count: number) =>
  Array.from({ length: count }, (_, k) => ({ input: randomPiece(k, 4 + (k % 5)), id: `${k}` }));
/** What the server has logged of batches, oldest first. */
const batchesOf = ({ stdout }: Server) =>
  stdout
    .split("\n")
    .filter((line) => line.includes('"route":"/batch"'))
    .map((line) => JSON.parse(line));

test("answers keep the order of the inputs, past one in the middle that cannot be scored", async () => {
  const { client } = await started();
  const asked = inputs(1500).with(750, { input: [[60]], id: "short" });
  const answers: BatchAnswer[] = [];
  for await (const answer of client.batch(asked, options)) answers.push(answer);
  expect(answers.map(({ index, id }) => [index, id])).toEqual(asked.map(({ id }, k) => [k, id]));
  expect(answers.filter(({ problem }) => problem)).toMatchObject([
    { index: 750, problem: { code: "nothing-to-score" } },
  ]);
  for (const k of [0, 749, 751, 1499]) {
    const { scores } = await client.score(asked[k].input, options);
    expect(answers[k]).toMatchObject({ scores });
  }
});

test("a reader that pauses pauses the inputs; one that leaves ends the requests", async () => {
  const { server, client } = await started();
  let read = 0;
  let isClosed = false;
  function* endless() {
    try {
      for (;;) yield { input: randomPiece(read++, 8), detail: "notes" as const };
    } finally {
      isClosed = true;
    }
  }
  const answers = client.batch(endless(), options);
  for (let k = 0; k < 10; k++) await answers.next();
  await setTimeout(2000);
  const held = read;
  await setTimeout(2000);
  expect(read).toBe(held);
  for (let k = 10; k < held; k++) expect((await answers.next()).value).toMatchObject({ index: k });
  expect(read).toBeGreaterThan(held);
  await answers.return();
  expect(isClosed).toBe(true);
  const soon = { timeout: 20_000, interval: 200 };
  const lines = () => batchesOf(server).reduce((sum, { lines }) => sum + lines, 0);
  await expect.poll(lines, soon).toBeGreaterThanOrEqual(held);
  const { length } = batchesOf(server);
  await setTimeout(1000);
  expect(batchesOf(server)).toHaveLength(length); // nothing is asked any more
});

test("a server that has no room is asked again after its Retry-After", async () => {
  const { server, client } = await started({ SURPRISAL_BODIES_BYTES: "2000000" });
  const { hostname, port } = new URL(server.url);
  const hog = connect(Number(port), hostname);
  hog.write(`POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: audio/midi\r\nContent-Length: 1900000\r\n\r\n`);
  const hasty = new Client(server.url, { retries: 0 });
  const code = () =>
    hasty.score([[60], [62]].concat(Array(200_000).fill([])), options).then(
      () => "",
      ({ code }) => code,
    );
  await expect.poll(code).toBe("busy");
  const began = performance.now();
  const answers = client.batch(inputs(3), options);
  const first = answers.next();
  await expect.poll(() => batchesOf(server).map(({ status }) => status), { timeout: 20_000 }).toContain(503);
  hog.destroy();
  expect((await first).value).toMatchObject({ index: 0, scores: [{ model: "jsb/gru" }] });
  expect(performance.now() - began).toBeGreaterThan(4900); // the server asks for five seconds
  await expect.poll(() => batchesOf(server).at(-1)).toMatchObject({ status: 200 });
  await answers.return();
});

test("a client that has used up its work is refused, and told when it may ask again", async () => {
  const { server, client } = await started({ SURPRISAL_CLIENT_WORK: "10" });
  const long = Array.from({ length: 4000 }, () => [60]);
  await client.score(long, options);
  const hasty = new Client(server.url, { retries: 0 });
  const error = await hasty
    .batch(inputs(1), options)
    .next()
    .catch((error) => error);
  expect(error).toBeInstanceOf(ProblemError);
  expect(error).toMatchObject({ status: 429, code: "rate-limited", retryAfter: expect.any(Number) });
});
