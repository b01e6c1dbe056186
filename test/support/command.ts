/** The command line as a process of its own, and a folder of models that it and the server score by. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { Server } from "./server.ts";

export const program = resolve("src/entry/cli/main.ts");

export interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line, or another script, in a folder. */
export function runIn(
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  script = program,
): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [script, ...args], { cwd: folder, env: { ...process.env, ...env } }, (error, ...out) => {
      done({ code: error ? error.code : 0, stdout: out[0], stderr: out[1] });
    });
  });
}

interface Scored {
  readonly model: string;
  readonly nll: number;
}

/**
 * Scores a file by the models of a folder, on the command line and by a server, and expects the same numbers of both.
 * @returns the scores
 */
export async function scoredAndServed(folder: string, models: string, file: string, mediaType: string) {
  const env = { SURPRISAL_MODELS: join(folder, models) };
  const { scores }: { scores: Scored[] } = JSON.parse((await runIn(folder, ["score", file, "--json"], env)).stdout);
  const server = await Server.start(env);
  try {
    const headers = { "Content-Type": mediaType };
    const answer = await fetch(`${server.url}/score`, {
      method: "POST",
      body: await readFile(join(folder, file)),
      headers,
    });
    const served: Scored[] = (await answer.json()).scores;
    expect(served.map(({ model, nll }) => [model, nll])).toEqual(scores.map(({ model, nll }) => [model, nll]));
    expect(Object.keys(await server.served())).toEqual(scores.map(({ model }) => model));
  } finally {
    await server.stop();
  }
  return scores;
}
