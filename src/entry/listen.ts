/** The HTTP server on Node: opens the port, says how to use it, and closes it in order. */
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { serve } from "@hono/node-server";
import { createApp } from "../app.ts";
import { DEFAULT_LIMITS } from "../music.ts";
import { toldToClients } from "../store/follow.ts";
import { decode } from "./decoders.ts";
import { kernelModule, openModels, toldToOperators, version } from "./local.ts";
import { type Pool, startPool } from "./pool.ts";

/** How long an open answer may take once the server is told to stop. */
const GRACE_MS = 10_000;

/**
 * Serves the models of a store until SIGINT or SIGTERM, and whatever is published there meanwhile.
 * @returns the exit code: 1 when the port cannot be opened.
 */
export async function listen(
  models: string,
  { port, host, pollSeconds }: { port: number; host: string; pollSeconds: number },
): Promise<number> {
  const kernel = await kernelModule();
  const follower = await openModels(models, kernel);
  let pool: Pool | undefined; // until its threads run, the main thread answers
  const app = createApp({
    models: () => follower.loaded().models,
    lastError: () => follower.problems().map(toldToClients).at(0),
    limits: DEFAULT_LIMITS,
    decode,
    elsewhere: () => pool?.answer,
    version,
    log: (error, { id, method, path }) => console.error(`${method} ${path} (request ${id}) failed:`, error),
  });

  let stopped = false;
  const renewPool = async () => {
    const release = follower.release();
    if (!release) return;
    const renewed = await startPool({ release, kernel, limits: DEFAULT_LIMITS, version });
    const old = pool;
    pool = renewed;
    await (stopped ? renewed : old)?.close();
  };
  let reported = "";
  const report = () => {
    const told = follower.problems().map((problem) => `Not loaded: ${toldToOperators(models, problem)}`);
    const all = told.join("\n");
    if (all !== reported) console.error(all || "All models are loaded again.");
    reported = all;
  };
  report();
  const poll = setInterval(async () => {
    const renewed = await follower.refresh();
    report();
    if (!renewed) return;
    console.log(
      `New models: ${follower
        .loaded()
        .models.map(({ id }) => id)
        .join(", ")}`,
    );
    await renewPool();
  }, 1000 * pollSeconds).unref();

  const server = serve({ fetch: app.fetch, port, hostname: host }, (bound) => {
    const url = `http://${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
    console.log(
      greeting(
        url,
        follower.loaded().models.map(({ id }) => id),
      ),
    );
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stopped = true;
      clearInterval(poll);
      server.close(() => pool?.close());
      setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), GRACE_MS).unref();
    });
  }
  try {
    await once(server, "listening");
    await renewPool();
    return 0;
  } catch (error) {
    console.error(`Cannot listen on ${host} port ${port}: ${reasonOf(error)}.`);
    return 1;
  }
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

const greeting = (
  url: string,
  ids: readonly string[],
) => `surprisal ${version} listens on ${url} (models: ${ids.join(", ") || "none"})

Score four chords:

  curl -s ${url}/v1/score -H 'Content-Type: application/json' \\
    -d '{"pianoRoll": [[48,64,67,72], [53,65,69,72], [43,65,71,74], [48,64,67,72]]}'

or a MIDI or audio file of yours: curl -s ${url}/v1/score -F file=@piece.mid
`;
