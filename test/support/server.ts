/** The server as tests start it, stop it and ask it. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../src/entry/node/main.ts", import.meta.url));

export const chords = JSON.stringify({
  pianoRoll: [
    [48, 64],
    [53, 65],
    [43, 65],
    [48, 64],
  ],
});
export const posted = { method: "POST", body: chords, headers: { "Content-Type": "application/json" } };

/** The server on Node, in a process of its own. */
export class Server {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown[]>;
  stdout = "";
  stderr = "";
  #url = "";

  private constructor(env: Record<string, string>) {
    this.child = spawn(process.execPath, [script], {
      env: { ...process.env, PORT: "0", HOST: "", ...env },
    });
    this.ended = once(this.child, "close");
    this.child.stderr.on("data", (chunk) => {
      this.stderr += chunk;
    });
  }

  /** Starts one and waits until it listens; it has the models when it has told of them. */
  static async start(env: Record<string, string>): Promise<Server> {
    const server = new Server({ SURPRISAL_POLL_SECONDS: "0.1", ...env });
    const listening = new Promise<void>((resolve) => {
      server.child.stdout.on("data", (chunk) => {
        server.stdout += chunk;
        server.#url ||= /http:\/\/[\d.:]+(?=\s)/.exec(server.stdout)?.[0] ?? "";
        if (server.#url) resolve();
      });
    });
    await Promise.race([listening, server.ended]);
    if (!server.#url) throw new Error(`The server did not start: ${server.stderr}`);
    return server;
  }

  get url(): string {
    return this.#url;
  }

  async get(path: string) {
    const response = await fetch(this.#url + path);
    return { status: response.status, body: await response.json() };
  }

  /** Ids and versions of the networks that are served. */
  async served(): Promise<Record<string, string>> {
    const { models } = (await this.get("/models")).body;
    const networks = models.filter(({ id }: { id: string }) => id !== "jsb/mixture");
    return Object.fromEntries(
      networks.map(({ id, version }: { id: string; version: string }) => [id, version.replace("sha256:", "")]),
    );
  }

  /** Ids of the models that score chords. */
  async scores(): Promise<string[]> {
    const response = await fetch(`${this.#url}/score`, posted);
    if (response.status !== 200) throw new Error(`Expected 200, got ${response.status}.`);
    return (await response.json()).scores.map(({ model }: { model: string }) => model);
  }

  readonly lastError = async (): Promise<string | null> => (await this.get("/health/ready")).body.lastError;

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<unknown> {
    this.child.kill(signal);
    return (await this.ended)[0];
  }
}
