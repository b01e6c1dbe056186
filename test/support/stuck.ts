/** Loaded by `--import` into a server: its threads compute for ever when a request has "stuck" in its URL, and cannot be ended. */
import { isMainThread, parentPort } from "node:worker_threads";
import type { ToThread } from "../../src/entry/node/messages.ts";

if (!isMainThread) {
  parentPort?.on("message", (message: ToThread) => {
    for (const { url } of "tasks" in message ? message.tasks : []) {
      while (url.includes("stuck")); // V8 compiles the check for an end of the thread away
    }
  });
}
