/** The Python client: its own tests against a server, and its types against openapi.yaml. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parquetWriteFile } from "hyparquet-writer";
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

/** Rows of the Parquet files of a folder. */
const PRINTED = `
import json, sys, pandas
print(pandas.read_parquet(sys.argv[1]).to_json(orient="records", double_precision=15))`;

/** Ray takes 600 MB of packages that pip alone has. CI does without it, and this is the one test that it leaves out. */
const { RAY_PYTHON, CI } = process.env;
if (RAY_PYTHON) {
  test("a Parquet of files is scored over a Ray cluster, a bad file among them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "surprisal-ray-"));
    const server = await Server.start({ SURPRISAL_MODELS: DEFAULT_FOLDER });
    try {
      const midi = await readFile("examples/cadence.mid");
      const response = await fetch(`${server.url}/v1/score?models=jsb/gru`, { method: "POST", body: midi });
      const { nll } = (await response.json()).scores[0];
      const names = Array.from({ length: 600 }, (_, k) => `${k}.mid`);
      const data = names.map((_, k) => (k === 300 ? midi.subarray(0, 10) : midi));
      const input = join(folder, "files.parquet");
      const columns = [
        { name: "name", data: names, type: "STRING" as const },
        { name: "bytes", data, type: "BYTE_ARRAY" as const },
      ];
      parquetWriteFile({ filename: input, columnData: columns });
      const output = join(folder, "scores");
      const env = { ...process.env, SURPRISAL_URL: server.url, PYTHONPATH: join(process.cwd(), "clients/python/src") };
      await run(RAY_PYTHON ?? "", ["examples/python/cluster.py", input, output, "jsb/gru"], { env });
      const rows = JSON.parse((await run(RAY_PYTHON ?? "", ["-c", PRINTED, output])).stdout);
      expect(rows).toEqual(
        names.map((name, k) =>
          k === 300
            ? { name, nll: null, problem: expect.stringContaining("MIDI") }
            : { name, nll: expect.closeTo(nll, 12), problem: null },
        ),
      );
    } finally {
      await server.stop();
      await rm(folder, { recursive: true });
    }
  }, 300_000);
} else if (!CI) {
  const how = "`python3 -m venv ray && ray/bin/pip install 'ray[data]' httpx && export RAY_PYTHON=$PWD/ray/bin/python`";
  test.skip(`a Parquet of files is scored over a Ray cluster: ${how} enables this`);
}
