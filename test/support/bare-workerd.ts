/**
 * The package for Workers in workerd itself, without the proxies that wrangler puts before it: they do not pass on that a client
 * has left.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CATALOGUE_KEY, type CatalogueEntry, writeCatalogue } from "../../src/store/store.ts";

/** The package's own command starts it without the pipe on which it tells its port. */
const binary: string = createRequire(import.meta.url)("workerd").default;
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Stands in for R2: its objects are modules of its own. */
const BUCKET = `
import { WorkerEntrypoint } from "cloudflare:workers";
import objects from "./objects.js";
export default class extends WorkerEntrypoint {
  get(key) {
    const bytes = objects[key];
    return bytes ? { size: bytes.byteLength, etag: "1", body: new Response(bytes).body } : null;
  }
}`;

export interface BareWorkerd {
  readonly port: number;
  /** CPU time so far, of all threads or of the one that runs the Worker; Linux only. */
  cpuMs(threads?: "all" | "own"): number;
  close(): Promise<void>;
}

/** @param entries whose files lie at their keys in the folder */
export async function startBareWorkerd(folder: string, entries: readonly CatalogueEntry[]): Promise<BareWorkerd> {
  const place = await mkdtemp(join(tmpdir(), "surprisal-"));
  const flags = ["deploy", "--no-autoconfig", "--dry-run", "--outdir", place];
  await promisify(execFile)("wrangler", flags, { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
  const wasm = (await readdir(place)).find((name) => name.endsWith(".wasm"));
  const settings = await readFile(join(root, "wrangler.jsonc"), "utf8");
  const [, date] = /"compatibility_date": ("[^"]+")/.exec(settings) ?? [];
  const [, compatibility] = /"compatibility_flags": (\[[^\]]*\])/.exec(settings) ?? [];
  await writeFile(join(place, "bucket.js"), BUCKET);
  await writeFile(join(place, CATALOGUE_KEY), writeCatalogue({ models: [...entries] }));
  const objects = [CATALOGUE_KEY, ...entries.map(({ key }) => key)].map((key, k) => ({ key, file: `object${k}` }));
  await copyFile(join(place, CATALOGUE_KEY), join(place, objects[0].file));
  for (const { key, file } of objects.slice(1)) await copyFile(join(folder, key), join(place, file));
  const imports = objects.map(({ file }) => `import ${file} from "./${file}";`);
  const named = objects.map(({ key, file }) => `${JSON.stringify(key)}: ${file}`);
  await writeFile(join(place, "objects.js"), `${imports.join("\n")}\nexport default { ${named.join(", ")} };`);
  const data = objects.map(({ file }) => `, ( name = "${file}", data = embed "${file}" )`);
  await writeFile(
    join(place, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ ( name = "main", worker = .main ), ( name = "bucket", worker = .bucket ) ],
  sockets = [ ( name = "http", address = "127.0.0.1:0", http = (), service = "main" ) ]
);
const main :Workerd.Worker = (
  modules = [ ( name = "main.js", esModule = embed "main.js" ), ( name = "${wasm}", wasm = embed "${wasm}" ) ],
  compatibilityDate = ${date}, compatibilityFlags = ${compatibility},
  bindings = [
    ( name = "MODELS", service = "bucket" ), ( name = "SURPRISAL_PREFIX", text = "" ),
    ( name = "SURPRISAL_POLL_SECONDS", text = "60" )
  ]
);
const bucket :Workerd.Worker = (
  modules = [
    ( name = "bucket.js", esModule = embed "bucket.js" ), ( name = "objects.js", esModule = embed "objects.js" )${data.join("")}
  ],
  compatibilityDate = ${date}
);`,
  );
  const child = spawn(binary, ["serve", "--control-fd=3", "config.capnp"], {
    cwd: place,
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const said = once(createInterface({ input: child.stdio[3] as NodeJS.ReadableStream }), "line");
  const [line] = await Promise.race([said, once(child, "exit")]);
  const { port } = JSON.parse(line);
  return {
    port,
    cpuMs(threads = "all") {
      const tasks = `/proc/${child.pid}/task`;
      const measured = threads === "own" ? [String(child.pid)] : readdirSync(tasks);
      const times = measured.map((task) => readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
      return times.reduce((sum, ns) => sum + Number(ns) / 1e6, 0);
    },
    async close() {
      child.kill();
      await once(child, "exit");
      await rm(place, { recursive: true });
    },
  };
}
