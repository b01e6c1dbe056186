import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeWav } from "../../../src/formats/wav.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";

import { writeCheckpoint } from "../../../src/model/checkpoint.ts";
import { fileStore } from "../../../src/store/files.ts";
import { publish } from "../../../src/store/publish.ts";
import { s3Bucket } from "../../../src/store/s3.ts";
import { apiContract } from "../../contracts/api.ts";
import { audioContract } from "../../contracts/audio.ts";
import { batchContract } from "../../contracts/batch.ts";
import { protocolContract } from "../../contracts/protocol.ts";
import { entryFor } from "../../contracts/store.ts";
import { type Called, remove, request, start, TEMPLATE, unpackedPackage, ZIP } from "../../support/lambda.ts";
import { randomRecording, testModels, testSpeechModels } from "../../support/models.ts";
import { freshPlace, hasS3, s3Environment } from "../../support/s3.ts";
import { kernelModule } from "../../support/wasm.ts";

const MAX_ZIP_BYTES = 5_000_000;

const midi = await readFile(new URL("../../fixtures/midi/format-1.mid", import.meta.url));
const post = (body: BodyInit, type: string): RequestInit => ({
  method: "POST",
  body,
  headers: { "Content-Type": type },
});

let folder = "";
let store = "";
let api: Called;
beforeAll(async () => {
  folder = await unpackedPackage();
  store = await mkdtemp(join(tmpdir(), "surprisal-store-"));
  const entries = [];
  for (const { id, set, checkpoint } of [...testModels(), ...testSpeechModels()]) {
    const bytes = writeCheckpoint(checkpoint);
    const { cell, units } = checkpoint.config;
    const entry = entryFor(bytes, { id, key: `${id}.safetensors`, set, cell, units });
    await mkdir(join(store, set), { recursive: true });
    await writeFile(join(store, entry.key), bytes);
    entries.push(entry);
  }
  await writeFile(join(store, "catalogue.json"), JSON.stringify({ models: entries }));
  api = await start(folder, "src/entry/lambda/http", { SURPRISAL_MODELS: store });
}, 300_000);
afterAll(async () => {
  api?.close();
  await Promise.all([folder, store].filter(Boolean).map(remove));
});

describe("the API on Lambda", () => {
  apiContract((path, init) => request(api, path, init));
  audioContract((path, init) => request(api, path, init));
  protocolContract((path, init) => request(api, path, init));
  batchContract((path, init) => request(api, path, init));

  test("the page is at the top, with all that it names and the API's headers", async () => {
    const page = await request(api, "/");
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
    const named = [...(await page.text()).matchAll(/(?:src|href)="([\w./]+)"/g)].map(([, path]) => path);
    expect(named).toEqual(expect.arrayContaining(["page.css", "page.js", "v1/openapi.yaml", "v1/models"]));
    for (const path of named) expect([path, (await request(api, `/${path}`)).status]).toEqual([path, 200]);
    for (const name of ["content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy"]) {
      expect(page.headers.get(name)).toBe((await request(api, "/v1/models")).headers.get(name));
    }
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });

  test("the page's first example comes as the bytes that it has", async () => {
    const sample = "samples/old-hundredth.mid";
    const bytes = Buffer.from(await (await request(api, `/${sample}`)).arrayBuffer());
    expect(bytes).toEqual(await readFile(`src/web/${sample}`));
  });

  test("the work stops before the platform would end the call without an answer", async () => {
    const hurried = await start(folder, "src/entry/lambda/http", { SURPRISAL_MODELS: store, REMAINING_MS: "1001" });
    try {
      const wav = writeWav({ samples: randomRecording(1, 1_200_000), sampleRate: 8000 });
      const response = await request(hurried, "/v1/score", post(wav, "audio/wav"));
      expect([response.status, response.headers.get("Retry-After"), await response.json()]).toEqual([
        503,
        "5",
        expect.objectContaining({ code: "interrupted", detail: expect.stringMatching("Ask for fewer models") }),
      ]);
    } finally {
      hurried.close();
    }
  });

  test("an answer that Lambda would not let through is a problem document", async () => {
    const wav = writeWav({ samples: randomRecording(1, 600_000), sampleRate: 8000 });
    const response = await request(api, "/v1/score?detail=frames", post(wav, "audio/wav"));
    expect([response.status, response.headers.get("content-type")]).toEqual([413, "application/problem+json"]);
    const { code, detail, instance } = await response.json();
    expect(code).toBe("too-large");
    expect(detail).toMatch(/^Expected an answer of at most 6291456 bytes.*, got \d{7}\. Ask/);
    expect(instance).toBe(`/v1/score#${response.headers.get("x-request-id")}`);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("so is a batch whose answers together are more", async () => {
    const line = `${JSON.stringify({ pianoRoll: Array(2000).fill([60]), detail: "frames", models: ["jsb/gru"] })}\n`;
    const response = await request(api, "/v1/batch", post(line.repeat(200), "application/x-ndjson"));
    expect([response.status, response.headers.get("content-type")]).toEqual([413, "application/problem+json"]);
    expect((await response.json()).detail).toMatch(
      /the most that Lambda lets through, got \d{7}\..* or send fewer pieces\.$/,
    );
  });

  test("the lines of a batch that time is short for have their problem, and can be asked again", async () => {
    const hurried = await start(folder, "src/entry/lambda/http", { SURPRISAL_MODELS: store, REMAINING_MS: "1001" });
    try {
      const line = `${JSON.stringify({ pianoRoll: Array(2000).fill([60]) })}\n`;
      const response = await request(hurried, "/v1/batch", post(line.repeat(200), "application/x-ndjson"));
      const lines = (await response.text()).trimEnd().split("\n");
      expect([response.status, lines.length]).toEqual([200, 200]);
      expect(JSON.parse(lines[199]).problem).toMatchObject({ status: 503, code: "interrupted" });
    } finally {
      hurried.close();
    }
  });

  test("a recording that would take longer than the gateway waits is refused", async () => {
    const wav = writeWav({ samples: new Float32Array(151 * 8000), sampleRate: 8000 });
    const response = await request(api, "/v1/score", post(wav, "audio/wav"));
    expect([response.status, (await response.json()).detail]).toEqual([413, expect.stringContaining("150 s")]);
  });

  test("JSON is read as text and as base64", async () => {
    const text = '{"pianoRoll":[[60],[62]]}';
    const answer = await (await request(api, "/score", post(text, "application/json"))).json();
    const event = {
      version: "2.0",
      rawPath: "/score",
      rawQueryString: "",
      headers: { "content-type": "application/json" },
      requestContext: { domainName: "x", http: { method: "POST" } },
      body: btoa(text),
      isBase64Encoded: true,
    };
    const { body } = (await api.call(event)) as { body: string };
    expect(JSON.parse(body)).toEqual(answer);
  });

  test("a body with a GET is passed over", async () => {
    const event = {
      version: "2.0",
      rawPath: "/health/live",
      rawQueryString: "",
      headers: {},
      requestContext: { domainName: "x", http: { method: "GET" } },
      body: "x",
      isBase64Encoded: false,
    };
    expect(await api.call(event)).toMatchObject({ statusCode: 200, body: '{"status":"live"}' });
  });
});

describe("the package", () => {
  test("is smaller than 5 MB", async () => {
    expect((await stat(ZIP)).size).toBeLessThan(MAX_ZIP_BYTES);
  });

  test("has the models of music of the paper's sizes, and scores a MIDI file by the recommended ones", async () => {
    const called = await start(folder, "src/entry/lambda/http");
    const { scores } = await (await request(called, "/score", post(midi, "audio/midi"))).json();
    const ready = await (await request(called, "/health/ready")).json();
    called.close();
    const sets = ["jsb", "musedata", "nottingham", "piano-midi"];
    const cells = ["gru", "lstm", "tanh", "mixture"];
    expect(scores.map(({ model }: { model: string }) => model).toSorted()).toEqual(
      sets.flatMap((set) => cells.map((cell) => `${set}/${cell}-nade`)).toSorted(),
    );
    for (const { nll } of scores) expect(nll).toBeGreaterThan(0);
    expect(ready).toEqual({ status: "ready", models: 32, lastError: null });
  });

  test("serves its own models until the bucket has some, and says so", async () => {
    const called = await start(folder, "src/entry/lambda/http", { SURPRISAL_MODELS: join(store, "nothing") });
    const ready = await (await request(called, "/health/ready")).json();
    called.close();
    expect(ready).toEqual({ status: "ready", models: 32, lastError: "The store: catalogue.json is not there." });
  });

  test("knows its version", async () => {
    const { version } = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8"));
    expect((await (await request(api, "/openapi.json")).json()).info.version).toBe(version);
  });

  test("scores what is dropped into the inbox, by a notification or in a batch", async () => {
    const bucket = await mkdtemp(join(tmpdir(), "surprisal-bucket-"));
    await mkdir(join(bucket, "inbox"));
    await mkdir(join(bucket, "corpora"));
    await writeFile(join(bucket, "inbox/a b.mid"), midi);
    await writeFile(join(bucket, "corpora/c.wav"), writeWav({ samples: randomRecording(1, 4000), sampleRate: 8000 }));
    const called = await start(folder, "src/entry/lambda/inbox", { SURPRISAL_MODELS: store, SURPRISAL_BUCKET: bucket });
    const notification = { Records: [{ eventName: "ObjectCreated:Put", s3: { object: { key: "inbox/a+b.mid" } } }] };
    expect(await called.call(notification)).toEqual({ scored: 1 });
    expect(await called.call({ Items: [{ Key: "corpora/c.wav" }, { Key: "corpora/" }] })).toEqual({
      scored: 1,
      ignored: 1,
    });
    called.close();
    expect(await readdir(join(bucket, "results"), { recursive: true })).toEqual(
      expect.arrayContaining(["a b.mid.json", "corpora/c.wav.json"]),
    );
    const { scores } = JSON.parse(await readFile(join(bucket, "results/a b.mid.json"), "utf8"));
    const answer = await (await request(api, "/score", post(midi, "audio/midi"))).json();
    expect(scores).toEqual(answer.scores);
    await remove(bucket);
  });

  test("scores nothing in the inbox by other models than the bucket's while those cannot be read", async () => {
    const bucket = await mkdtemp(join(tmpdir(), "surprisal-bucket-"));
    await mkdir(join(bucket, "inbox"));
    await mkdir(join(bucket, "models"));
    await writeFile(join(bucket, "inbox/a.mid"), midi);
    await writeFile(join(bucket, "models/catalogue.json"), "{");
    const env = { SURPRISAL_MODELS: join(bucket, "models"), SURPRISAL_BUCKET: bucket };
    const called = await start(folder, "src/entry/lambda/inbox", env);
    await expect(called.call({ Items: [{ Key: "inbox/a.mid" }] })).rejects.toThrow("catalogue.json is not JSON");
    called.close();
    expect(await readdir(bucket)).toEqual(["inbox", "models"]);
    await remove(bucket);
  });
});

describe.skipIf(!hasS3())("on S3", () => {
  test("both functions take the models of the bucket, and the inbox is scored", async () => {
    const { bucket: name, ...server } = await freshPlace();
    const place = { ...server, bucket: name, prefix: "" };
    const bucket = s3Bucket(place);
    const env = {
      ...s3Environment(),
      SURPRISAL_MODELS: `s3://${name}/models`,
      SURPRISAL_BUCKET: `s3://${name}`,
    };
    const before = await start(folder, "src/entry/lambda/http", env);
    const { lastError } = await (await request(before, "/health/ready")).json();
    before.close();
    expect(lastError).toBe("The store: catalogue.json is not there.");

    await publish(fileStore(store), s3Bucket({ ...place, prefix: "models/" }), kernelModule);
    const called = await start(folder, "src/entry/lambda/http", env);
    const answer = await (await request(called, "/score", post(midi, "audio/midi"))).json();
    expect(await (await request(called, "/health/ready")).json()).toEqual({
      status: "ready",
      models: 8,
      lastError: null,
    });
    called.close();

    await bucket.put("inbox/100% ü + b.mid", midi, "any");
    await bucket.put("inbox/c.wav", writeWav({ samples: randomRecording(1, 4000), sampleRate: 8000 }), "any");
    const inbox = await start(folder, "src/entry/lambda/inbox", env);
    const notification = { Records: [{ s3: { object: { key: "inbox/100%25+%C3%BC+%2B+b.mid" } } }] };
    expect(await inbox.call(notification)).toEqual({ scored: 1 });
    const items = { Items: ["100% ü + b.mid", "c.wav"].map((file) => ({ Key: `inbox/${file}` })) };
    expect(await inbox.call(items)).toEqual({ kept: 1, scored: 1 });
    await bucket.put("inbox/c.wav", midi, "any");
    expect(await inbox.call(items)).toEqual({ kept: 1, scored: 1 });
    inbox.close();
    const stored = await bucket.get("results/100% ü + b.mid.json", () => {});
    if (!stored || stored === "unchanged") throw new Error("There is no result.");
    expect(JSON.parse(Buffer.from(stored.bytes).toString()).scores).toEqual(answer.scores);
  });
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

describe("the rights of the stack", () => {
  let resources: Record<string, { Type: string; Properties: Record<string, unknown> }> = {};
  beforeAll(async () => {
    resources = JSON.parse(await readFile(TEMPLATE, "utf8")).Resources;
  });
  const bucket = `arn:\${AWS::Partition}:s3:::surprisal-dev-\${AWS::AccountId}-\${AWS::Region}`;
  const states = `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}`;
  const text = (resource: unknown): string => {
    const { "Fn::Sub": sub, "Fn::GetAtt": att } = resource as Record<string, unknown>;
    return String(sub ?? att)
      .replace(bucket, "BUCKET")
      .replace(states, "STATES");
  };
  /** Each action with each of its resources. */
  const rights = (role: string) => {
    const { Policies } = resources[role].Properties as { Policies: { PolicyDocument: { Statement: Statement[] } }[] };
    return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).flatMap(
      ({ Effect, Action, Resource }) => {
        expect(Effect).toBe("Allow");
        return [Action].flat().flatMap((action) => [Resource].flat().map((place) => `${action} ${text(place)}`));
      },
    );
  };
  const logs = (name: string) =>
    ["CreateLogStream", "PutLogEvents"].map(
      (action) =>
        `logs:${action} arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/surprisal-dev-${name}:*`,
    );
  const models = ["s3:GetObject BUCKET/models/*", "s3:ListBucket BUCKET"];

  test("are those of three roles, each of which can do what it has to and no more", () => {
    const roles = Object.entries(resources).filter(([, { Type }]) => Type === "AWS::IAM::Role");
    expect(roles.map(([name]) => name).toSorted()).toEqual(["ApiRole", "CorpusRole", "InboxRole"]);
    for (const [, { Properties }] of roles) expect(Properties.ManagedPolicyArns).toBeUndefined();
    expect(rights("ApiRole")).toEqual([...logs("api"), ...models]);
    expect(rights("InboxRole")).toEqual([
      ...logs("inbox"),
      ...models,
      "s3:GetObject BUCKET/inbox/*",
      "s3:GetObject BUCKET/corpora/*",
      "s3:GetObject BUCKET/results/*",
      "s3:PutObject BUCKET/results/*",
      "sqs:SendMessage Missed,Arn",
    ]);
    expect(rights("CorpusRole")).toEqual([
      "s3:ListBucket BUCKET",
      "lambda:InvokeFunction InboxLambdaFunction,Arn",
      ...["PutObject", "GetObject", "ListMultipartUploadParts", "AbortMultipartUpload"].map(
        (action) => `s3:${action} BUCKET/runs/*`,
      ),
      "states:StartExecution STATES:stateMachine:surprisal-dev-corpus",
      "states:DescribeExecution STATES:execution:surprisal-dev-corpus/*",
      "states:StopExecution STATES:execution:surprisal-dev-corpus/*",
    ]);
  });

  test("the inbox function is called for inbox/ alone, where it may not write", () => {
    const { NotificationConfiguration } = resources.Bucket.Properties as {
      NotificationConfiguration: { LambdaConfigurations: { Filter: { S3Key: { Rules: unknown[] } } }[] };
    };
    const rules = NotificationConfiguration.LambdaConfigurations.map(({ Filter }) => Filter.S3Key.Rules);
    expect(rules).toEqual([[{ Name: "prefix", Value: "inbox/" }]]);
  });

  test("a notification that fails for the third time is told to a queue", () => {
    expect(resources.InboxLambdaEvConf.Properties).toEqual({
      FunctionName: { Ref: "InboxLambdaFunction" },
      Qualifier: "$LATEST",
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["Missed", "Arn"] } } },
    });
    expect(resources.Missed.Type).toBe("AWS::SQS::Queue");
  });

  test("the state machine lists a prefix and hands it on in batches that fit the function's time", () => {
    const definition = resources.Corpus.Properties.DefinitionString as { "Fn::Sub": string };
    const { Score } = JSON.parse(definition["Fn::Sub"]).States;
    expect(Score.ItemReader.Parameters["Prefix.$"]).toBe("$.prefix");
    expect(Score.ItemProcessor.ProcessorConfig.Mode).toBe("DISTRIBUTED");
    const { Timeout } = resources.InboxLambdaFunction.Properties as { Timeout: number };
    const secondsForSecond = 0.13; // measured, six models of speech
    const batch = Score.ItemBatcher.MaxItemsPerBatch * DEFAULT_LIMITS.seconds * secondsForSecond;
    expect(2 * batch).toBeLessThan(Timeout);
  });
});
