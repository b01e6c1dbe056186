/** /batch on the server with its threads: a client that stops reading, and one that leaves. */
import { request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_FOLDER } from "../../../src/entry/node/local.ts";
import { Server } from "../../support/server.ts";

let server: Server;
beforeAll(async () => {
  server = await Server.start({ SURPRISAL_MODELS: DEFAULT_FOLDER });
  while (!server.stdout.includes("Models:")) await setTimeout(50);
});
afterAll(() => server.stop());

const line = '{"pianoRoll":[[60],[62],[64]],"detail":"notes"}\n';

test("a client that stops reading stops the work, and what it reads later is whole; one that leaves is let go", async () => {
  const sent = request(`${server.url}/v1/batch?models=jsb/gru`, {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
  });
  sent.on("error", () => {});
  let written = 0;
  const writing = setInterval(() => {
    for (let k = 0; k < 200 && sent.writableLength < 2 ** 16; k++, written++) sent.write(line);
  }, 1);
  sent.flushHeaders();
  const response = await new Promise<import("node:http").IncomingMessage>((resolve) => sent.once("response", resolve));
  response.pause();
  let before = -1;
  while (before !== written) {
    before = written;
    await setTimeout(1500);
  }
  response.setEncoding("utf8").resume();
  let text = "";
  for await (const chunk of response) {
    text += chunk;
    if (text.length > 4_000_000) break; // more than had been answered
  }
  clearInterval(writing);
  const answers = text.split("\n").slice(0, -1);
  expect(answers.every((answer, k) => JSON.parse(answer).index === k)).toBe(true);
  sent.destroy();
  for (let tries = 0; tries < 100 && !/"route":"\/batch"/.test(server.stdout); tries++) await setTimeout(100);
  expect(server.stdout).toMatch(/"route":"\/batch".*"lines":\d+,"refused":0/);
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
}, 120_000);
