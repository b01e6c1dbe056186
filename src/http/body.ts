/** Request -> the bytes of its body, counted while they arrive and decoded from their Content-Encoding. */

import { expected, SurprisalError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { describe } from "./fault.ts";

/** A media type without its parameters, in a length that a sentence can hold. */
export const essence = (contentType: string): string => contentType.split(";")[0].trim().toLowerCase().slice(0, 100);

export const isJson = (type: string): boolean => /^application\/([\w.-]+\+)?json$/.test(type);

/** Bytes that the body of a request may have, as it is sent and again once it is decoded. */
function bodyLimit(request: Request, limits: Pick<Limits, "bodyBytes" | "jsonBytes">): number {
  const type = essence(request.headers.get("content-type") ?? "");
  return isJson(type) ? Math.min(limits.jsonBytes, limits.bodyBytes) : limits.bodyBytes;
}

/**
 * Reads a body as it was sent, and counts what arrives, whatever Content-Length says.
 * @throws SurprisalError `too-large` when it is more than the limit, `malformed-request` when it breaks off.
 */
export async function readBody(request: Request, limits: Limits): Promise<Uint8Array<ArrayBuffer>> {
  const limit = bodyLimit(request, limits);
  // Before the body is touched: the Node server can then pass over it and keep the connection.
  const claimed = Number(request.headers.get("content-length"));
  if (claimed > limit) throw tooLarge(limit, String(claimed));
  if (!request.body) return new Uint8Array();
  return readStream(request.body, limit, "The body broke off before its end.");
}

/**
 * Reads a body and undoes its Content-Encoding.
 * @throws SurprisalError as readBody, which holds for the decoded bytes too; `unsupported-media-type` for an encoding that is
 * not read here, `malformed-request` when the bytes are not what it says.
 */
export async function readDecodedBody(request: Request, limits: Limits): Promise<Uint8Array<ArrayBuffer>> {
  const format = compressionOf(request.headers.get("content-encoding"));
  const bytes = await readBody(request, limits);
  if (!format || bytes.length === 0) return bytes;
  const damaged = expected(`a body in ${format}, as its Content-Encoding says`, "bytes that are not, or are damaged");
  // lib.dom types the writable end for any BufferSource, which no stream of bytes can promise to take.
  const decompression = new DecompressionStream(format) as ReadableWritablePair<Uint8Array, Uint8Array>;
  return readStream(slices(bytes).pipeThrough(decompression), bodyLimit(request, limits), damaged);
}

/** The format of DecompressionStream that undoes a Content-Encoding (RFC 9110, section 8.4.1); undefined for none. */
function compressionOf(contentEncoding: string | null): "gzip" | "deflate" | undefined {
  const encoding = (contentEncoding ?? "").trim().toLowerCase();
  switch (encoding) {
    case "":
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    default:
      throw new SurprisalError(
        "unsupported-media-type",
        expected("a Content-Encoding of gzip, deflate or identity", describe(encoding)),
      );
  }
}

/** A runtime may inflate a whole chunk before it hands anything on, and a byte of gzip holds up to 1032: 16 MB a slice. */
const SLICE_BYTES = 2 ** 14;

function slices(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let position = 0;
  return new ReadableStream({
    pull(controller) {
      if (position >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(position, position + SLICE_BYTES));
      position += SLICE_BYTES;
    },
  });
}

/** @param broken the sentence for a stream that fails */
async function readStream(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  broken: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  while (true) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new SurprisalError("malformed-request", broken, { cause });
    });
    if (done) break;
    length += value.length;
    if (length > limit) {
      reader.cancel().catch(() => {}); // the answer does not depend on how the sender takes it
      throw tooLarge(limit, "more");
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}

const tooLarge = (limit: number, got: string) =>
  new SurprisalError("too-large", expected(`a body of at most ${limit} bytes`, got));
