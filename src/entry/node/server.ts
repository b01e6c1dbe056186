/** The HTTP server on Node: opens the port, prints how to use it, follows the store, and shuts down in order. */
import { once } from "node:events";
import type { Server } from "node:http";
import { availableParallelism } from "node:os";
import { setTimeout } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { decode } from "../../formats/decoders.ts";
import { createApp } from "../../http/app.ts";
import { logFailure } from "../../http/log.ts";
import { originsOf } from "../../http/security.ts";
import { type Limits, variableOf } from "../../limits.ts";
import { clientMessage } from "../../store/problem.ts";
import type { Release } from "../../store/release.ts";
import { reporter } from "../../store/report.ts";
import { timerMs } from "../../util/timer.ts";
import { compressing } from "./compression.ts";
import { addressOf, httpServer, urlOf } from "./http-server.ts";
import { kernelModule } from "./kernel.ts";
import { readKeys, requireKey } from "./keys.ts";
import { openModels, type Settings, unknownSettings, version } from "./local.ts";
import { observe } from "./observe.ts";
import { pagePolicies, serveModels, servePage } from "./page.ts";
import type { Pool } from "./pool.ts";
import { limitWork, openLimiter } from "./rates.ts";

/** Of a batch, so that a thread finds its next lines without waiting for the main thread. */
const GROUPS_PER_THREAD = 2;

/** How long requests under way may still take after a signal to stop. */
const GRACE_MS = 25_000;

/** How long threads may take to end before the process ends by force. */
const THREADS_MS = 3000;

/** Delay before all models are read and the threads start: a process started for one request answers that request first. */
const FIRST_MS = 500;

/** A release, and the threads that serve it. */
interface Served {
  readonly pool: Pool;
  readonly release: Release;
  readonly ids: string; // of the models that it has
}

/**
 * Serves the models of a store, and what is published there later, until SIGINT or SIGTERM.
 * @throws SurprisalError `malformed-request` for a setting that is malformed
 * @returns the exit code: 1 when the port cannot be opened. The process ends when what is under way is answered.
 */
export async function listen({
  models,
  port,
  host,
  pollSeconds,
  origins,
  keysFile,
  proxies,
  ratesUrl,
  limits,
  ...observed
}: Omit<Settings, "port"> & { readonly port: number }): Promise<number> {
  for (const sentence of unknownSettings(process.env)) console.error(sentence);
  let keys = keysFile === undefined ? undefined : await readKeys(keysFile);
  const guards = [
    ...(keys ? [requireKey(() => keys ?? [])] : []),
    ...(limits.clientWork < Number.POSITIVE_INFINITY
      ? [limitWork(await openLimiter(limits.clientWork, ratesUrl), proxies)]
      : []),
  ];
  const kernel = await kernelModule();
  const follower = await openModels(models, kernel);
  const report = reporter(follower, models);
  let served: Served | undefined; // until threads run, the main thread answers
  const watch = await observe(
    { ...observed, host },
    {
      models: () => follower.release()?.loaded() ?? [],
      load: () => served?.pool.load() ?? { waiting: 0, working: 0 },
      problems: () => follower.problems().length,
    },
  );
  const app = createApp({
    models: (wanted) => (served?.release ?? follower).models(wanted).finally(report),
    offers: async () => served?.release.offers() ?? follower.offers().finally(report),
    lastError: () => follower.problems().map(clientMessage).at(0),
    limits,
    decode,
    origins: originsOf(origins),
    middleware: [...watch.middleware, pagePolicies],
    guards,
    answered: watch.answered,
    offload: () => served?.pool.answer,
    parallel: () => (served ? GROUPS_PER_THREAD * availableParallelism() : 1),
    learned: watch.learned,
    isFull: () => served?.pool.isFull() ?? false,
    version,
    log: logFailure,
  });
  servePage(app);
  if (!models.includes("://") && !keys) serveModels(app, models);
  const stopped = new AbortController();
  const exit = exitWithThreads();
  // Whoever read what the server prints is gone; the server goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

  /** Replaces the threads by ones that serve the present release. While there are none, the main thread answers. */
  async function renewPool(): Promise<void> {
    const release = follower.release();
    const ids = (release?.loaded() ?? []).map(({ id }) => id).join(", ");
    if (!release || ids === "" || (release === served?.release && ids === served.ids)) return;
    const old = served?.pool;
    try {
      const { startPool } = await import("./pool.ts");
      const pool = await startPool({ release: release.files(), kernel, limits, version });
      if (stopped.signal.aborted) return pool.close();
      served = { pool, release, ids };
      console.log(`Models: ${ids}`);
    } catch (error) {
      served = undefined;
      if (stopped.signal.aborted) return;
      console.error("The threads cannot be started; the main thread answers all requests:", error);
    }
    await old?.close();
  }

  /** Reads the keys again; if their file is damaged, the keys stay as they were. */
  async function renewKeys(): Promise<void> {
    if (keysFile === undefined) return;
    try {
      keys = await readKeys(keysFile);
    } catch (error) {
      console.error("The keys stay as they were:", error instanceof Error ? error.message : error);
    }
  }

  /** After the signal each connection closes with its answer: a busy keep-alive client would hold the process. */
  const compressed = compressing(app.fetch);
  const fetch: typeof compressed = async (...args) => {
    const response = await compressed(...args);
    if (stopped.signal.aborted) response.headers.set("Connection", "close");
    return response;
  };
  const server = httpServer(fetch, limits, watch.refused).listen(port, host);
  try {
    await once(server, "listening");
    console.log(greeting(urlOf(server)));
    if (watch.metricsUrl) console.log(`Metrics: ${watch.metricsUrl}`);
    if (!isLoopback(server)) console.error(openTo(host, { hasKeys: keys !== undefined, limits }));
  } catch (error) {
    console.error(`Cannot listen on ${host} port ${port}: ${reasonOf(error)}.`);
    return 1;
  }

  const stop = async () => {
    if (stopped.signal.aborted) return; // a second signal: npm passes on what the terminal has already sent
    stopped.abort();
    const answered = new Promise<true>((resolve) => server.close(() => resolve(true)));
    if (await Promise.race([answered, setTimeout(GRACE_MS, false, { ref: false })])) {
      await watch.close();
      return exit(0); // without waiting for a poll, or for work whose client has left
    }
    console.error(`Some requests were not answered within ${GRACE_MS / 1000} s; they are cut off.`);
    return exit(1);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);

  void (async () => {
    let pauseMs = FIRST_MS;
    while (!stopped.signal.aborted) {
      await setTimeout(pauseMs, undefined, { ref: false });
      pauseMs = timerMs(pollSeconds);
      await follower.refresh();
      watch.polled();
      await renewKeys();
      if (stopped.signal.aborted) return;
      report();
      await renewPool();
    }
  })();
  return 0;
}

const isLoopback = (server: Server) => /^(127\.|::1$|::ffff:127\.)/.test(addressOf(server).address);

function openTo(host: string, { hasKeys, limits }: { hasKeys: boolean; limits: Limits }): string {
  const open = [
    ...(hasKeys ? [] : ["without a key (SURPRISAL_KEYS_FILE)"]),
    ...(limits.clientWork < Number.POSITIVE_INFINITY
      ? []
      : [`without a limit on how much (${variableOf("clientWork")})`]),
    "without TLS",
  ];
  return `Anyone who can reach ${host} may use this server, ${open.join(", ")}. See docs/security.md for what to put in front of it.`;
}

/**
 * How to end the process, whatever the threads do that are started from now on: Node waits for each of them when it exits, and
 * V8 cannot end every loop.
 */
function exitWithThreads(): (code: number) => Promise<never> {
  const workers = new Set<Worker>();
  process.on("worker", (worker) => {
    workers.add(worker);
    worker.once("exit", () => workers.delete(worker));
  });
  return async (code) => {
    const end = async () => {
      // A pool that is not closed starts another in place of one that ends.
      while (workers.size > 0) await Promise.all([...workers].map((worker) => worker.terminate()));
    };
    await Promise.race([end(), setTimeout(THREADS_MS)]);
    if (workers.size > 0) {
      console.error("A thread cannot be ended; the process ends by force.");
      process.kill(process.pid, "SIGKILL");
    }
    return process.exit(code);
  };
}

function reasonOf(error: unknown): string {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return "it is in use; choose another, such as PORT=8788";
    case "EACCES":
      return "this user may not open it; choose one above 1023";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

const greeting = (url: string) => `surprisal ${version} listens on ${url}

Score four chords:

  curl -s ${url}/v1/score -H 'Content-Type: application/json' \\
    -d '{"pianoRoll": [[48,64,67,72], [53,65,69,72], [43,65,71,74], [48,64,67,72]]}'

or a MIDI or audio file of yours: curl -s ${url}/v1/score -F file=@piece.mid

${url}/ does the same in a browser.
`;
