/** Stands in for a thread of the pool: it answers at once, but never /never, and at /stuck it computes for ever. */
import { parentPort } from "node:worker_threads";
import type { FromThread, ToThread } from "../../src/entry/node/messages.ts";

const say = (message: FromThread) => parentPort?.postMessage(message);

parentPort?.on("message", (message: ToThread) => {
  if ("ping" in message) say({ alive: true });
  if (!("tasks" in message)) return;
  for (const { number, url } of message.tasks) {
    while (url.endsWith("/stuck"));
    if (url.endsWith("/never")) continue;
    say({ number, status: 200, headers: [], body: new Uint8Array(), facts: {} });
  }
});
say({ alive: true });
