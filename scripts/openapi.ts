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

const path = new URL("../openapi.yaml", import.meta.url);
const api = createApi({ models: () => [], limits: DEFAULT_LIMITS, version: packageJson.version, log: console.error });
const text = await (await api.request("/openapi.yaml")).text();

if (process.argv.includes("--check")) {
  const found = await readFile(path, "utf8").catch(() => "");
  if (found !== text) {
    console.error("openapi.yaml differs from the schemas; run `npm run openapi` and commit it.");
    process.exitCode = 1;
  }
} else {
  await writeFile(path, text);
}
