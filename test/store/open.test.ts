import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StoreFailure } from "../../src/store/bucket.ts";
import { openBucket } from "../../src/store/open.ts";

const anySize = () => {};

/** Nothing of the machine's own settings counts. */
beforeEach(() => {
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("AWS_CONFIG_FILE", "/nonexistent");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "somebody");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Reads a key of the bucket that the setting names from a server that has nothing, and returns what was asked of it. */
async function asked(setting: string, env: (endpoint: string) => Record<string, string>) {
  const server = createServer((incoming, response) => {
    const { url, headers } = incoming;
    requests.push(`${url?.split("?")[0]} by ${/Credential=(\S+?),/.exec(headers.authorization ?? "")?.[1]}`);
    response.writeHead(404, { "Content-Type": "application/xml" });
    response.end("<Error><Code>NoSuchKey</Code></Error>");
  });
  const requests: string[] = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [name, value] of Object.entries(env(endpoint))) vi.stubEnv(name, value);
  const bucket = await openBucket(setting);
  expect(await bucket.get("catalogue.json", anySize)).toBeUndefined();
  server.close();
  server.closeAllConnections();
  return requests;
}

describe("s3://", () => {
  test.each([
    ["s3://music", "/music/catalogue.json"],
    ["s3://music/", "/music/catalogue.json"],
    ["s3://music/some/models", "/music/some/models/catalogue.json"],
    ["s3://music//some/models//", "/music/some/models/catalogue.json"],
  ])("%s is asked for by its path", async (setting, path) => {
    const [request] = await asked(setting, (endpoint) => ({ AWS_ENDPOINT_URL_S3: endpoint }));
    expect(request).toMatch(RegExp(`^${path} by somebody/\\d{8}/us-east-1/s3/`));
  });

  test("the region of another server than AWS may be named, and its endpoint be that of all services", async () => {
    const env = (endpoint: string) => ({ AWS_ENDPOINT_URL: endpoint, AWS_REGION: "garage" });
    expect(await asked("s3://music", env)).toEqual([expect.stringMatching(/^\/music\/.*\/garage\/s3\//)]);
  });

  test("the endpoint of S3 goes before that of all services", async () => {
    const env = (endpoint: string) => ({ AWS_ENDPOINT_URL_S3: endpoint, AWS_ENDPOINT_URL: "http://127.0.0.1:9" });
    expect(await asked("s3://music", env)).toHaveLength(1);
  });

  test("without credentials or without a region of AWS, that is said", async () => {
    const bucket = await openBucket("s3://music/models");
    await expect(bucket.get("catalogue.json", anySize)).rejects.toThrow(StoreFailure);
    await expect(bucket.get("catalogue.json", anySize)).rejects.toThrow(
      /^s3:\/\/music\/models\/catalogue\.json: .*Region is missing\.$/,
    );
    vi.stubEnv("AWS_REGION", "eu-west-3");
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    const other = await openBucket("s3://music/models");
    await expect(other.get("catalogue.json", anySize)).rejects.toThrow(/Could not load credentials/);
  });

  test.each(["s3://", "s3:///models"])("%s names no bucket", async (setting) => {
    await expect(openBucket(setting)).rejects.toMatchObject({
      code: "malformed-request",
      message: `Expected a store that is s3://BUCKET/PREFIX or a folder, got ${setting}.`,
    });
  });
});

test("anything else is a folder, which need not be there yet", async () => {
  const folder = await mkdtemp(join(tmpdir(), "surprisal-"));
  const bucket = await openBucket(join(folder, "new"));
  expect(await bucket.get("catalogue.json", anySize)).toBeUndefined();
  await bucket.put("a/b", new Uint8Array([1]), "absent");
  expect(await bucket.get("a/b", anySize)).toMatchObject({ bytes: Buffer.from([1]) });
  await rm(folder, { recursive: true });
});
