/** A real S3 server for tests, and a proxy before it that breaks what a network can break. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import type { S3Place } from "../../src/store/s3.ts";
import { requires } from "./requires.ts";

const { S3_ENDPOINT: endpoint = "", S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = process.env;
const credentials = { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY };

/** Whether tests can reach an S3 server; for `describe.skipIf(!hasS3())`. @throws Error as requires */
export const hasS3 = (): boolean =>
  requires(
    endpoint !== "",
    "S3_ENDPOINT is not set; `export $(test/support/radosgw.sh start)` starts a server and sets it",
  );

const place = { endpoint, region: "us-east-1", credentials };
let made: Promise<string> | undefined;

/** A bucket of this file of tests: servers allow a user so many. */
async function makeBucket(): Promise<string> {
  const bucket = `test-${randomUUID()}`;
  const client = new S3Client({ ...place, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

/** A prefix that no object has. */
export async function freshPlace(): Promise<S3Place & { readonly endpoint: string; readonly prefix: string }> {
  made ??= makeBucket();
  return { ...place, bucket: await made, prefix: `${randomUUID()}/models/` };
}

/** What a process needs in its environment to reach the server, or what stands before it. */
export const s3Environment = (at = endpoint): Record<string, string> => ({
  AWS_ENDPOINT_URL_S3: at,
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: S3_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY: S3_SECRET_ACCESS_KEY,
});

/** Answers in the server's place, or returns false to let it answer. */
export type Fault = (incoming: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** An HTTP server in front of the S3 server. It passes everything on, but for the faults that a test sets. */
export interface S3Proxy {
  readonly endpoint: string;
  /** Method, path and status of each request since the last call, such as "GET /bucket/key 200". */
  seen(): string[];
  breakBy(fault: Fault): void;
  mend(): void;
  /** Cuts every connection and takes no more. */
  stop(): Promise<void>;
  /** On the same port as before. */
  start(): Promise<void>;
}

export async function startProxy(): Promise<S3Proxy> {
  const passOn: Fault = () => false;
  let fault = passOn;
  let seen: string[] = [];
  let port = 0;
  const sockets = new Set<Socket>();
  const server = createServer(async (incoming, response) => {
    const url = incoming.url ?? "";
    response.on("close", () => seen.push(`${incoming.method} ${url.split("?")[0]} ${response.statusCode}`));
    if (await fault(incoming, response)) return;
    // With the headers as they came: the signature is over the host that the client knows.
    const onward = request(
      endpoint + url,
      { method: incoming.method ?? "GET", headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const proxy: S3Proxy = {
    get endpoint() {
      return `http://127.0.0.1:${port}`;
    },
    seen() {
      const before = seen;
      seen = [];
      return before;
    },
    breakBy(given) {
      fault = given;
    },
    mend() {
      fault = passOn;
    },
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async start() {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      port = (server.address() as AddressInfo).port;
    },
  };
  await proxy.start();
  return proxy;
}
