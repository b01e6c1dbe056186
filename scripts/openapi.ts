/**
 * Writes openapi.yaml from the schemas and routes of src/, and the examples in it, src/http/examples.json; with --check only compares, and exits with 1 on a difference.
 *
 *   node scripts/openapi.ts
 *   node scripts/openapi.ts --check
 */

import { readFile, writeFile } from "node:fs/promises";
import packageJson from "../package.json" with { type: "json" };
import { createApi } from "../src/http/app.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import { runScript } from "./command.ts";
import { makeExamples } from "./examples.ts";

const path = new URL("../openapi.yaml", import.meta.url);
const examples = new URL("../src/http/examples.json", import.meta.url);
const api = createApi({ models: () => [], limits: DEFAULT_LIMITS, version: packageJson.version, log: console.error });
const text = async () => (await api.request("/openapi.yaml")).text();

await runScript({
  usage: "npm run openapi --",
  about: "Writes openapi.yaml from the schemas and routes.",
  options: { check: { type: "boolean", about: "only compares: the exit code is 1 on a difference" } },
  example: "npm run openapi -- --check",
  async run({ check }) {
    if (!check) {
      const made = (await makeExamples()).map((example) => JSON.stringify(example));
      await writeFile(examples, `[\n${made.join(",\n")}\n]\n`); // it is read when the document is first asked for
      return writeFile(path, await text());
    }
    if ((await readFile(path, "utf8").catch(() => "")) === (await text())) return;
    console.error("openapi.yaml differs from the schemas; run `npm run openapi` and commit it.");
    process.exitCode = 1;
  },
});
