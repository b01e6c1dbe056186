/** Request -> the bytes of its body, counted while they arrive and decoded from their Content-Encoding. */

import { expected, SurprisalError } from "../errors.ts";
import { type Limits, MIN_BODY_RATE } from "../limits.ts";
import { timerMs } from "../util/timer.ts";
import type { Share } from "./admission.ts";
import { describe } from "./fault.ts";

/** A media type without its parameters, in a length that a sentence can hold. */
export const essence = (contentType: string): string => contentType.split(";")[0].trim().toLowerCase().slice(0, 100);

export const isJson = (type: string): boolean => /^application\/([\w.-]+\+)?json$/.test(type);

/** Bytes that the body of a request may have, as it is sent and again once it is decoded. */
function bodyLimit(request: Request, limits: Pick<Limits, "bodyBytes" | "jsonBytes">): number {
  const type = essence(request.headers.get("content-type") ?? "");
  return isJson(type) ? Math.min(limits.jsonBytes, limits.bodyBytes) : limits.bodyBytes;
}

export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sentBytes: number; // before its Content-Encoding was undone
}

/**
 * Reads a body, counts what arrives, whatever Content-Length says, and undoes its Content-Encoding.
 * @param share of the request, which then holds its bytes as they were sent and as they are decoded
 * @throws SurprisalError `too-large` when it is more than the limit, sent or decoded; `busy` as Share.take; `request-timeout`
 * when it comes too slowly; `unsupported-media-type` for an encoding that is not read here; `malformed-request` when it breaks
 * off, or is not what its encoding says.
 */
export async function readBody(request: Request, limits: Limits, share: Share): Promise<Body> {
  const limit = bodyLimit(request, limits);
  const format = compressionOf(request.headers.get("content-encoding"));
  // Before the body is touched: the Node server can then pass over it and keep the connection.
  const claimed = claimedLength(request);
  if (claimed > limit) throw tooLarge(limit, String(claimed));
  share.take(claimed);
  if (!request.body) return { bytes: new Uint8Array(), sentBytes: 0 };
  const sent = await readStream(request.body, {
    limit,
    share,
    taken: claimed,
    broken: "The body broke off before its end.",
    seconds: limits.bodySeconds,
  });
  const sentBytes = sent.length;
  if (!format || sentBytes === 0) return { bytes: sent, sentBytes };
  const broken = expected(`a body in ${format}, as its Content-Encoding says`, "bytes that are not, or are damaged");
  // lib.dom types the writable end for any BufferSource, which no stream of bytes can promise to take.
  const decompression = new DecompressionStream(format) as ReadableWritablePair<Uint8Array, Uint8Array>;
  const bytes = await readStream(slices(sent).pipeThrough(decompression), { limit, share, taken: 0, broken });
  return { bytes, sentBytes };
}

/** The bytes that Content-Length announces; 0 where it announces none, or none that makes sense. */
function claimedLength(request: Request): number {
  const claimed = Number(request.headers.get("content-length"));
  return claimed > 0 ? claimed : 0;
}

/** The format of DecompressionStream that undoes a Content-Encoding (RFC 9110, section 8.4.1); undefined for none. */
export function compressionOf(contentEncoding: string | null): "gzip" | "deflate" | undefined {
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

interface Reading {
  readonly limit: number; // bytes
  readonly share: Share;
  readonly taken: number; // bytes of this stream that the share holds already
  readonly broken: string; // the sentence for a stream that fails
  readonly seconds?: number; // that its sender has, and one more for each MIN_BODY_RATE bytes that have come
}

/** Room for a body of unknown length to begin with. */
const FIRST_BYTES = 2 ** 16;

async function readStream(
  stream: ReadableStream<Uint8Array>,
  { limit, share, taken, broken, seconds }: Reading,
): Promise<Uint8Array<ArrayBuffer>> {
  // Chunks are copied at once: a list of them and then the whole would be twice the body.
  let buffer = new ArrayBuffer();
  let length = 0;
  let held = taken;
  const began = performance.now();
  const reader = stream.getReader();
  try {
    while (true) {
      const chunk = reader.read().catch((cause) => {
        throw new SurprisalError("malformed-request", broken, { cause });
      });
      const { done, value } =
        seconds === undefined ? await chunk : await inTime(chunk, began + 1000 * (seconds + length / MIN_BODY_RATE));
      if (done) return new Uint8Array(buffer.transfer(length));
      const end = length + value.length;
      if (end > limit) throw tooLarge(limit, "more");
      if (end > held) share.take(end - held);
      held = Math.max(end, held);
      if (length === 0 && end > 0 && end === taken && isWhole(value)) {
        buffer = value.buffer; // of a thread's request, whose body came in one piece
        length = end;
        continue;
      }
      if (end > buffer.byteLength) {
        buffer = buffer.transfer(Math.min(limit, Math.max(end, taken, FIRST_BYTES, 2 * buffer.byteLength)));
      }
      new Uint8Array(buffer).set(value, length);
      length = end;
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // the answer does not depend on how the sender takes it
    throw error;
  }
}

/** Whether a chunk is all of its buffer, which nobody else then reads. */
const isWhole = (chunk: Uint8Array): chunk is Uint8Array<ArrayBuffer> =>
  chunk.buffer instanceof ArrayBuffer && chunk.length === chunk.buffer.byteLength;

/**
 * @param deadline in ms, on the clock of performance.now(); may be infinite
 * @throws SurprisalError `request-timeout` when it passes first.
 */
export async function inTime<T>(promise: Promise<T>, deadline: number): Promise<T> {
  if (deadline === Number.POSITIVE_INFINITY) return promise; // without a timer, which a Worker may not set while it starts
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const wanted = `a body of at least ${MIN_BODY_RATE} bytes a second`;
    const fail = () => reject(new SurprisalError("request-timeout", expected(wanted, "a slower one")));
    timer = setTimeout(fail, timerMs((deadline - performance.now()) / 1000));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const tooLarge = (limit: number, got: string) =>
  new SurprisalError("too-large", expected(`a body of at most ${limit} bytes`, got));
