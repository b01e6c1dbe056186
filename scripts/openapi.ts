/**
 * Writes openapi.yaml from the schemas and routes of src/; with --check only compares, and exits with 1 on a difference.
 *
 *   node scripts/openapi.ts
 *   node scripts/openapi.ts --check
 */

import { readFile, writeFile } from "node:fs/promises";
import packageJson from "../package.json" with { type: "json" };
import { createApi } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import { runScript } from "./command.ts";

const path = new URL("../openapi.yaml", import.meta.url);
const api = createApi({ models: () => [], limits: DEFAULT_LIMITS, version: packageJson.version, log: console.error });
const text = await (await api.request("/openapi.yaml")).text();

await runScript({
  usage: "npm run openapi --",
  about: "Writes openapi.yaml from the schemas and routes.",
  options: { check: { type: "boolean", about: "only compares: the exit code is 1 on a difference" } },
  example: "npm run openapi -- --check",
  async run({ check }) {
    if (!check) return writeFile(path, text);
    if ((await readFile(path, "utf8").catch(() => "")) === text) return;
    console.error("openapi.yaml differs from the schemas; run `npm run openapi` and commit it.");
    process.exitCode = 1;
  },
});
