/** Request -> the pieces of its body as they arrive, decoded from their Content-Encoding: for bodies that have no length. */
import { expected, SurprisalError } from "../errors.ts";
import { type Limits, MIN_BODY_RATE } from "../limits.ts";
import { compressionOf, inTime } from "./body.ts";

export interface BodyStream extends AsyncIterable<Uint8Array> {
  /** Bytes that were sent for each byte that they were decoded to, so far; at most 1. */
  sentShare(): number;
  /** Counts bytes that a line or file takes beside those that have come, such as what an archive is unpacked to. */
  hold(bytes: number): Promise<void>;
  /** Begins the next line or file: the sender has its time anew, and what the one before held is given back. */
  restart(): void;
  readonly bytes: number; // decoded so far
}

/** The bytes of a line or file that has not ended yet. */
export interface Holding {
  /** Waits for room for this many bytes more. @throws SurprisalError `busy` when there is none for long */
  take(bytes: number): Promise<void>;
  release(): void;
}

/** A byte of gzip holds up to 1032, so this much becomes 4 MB at most. */
const SLICE_BYTES = 2 ** 12;

/**
 * @throws SurprisalError `unsupported-media-type` for an encoding that is not read here; while it is read, `malformed-request`
 * when it breaks off or is not what its encoding says, and `request-timeout` when a line comes too slowly. Only the time
 * counts for which the server waits for the sender.
 */
export function streamBody(
  request: Request,
  { bodySeconds }: Pick<Limits, "bodySeconds">,
  holding: Holding,
): BodyStream {
  const format = compressionOf(request.headers.get("content-encoding"));
  const reader = request.body?.getReader();
  let [sent, decoded] = [0, 0];
  let [waitedMs, sentSince] = [0, 0]; // since the last line ended

  async function* arriving(): AsyncGenerator<Uint8Array> {
    if (!reader) return;
    try {
      while (true) {
        const began = performance.now();
        const chunk = reader.read().catch((cause) => {
          throw new SurprisalError("malformed-request", "The body broke off before its end.", { cause });
        });
        const allowed = 1000 * (bodySeconds + sentSince / MIN_BODY_RATE);
        const { done, value } = await inTime(chunk, began + allowed - waitedMs);
        waitedMs += performance.now() - began;
        if (done) return;
        sent += value.length;
        sentSince += value.length;
        yield value;
      }
    } finally {
      reader.cancel().catch(() => {}); // nothing depends on how the sender takes it
    }
  }

  async function* decompressed(): AsyncGenerator<Uint8Array> {
    const broken = expected(`a body in ${format}, as its Content-Encoding says`, "bytes that are not, or are damaged");
    const slices = arriving();
    let fault: unknown;
    let rest: Uint8Array = new Uint8Array();
    const source = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            if (rest.length === 0) rest = (await slices.next()).value ?? rest;
          } catch (error) {
            fault = error;
            return controller.error(error);
          }
          if (rest.length === 0) return controller.close();
          controller.enqueue(rest.slice(0, SLICE_BYTES));
          rest = rest.subarray(SLICE_BYTES);
        },
      },
      { highWaterMark: 0 },
    );
    const decompression = new DecompressionStream(format ?? "gzip") as ReadableWritablePair<Uint8Array, Uint8Array>;
    const output = source.pipeThrough(decompression).getReader();
    try {
      while (true) {
        const { done, value } = await output.read();
        if (done) return;
        yield value;
      }
    } catch (cause) {
      throw fault ?? new SurprisalError("malformed-request", broken, { cause });
    } finally {
      // Its output is not cancelled: Node's decompression would go on to hand data to a closed stream, an exception that nobody can
      // catch. Unread it stops by itself, and is collected.
      void slices.return(undefined);
    }
  }

  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of format && reader ? decompressed() : arriving()) {
        decoded += chunk.length;
        await holding.take(chunk.length);
        yield chunk;
      }
    },
    sentShare: () => Math.min(1, sent / Math.max(1, decoded)),
    hold: (bytes) => holding.take(bytes),
    restart() {
      [waitedMs, sentSince] = [0, 0];
      holding.release();
    },
    get bytes() {
      return decoded;
    },
  };
}
