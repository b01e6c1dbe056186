/** The Python client: its own tests against a server, and its types against openapi.yaml. */
import { execFile, execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { DEFAULT_FOLDER } from "../../src/entry/node/local.ts";
import { requires } from "../support/requires.ts";
import { Server } from "../support/server.ts";

const run = promisify(execFile);
const FOLDER = "clients/python";

/** The first Python that has what the tests import. */
const python = ["python3", "/usr/bin/python3"].find((program) => {
  try {
    execFileSync(program, ["-c", "import httpx, pytest"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
const missing = "Python with httpx and pytest is missing; install python3-httpx and python3-pytest";

describe.skipIf(!requires(python !== undefined, missing))("the Python client", () => {
  test("passes its own tests against a server", async () => {
    const server = await Server.start({ SURPRISAL_MODELS: DEFAULT_FOLDER });
    try {
      await expect.poll(async () => (await server.get("/v1/health/ready")).status, { timeout: 30_000 }).toBe(200);
      const env = { ...process.env, SURPRISAL_URL: server.url, PYTHONDONTWRITEBYTECODE: "1" };
      const options = ["-m", "pytest", "-q", "-p", "no:cacheprovider"];
      const { stdout } = await run(python ?? "", options, { cwd: FOLDER, env }).catch((error) => error);
      expect(stdout).toMatch(/^\d+ passed/m);
      expect(stdout).not.toMatch(/skipped|failed/);
    } finally {
      await server.stop();
    }
  }, 120_000);

  test("has the options and the answers of openapi.yaml", async () => {
    const { paths, components } = parse(await readFile("openapi.yaml", "utf8"));
    const names = ["ScoreOptions", "PredictOptions", "Problem", "ScoreAnswer", "PredictAnswer"];
    const program = `import json, surprisal_client as c; print(json.dumps({n: [sorted(getattr(c, n).__annotations__), sorted(getattr(c, n).__required_keys__)] for n in ${JSON.stringify(names)}}))`;
    const env = { ...process.env, PYTHONPATH: `${FOLDER}/src`, PYTHONDONTWRITEBYTECODE: "1" };
    const found = JSON.parse((await run(python ?? "", ["-c", program], { env })).stdout);
    const optionsOf = (path: string) => paths[path].post.parameters.map(({ name }: { name: string }) => name).sort();
    expect(found.ScoreOptions).toEqual([optionsOf("/score"), []]);
    expect(found.PredictOptions).toEqual([optionsOf("/predict"), []]);
    const schemas = components.schemas;
    const union = (...ids: string[]) => [...new Set(ids.flatMap((id) => Object.keys(schemas[id].properties)))].sort();
    const common = (first: string, second: string) =>
      schemas[first].required.filter((name: string) => schemas[second].required.includes(name)).sort();
    expect(found.Problem[0]).toEqual(union("Problem"));
    expect(found.ScoreAnswer[0]).toEqual(union("MusicScoreResponse", "AudioScoreResponse"));
    expect(found.ScoreAnswer[1]).toEqual(common("MusicScoreResponse", "AudioScoreResponse"));
    expect(found.PredictAnswer[0]).toEqual(union("MusicPredictResponse", "AudioPredictResponse"));
    expect(found.PredictAnswer[1]).toEqual(common("MusicPredictResponse", "AudioPredictResponse"));
  });
});
