import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { writeMidi } from "../../../src/formats/midi.ts";
import { pianoRoll } from "../../../src/formats/piano-roll.ts";
import { writeWav } from "../../../src/formats/wav.ts";
import type { Bucket } from "../../../src/store/bucket.ts";
import { publish, rollBack } from "../../../src/store/publish.ts";
import { s3Bucket } from "../../../src/store/s3.ts";
import type { CheckpointStore } from "../../../src/store/store.ts";
import { randomRecording } from "../../support/models.ts";
import { bytesOf, keyOf, offeredBy, storeOf } from "../../support/releases.ts";
import { freshPlace, hasS3, type S3Proxy, s3Environment, startProxy } from "../../support/s3.ts";
import { chords, posted, Server } from "../../support/server.ts";
import { kernelModule } from "../../support/wasm.ts";

const one = storeOf({ gru: 1, lstm: 1 });
const two = storeOf({ gru: 2, lstm: 1, tanh: 2 });

const put = (source: CheckpointStore, bucket: Bucket) => publish(source, bucket, kernelModule);
const servers: Server[] = [];
const proxies: S3Proxy[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop("SIGKILL")));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
});

/** A bucket, and how to start servers that follow it through a proxy. */
async function followedBucket() {
  const place = await freshPlace();
  const proxy = await startProxy();
  proxies.push(proxy);
  const store = `s3://${place.bucket}/${place.prefix}`;
  const start = async (env: Record<string, string> = {}) => {
    const server = await Server.start({ SURPRISAL_MODELS: store, ...s3Environment(proxy.endpoint), ...env });
    servers.push(server);
    await server.get("/models");
    return server;
  };
  return { bucket: s3Bucket(place), proxy, start, store };
}

const eventually = <T>(actual: () => Promise<T>) => expect.poll(actual, { timeout: 30_000, interval: 50 });

describe("what a server says when it starts", () => {
  const started = async (env: Record<string, string>) => {
    const server = await Server.start(env);
    servers.push(server);
    await server.get("/health/live");
    return server;
  };

  test("beyond loopback, what is open to whom", async () => {
    const server = await started({ HOST: "0.0.0.0" });
    expect(server.stderr).toMatch(/^Anyone who can reach 0\.0\.0\.0 may use this server, without a key/);
  });

  test("on loopback, no warning", async () => {
    expect((await started({})).stderr).toBe("");
    expect((await started({ HOST: "localhost" })).stderr).toBe("");
  });

  test("of a setting that there is not, which one was meant", async () => {
    expect((await started({ SURPRISAL_CLIENTWORK: "1e9" })).stderr).toBe(
      "SURPRISAL_CLIENTWORK is not a setting of this server. Did you mean SURPRISAL_CLIENT_WORK?\n",
    );
  });

  test("of a malformed setting, which one", async () => {
    await expect(Server.start({ SURPRISAL_ORIGINS: "example.org" })).rejects.toThrow(
      'Expected origins such as https://example.org, separated by commas, or "*" in SURPRISAL_ORIGINS, got "example.org".',
    );
    await expect(Server.start({ SURPRISAL_RATES_URL: "http://:secret@example.org" })).rejects.toThrow(
      "Expected a URL in SURPRISAL_RATES_URL that begins with redis:// or rediss://, got another.",
    );
    await expect(Server.start({ SURPRISAL_POLL_SECONDS: "soon" })).rejects.toThrow(
      'Expected a number above 0 in SURPRISAL_POLL_SECONDS, got "soon".',
    );
  });
});

test("a server goes on when nobody reads what it prints any more", async () => {
  const server = await Server.start({});
  servers.push(server);
  server.child.stdout.destroy(); // before it says which models it has
  await setTimeout(2000); // it would have said so by now
  expect((await fetch(`${server.url}/score`, posted)).status).toBe(200);
  expect(await server.stop()).toBe(0);
});

describe("pages of other origins", () => {
  const asked = async (server: Server, origin: string) => {
    const { status, headers } = await fetch(`${server.url}/score`, {
      ...posted,
      headers: { ...posted.headers, Origin: origin },
    });
    return [status, headers.get("access-control-allow-origin")];
  };

  test.each([
    ["https://example.org", "https://example.org"],
    ["*", "*"],
  ])("may ask a server with SURPRISAL_ORIGINS=%s, whose threads answer", async (setting, allowed) => {
    const server = await Server.start({ SURPRISAL_ORIGINS: setting });
    servers.push(server);
    await eventually(async () => server.stdout).toContain("\nModels: "); // threads run
    expect(await asked(server, "https://example.org")).toEqual([200, allowed]);
    if (setting !== "*") expect(await asked(server, "https://example.com")).toEqual([403, null]);
  });
});

describe("what an operator sees", () => {
  test("a line of JSON for each request, answered by a thread or not, without what it holds", async () => {
    const server = await Server.start({});
    servers.push(server);
    await expect.poll(() => server.stdout, { timeout: 20_000 }).toMatch(/^Models: /m);
    const form = new FormData();
    form.append("file", new File([writeMidi(pianoRoll([[60], [62]]), { framesPerQuarter: 1 })], "secret.mid"));
    form.append("models", "jsb/gru");
    const { headers } = await fetch(`${server.url}/v1/score`, { method: "POST", body: form });
    await fetch(`${server.url}/v1/score?models=none/secret`, posted);
    await server.get("/health/live");
    const lines = () => server.stdout.split("\n").filter((line) => line.startsWith("{"));
    await expect.poll(() => lines().length).toBe(3);
    const [scored, unknown, live] = lines().map((line) => JSON.parse(line));
    expect(scored).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      id: headers.get("x-request-id"),
      method: "POST",
      route: "/score",
      status: 200,
      ms: expect.any(Number),
      kind: "music",
      models: ["jsb/gru"],
      frames: 2,
      bytes: expect.any(Number),
      work: expect.any(Number),
      queueMs: expect.any(Number),
      workMs: expect.any(Number),
      msg: "request",
    });
    expect(unknown).toMatchObject({ route: "/score", status: 404, code: "unknown-model" });
    expect(live).toMatchObject({ method: "GET", route: "/health/live", status: 200 });
    expect(lines().join()).not.toMatch(/secret/);
  });

  test("metrics on a port of their own, if one is set", async () => {
    const server = await Server.start({ SURPRISAL_METRICS_PORT: "0", SURPRISAL_LOG: "silent" });
    servers.push(server);
    await expect.poll(() => server.stdout, { timeout: 20_000 }).toMatch(/^Models: /m);
    await fetch(`${server.url}/v1/score?models=jsb/gru`, posted);
    const [, url] = /^Metrics: (\S+)$/m.exec(server.stdout) ?? [];
    const text = await (await fetch(url)).text();
    expect(text).toContain('surprisal_requests_total{method="POST",route="/score",status="200"} 1');
    expect(text).toContain('surprisal_frames_total{model="jsb/gru"} 4');
    expect(text).toContain("surprisal_queue_depth 0");
    expect(text).toMatch(/surprisal_model_info\{model="jsb\/gru",version="[0-9a-f]{12}"\} 1/);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    expect(server.stdout).not.toMatch(/^\{/m);
  });
});

describe.skipIf(!hasS3())("a server that follows S3", () => {
  test("serves what is published, and what is rolled back to, without a restart", async () => {
    const { bucket, start } = await followedBucket();
    await put(one, bucket);
    const server = await start();
    expect([await server.served(), await server.lastError()]).toEqual([await offeredBy(one), null]);
    await put(two, bucket);
    await eventually(() => server.served()).toEqual(await offeredBy(two));
    expect(await server.scores()).toEqual(["jsb/gru", "jsb/lstm", "jsb/tanh", "jsb/mixture"]);
    await rollBack(bucket, undefined);
    await eventually(() => server.served()).toEqual(await offeredBy(one));
    expect(await server.scores()).toEqual(["jsb/gru", "jsb/lstm", "jsb/mixture"]);
    expect(await server.lastError()).toBeNull();
    expect([await server.stop(), server.stderr]).toEqual([0, ""]);
  });

  test("starts on a bucket without models, and is ready when there are some", async () => {
    const { bucket, start } = await followedBucket();
    const server = await start();
    expect(await server.get("/health/ready")).toMatchObject({
      status: 503,
      body: { code: "no-models", detail: "No model is loaded: The store: catalogue.json is not there." },
    });
    await put(one, bucket);
    await eventually(() => server.get("/health/ready")).toMatchObject({ status: 200, body: { lastError: null } });
    expect(await server.served()).toEqual(await offeredBy(one));
  });

  test("keeps what it has when an object is corrupt, says so, and goes on when it is mended", async () => {
    const { bucket, start } = await followedBucket();
    await put(one, bucket);
    const server = await start();
    const key = await keyOf(two, "jsb/gru");
    let whole = new Uint8Array();
    await put(two, {
      ...bucket,
      async put(name, bytes, condition) {
        if (name === key) whole = new Uint8Array(bytes);
        return bucket.put(name, name === key ? bytes.with(-1, bytes[bytes.length - 1] ^ 1) : bytes, condition);
      },
    });
    await eventually(server.lastError).toMatch(
      /^jsb\/gru: Expected sha256 [0-9a-f]{64} of objects\/\S+, got [0-9a-f]{64}\.$/,
    );
    expect(await server.served()).toEqual(await offeredBy(one));
    expect(await server.scores()).toEqual(["jsb/gru", "jsb/lstm", "jsb/mixture"]);
    await bucket.put(key, whole, "any");
    await eventually(() => server.served()).toEqual(await offeredBy(two));
    expect(await server.lastError()).toBeNull();
  });

  test("keeps what it has through an outage, says so, and catches up", async () => {
    const { bucket, proxy, start, store } = await followedBucket();
    await put(one, bucket);
    const server = await start();
    await proxy.stop();
    await put(two, bucket);
    await eventually(server.lastError).toBe("The store: it cannot be read; the server's log has more.");
    expect([await server.served(), await server.scores()]).toEqual([
      await offeredBy(one),
      ["jsb/gru", "jsb/lstm", "jsb/mixture"],
    ]);
    await proxy.start();
    await eventually(() => server.served()).toEqual(await offeredBy(two));
    await eventually(server.lastError).toBeNull();
    expect(await server.stop()).toBe(0);
    expect(server.stderr).toMatch(`Not loaded: ${store}: ${store}catalogue.json: `);
    expect(server.stderr).toMatch("All models are loaded again.");
  });

  test("started during an outage is not ready, and then is", async () => {
    const { bucket, proxy, start } = await followedBucket();
    await put(one, bucket);
    await proxy.stop();
    const server = await start();
    expect(await server.get("/health/live")).toMatchObject({ status: 200 });
    expect(await server.get("/health/ready")).toMatchObject({ status: 503, body: { code: "no-models" } });
    await proxy.start();
    await eventually(() => server.get("/health/ready")).toMatchObject({ status: 200 });
  });

  test("killed amid a poll, it starts with the whole release", async () => {
    const { bucket, proxy, start } = await followedBucket();
    await put(one, bucket);
    const server = await start();
    const key = await keyOf(two, "jsb/gru");
    const begun = new Promise<void>((resolve) => {
      proxy.breakBy(async (incoming, response) => {
        if (!incoming.url?.includes(key)) return false;
        response.writeHead(200, { "Content-Length": (await bytesOf(bucket, key)).length });
        response.write("the beginning of an object", () => resolve());
        return true;
      });
    });
    await put(two, bucket);
    await begun;
    expect(await server.served()).toEqual(await offeredBy(one));
    await server.stop("SIGKILL");
    proxy.mend();
    const next = await start();
    expect([await next.served(), await next.lastError()]).toEqual([await offeredBy(two), null]);
  });

  test("answers every request while releases come and go", async () => {
    const { bucket, start } = await followedBucket();
    await put(one, bucket);
    const server = await start();
    let publishing = true;
    const client = async () => {
      let answers = 0;
      for (; publishing || answers === 0; answers++) {
        const ids = (await server.scores()).join();
        expect(["jsb/gru,jsb/lstm,jsb/mixture", "jsb/gru,jsb/lstm,jsb/tanh,jsb/mixture"]).toContain(ids);
      }
      return answers;
    };
    const clients = [client(), client()];
    for (const source of [two, one, two, one]) {
      await put(source, bucket);
      await eventually(() => server.served()).toEqual(await offeredBy(source));
    }
    publishing = false;
    for (const answers of await Promise.all(clients)) expect(answers).toBeGreaterThan(0);
    expect(server.stderr).toBe("");
  });

  test("tells wrong credentials to its log alone, without the secret", async () => {
    const { bucket, start, store } = await followedBucket();
    await put(one, bucket);
    const server = await start({ AWS_SECRET_ACCESS_KEY: "guessed" });
    const { status, body } = await server.get("/health/ready");
    expect([status, body.detail]).toEqual([
      503,
      "No model is loaded: The store: it cannot be read; the server's log has more.",
    ]);
    expect(await server.stop()).toBe(0);
    expect(server.stderr).toMatch(RegExp(`^Not loaded: ${store}: ${store}catalogue\\.json: SignatureDoesNotMatch`));
    expect(server.stderr).not.toMatch("guessed");
  });

  test("told to stop amid a poll that hangs, it does not wait for it", async () => {
    const { bucket, proxy, store } = await followedBucket();
    await put(one, bucket);
    const begun = new Promise<void>((resolve) => {
      proxy.breakBy(() => {
        resolve();
        return true;
      });
    });
    const server = await Server.start({ SURPRISAL_MODELS: store, ...s3Environment(proxy.endpoint) });
    servers.push(server);
    await begun;
    const waiting = setTimeout(10_000, "it waits", { ref: false }); // the poll is given up after 15 s
    expect([await Promise.race([server.stop(), waiting]), server.stderr]).toEqual([0, ""]);
  });

  test("told to stop amid a request, it answers that, takes no other, and ends with 0", async () => {
    const { bucket, start } = await followedBucket();
    await put(one, bucket);
    const server = await start();
    const headers = { ...posted.headers, "Content-Length": chords.length, Expect: "100-continue" };
    const slow = request(`${server.url}/score`, { method: "POST", headers });
    const answered = once(slow, "response") as Promise<[IncomingMessage]>;
    slow.flushHeaders();
    await once(slow, "continue"); // the server has the request
    slow.write(chords.slice(0, 10));
    server.child.kill("SIGTERM");
    const closing = { headers: { Connection: "close" } }; // a connection that is open already is answered on
    await eventually(() => fetch(`${server.url}/health/live`, closing).then(String, () => "refused")).toBe("refused");
    server.child.kill("SIGTERM"); // a second time changes nothing
    slow.end(chords.slice(10));
    const [response] = await answered;
    expect([response.statusCode, await json(response)]).toMatchObject([200, { scores: expect.any(Array) }]);
    expect([(await server.ended)[0], server.stderr]).toEqual([0, ""]);
  });
});

test("told to stop while nobody waits for the long work under way, a server ends at once", async () => {
  const server = await Server.start({ SURPRISAL_MODELS: "", SURPRISAL_POLL_SECONDS: "60" });
  servers.push(server);
  const body = writeWav({ samples: randomRecording(1, 4_800_000), sampleRate: 8000 }); // half a minute of work
  const client = new AbortController();
  const left = fetch(`${server.url}/score`, { method: "POST", body, signal: client.signal }).catch(String);
  await setTimeout(2000); // threads have started, and one of them works
  client.abort();
  await left;
  const waiting = setTimeout(10_000, "it waits", { ref: false });
  expect([await Promise.race([server.stop(), waiting]), server.stderr]).toEqual([0, ""]);
});

test("told to stop while a thread is stuck that cannot be ended, a server answers its requests and ends all the same", async () => {
  const server = await Server.start({ NODE_OPTIONS: `--import ${new URL("../../support/stuck.ts", import.meta.url)}` });
  servers.push(server);
  await eventually(async () => server.stdout).toContain("\nModels: "); // threads run
  const stuck = fetch(`${server.url}/score?id=stuck`, posted);
  await setTimeout(500); // a thread has it
  const waiting = setTimeout(40_000, "it waits", { ref: false });
  expect(await Promise.race([server.stop(), waiting])).not.toBe("it waits");
  expect((await stuck).status).toBe(503); // the thread was replaced before the server's deadline
});
