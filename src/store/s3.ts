/** A bucket of S3, or of another server with its protocol (R2, MinIO, Ceph), below a prefix. */
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { type Bucket, StoreFailure } from "./bucket.ts";

export interface S3Place extends Pick<S3ClientConfig, "endpoint" | "region" | "credentials"> {
  readonly bucket: string;
  /** Of all keys, such as "music/", with its slash. */
  readonly prefix?: string;
  /** For an answer, with its retries; its bytes may take as long again, and what SLOWEST_BYTES_PER_MS gives them. */
  readonly timeoutMs?: number;
}

const SLOWEST_BYTES_PER_MS = 100; // one of eight files at a time over 6 Mbit/s
const CONFLICT_TRIES = 4;
const CONFLICT_PAUSE_MS = 200;

/** Settings that are not given are the SDK's own: environment variables, shared files, the role of the machine. */
export function s3Bucket({ bucket, prefix = "", timeoutMs = 15_000, ...config }: S3Place): Bucket {
  const client = new S3Client({
    ...config,
    forcePathStyle: config.endpoint !== undefined, // only AWS has a host name for each bucket
    requestHandler: { connectionTimeout: 3000 },
    // Every file is checked by its sha256 here, and older servers refuse the SDK's own checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const place = (key: string) => ({ Bucket: bucket, Key: prefix + key });
  const msFor = (bytes: number) => timeoutMs + Math.ceil(bytes / SLOWEST_BYTES_PER_MS);
  const urlOf = (key: string) => `s3://${bucket}/${prefix}${key}`;

  /** Names the key in a failure. The SDK's own error is not kept as the cause: it holds the request, with its credentials. */
  async function answered<T>(key: string, signal: AbortSignal, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw new StoreFailure(`${urlOf(key)}: ${signal.aborted ? "no answer in time" : reasonOf(error)}.`);
    }
  }

  /** Starts to read an object; only the headers of the answer are read. */
  async function opened(key: string, known: string | undefined, abortSignal: AbortSignal) {
    const input = { ...place(key), ...(known !== undefined && { IfNoneMatch: `"${known}"` }) };
    try {
      return await client.send(new GetObjectCommand(input), { abortSignal });
    } catch (error) {
      if (statusOf(error) === 304) return "unchanged";
      if (isNoKey(error)) return undefined;
      throw error;
    }
  }

  async function etagOf(key: string, abortSignal: AbortSignal): Promise<string | undefined> {
    try {
      return unquoted((await client.send(new HeadObjectCommand(place(key)), { abortSignal })).ETag);
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** @returns false when the condition does not hold */
  async function written(
    command: PutObjectCommand,
    abortSignal: AbortSignal,
    tries = CONFLICT_TRIES,
  ): Promise<boolean> {
    try {
      await client.send(command, { abortSignal });
      return true;
    } catch (error) {
      // AWS answers 404 if the object that is to be replaced does not exist.
      if (statusOf(error) === 412 || isNoKey(error)) return false;
      if (statusOf(error) !== 409 || tries === 1) throw error;
      // 409: AWS cannot decide the condition while another write of the key is under way.
      await pause(CONFLICT_PAUSE_MS, undefined, { signal: abortSignal });
      return written(command, abortSignal, tries - 1);
    }
  }

  async function writtenOver(key: string, Body: Uint8Array, etag: string, signal: AbortSignal): Promise<boolean> {
    const put = (IfMatch: string) => written(new PutObjectCommand({ ...place(key), Body, IfMatch }), signal);
    if (await put(`"${etag}"`)) return true;
    // Ceph before 17 compares with the quotes, against its own ETag without them.
    return (await etagOf(key, signal)) === etag && put(etag);
  }

  return {
    async get(key, checkSize, known) {
      const abort = new AbortController();
      const { signal } = abort;
      let timer = setTimeout(() => abort.abort(), timeoutMs);
      try {
        const found = await answered(key, signal, opened(key, known, signal));
        if (found === undefined || found === "unchanged") return found;
        const { ContentLength: length, ETag } = found;
        const body = found.Body as Readable; // on Node
        try {
          if (length === undefined) throw new StoreFailure(`${urlOf(key)}: an answer without its length.`);
          checkSize(length);
        } catch (error) {
          body.destroy();
          throw error;
        }
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), msFor(length));
        return { bytes: await answered(key, signal, readBody(body, length)), etag: unquoted(ETag) };
      } finally {
        clearTimeout(timer);
      }
    },
    put(key, bytes, condition) {
      const signal = AbortSignal.timeout(msFor(bytes.length));
      if (typeof condition === "object") {
        return answered(key, signal, writtenOver(key, bytes, condition.etag, signal));
      }
      const input = { ...place(key), Body: bytes, ...(condition === "absent" && { IfNoneMatch: "*" }) };
      return answered(key, signal, written(new PutObjectCommand(input), signal));
    },
  };
}

/** Allocates the announced length and never more. */
async function readBody(body: Readable, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (at + chunk.length > length) throw new Error(`more than the announced ${length} bytes`);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at < length) throw new Error(`${at} of the announced ${length} bytes`);
  return bytes;
}

const isNoKey = (error: unknown): boolean => error instanceof Error && error.name === "NoSuchKey";

const unquoted = (etag = ""): string => etag.replaceAll('"', "");

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message } = error;
  const parts = new Set([name === "Error" ? "" : name, message]);
  const sentence = [...parts]
    .filter((part) => part && part !== "UnknownError")
    .join(": ")
    .replace(/\.$/, "");
  if (statusOf(error) !== 403 || name !== "AccessDenied") return sentence;
  return `${sentence} (S3 also says so of a missing object, unless the credentials may list the bucket)`;
}
