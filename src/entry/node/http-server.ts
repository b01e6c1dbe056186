/**
 * An app -> Node's HTTP server, with deadlines for clients that send or read slowly, and with problem documents where Node
 * itself would answer with a bare status.
 */
import { randomUUID } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { expected, SurprisalError } from "../../errors.ts";
import { errorAnswer, problemResponse } from "../../http/problem.ts";
import { type Limits, MAX_HEAD_BYTES, MAX_HEADERS } from "../../limits.ts";
import { timerMs } from "../../util/timer.ts";

/** How often connections are checked for deadlines that have passed. */
const CHECK_MS = 1000;

const BATCH = /^(\/v1)?\/batch(\?|$)/;

type Fetch = Parameters<typeof getRequestListener>[0];

/**
 * The server of an app, which does not listen yet.
 * @param refused called with the code of each problem that is answered here, not by the app
 */
export function httpServer(fetch: Fetch, limits: Limits, refused: (code: string) => void = () => {}): Server {
  const { headersSeconds, requestSeconds, readerSeconds } = limits;
  const options = {
    headersTimeout: timerMs(headersSeconds),
    requestTimeout: 0, // a batch may take any time; see below for the others
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
  };
  const server = createServer(
    options,
    getRequestListener(fetch, { hostname: "localhost", errorHandler: answerFailure }),
  );
  server.maxHeadersCount = MAX_HEADERS;
  // Node calls this of any silent connection; one that waits for its answer has nothing to read yet.
  server.setTimeout(timerMs(readerSeconds), (socket) => {
    if (socket.writableLength > 0) socket.destroy();
  });
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on("request", (incoming, response) => {
    const { socket } = incoming;
    answers.set(socket, response);
    if (BATCH.test(incoming.url ?? "")) return; // http/body-stream.ts has deadlines for each line
    const late = () => server.emit("clientError", { code: "ERR_HTTP_REQUEST_TIMEOUT" }, socket);
    const timer = setTimeout(late, timerMs(requestSeconds)).unref();
    for (const event of ["end", "close"]) incoming.once(event, () => clearTimeout(timer));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket);
    const isAnswering = answer?.headersSent && !answer.writableFinished;
    if (error.code === "ECONNRESET" || !socket.writable || isAnswering) return void socket.destroy();
    const fault = faultOf(error);
    refused(fault.code);
    socket.end(rawProblem(fault));
  });
  return server;
}

/** For a request whose URL or Host cannot be made a Request; the app answers all other failures. */
function answerFailure(error: unknown): Response {
  if (!(error instanceof RequestError)) console.error("A request was not answered:", error);
  const fault = new SurprisalError("malformed-request", expected("a URL with a valid host", "another one"));
  return problemResponse(error instanceof RequestError ? fault : undefined, "", randomUUID());
}

/** The answer to bytes that are not an HTTP request, as it goes over the wire. */
function rawProblem(error: SurprisalError): string {
  const { status, title, headers, body } = errorAnswer(error, "", randomUUID());
  const all = { ...headers, "Content-Length": Buffer.byteLength(body), Connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${title}\r\n${lines.join("")}\r\n${body}`;
}

function faultOf({ code }: NodeJS.ErrnoException): SurprisalError {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new SurprisalError("request-timeout", expected("a whole request before its deadline", "a part of one"));
    case "HPE_HEADER_OVERFLOW":
      return new SurprisalError("headers-too-large", expected(`headers of at most ${MAX_HEAD_BYTES} bytes`, "more"));
    default:
      return new SurprisalError("malformed-request", expected("a request in HTTP/1.1", "other bytes"));
  }
}

export function addressOf(server: Server): AddressInfo {
  const bound = server.address();
  if (bound !== null && typeof bound !== "string") return bound;
  throw new Error(expected("the address of a port", String(bound)));
}

export function urlOf(server: Server): string {
  const bound = addressOf(server);
  return `http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
