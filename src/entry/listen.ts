/** The HTTP server on Node: opens the port, says how to use it, and closes it in order. */
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { serve } from "@hono/node-server";
import { createApp } from "../app.ts";
import { DEFAULT_LIMITS } from "../music.ts";
import { decode } from "./decoders.ts";
import { localModels, version } from "./local.ts";

/** How long an open answer may take once the server is told to stop. */
const GRACE_MS = 10_000;

/**
 * Serves the models of a folder until SIGINT or SIGTERM.
 * @returns the exit code: 1 when the port cannot be opened.
 */
export async function listen(folder: string, { port, host }: { port: number; host: string }): Promise<number> {
  const { models, faults } = await localModels(folder);
  for (const { log } of faults) console.error(`Not loaded: ${log}`);
  const app = createApp({
    models: () => models,
    lastError: () => faults.at(0)?.client,
    limits: DEFAULT_LIMITS,
    decode,
    version,
    log: (error, { id, method, path }) => console.error(`${method} ${path} (request ${id}) failed:`, error),
  });

  const server = serve({ fetch: app.fetch, port, hostname: host }, (bound) => {
    const url = `http://${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
    console.log(
      greeting(
        url,
        models.map(({ id }) => id),
      ),
    );
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      server.close();
      setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), GRACE_MS).unref();
    });
  }
  try {
    await once(server, "listening");
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
