import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { openStore } from "../../src/store/open.ts";

const servers: Server[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) server.close();
});

async function listen(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([301, 302, 307, 308])("a bucket that redirects by %i is not followed to another server", async (status) => {
  let followed = 0;
  const elsewhere = await listen((_, response) => {
    followed += 1;
    response.end("{}");
  });
  const bucket = await listen((request, response) => {
    response.writeHead(status, { Location: `${elsewhere}${request.url}` }).end();
  });
  vi.stubEnv("AWS_ENDPOINT_URL_S3", bucket);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "id");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  const store = await openStore("s3://models");
  await expect(store.catalogue()).rejects.toThrow();
  expect(followed).toBe(0);
});
