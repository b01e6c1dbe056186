/** A bucket of S3, or of what speaks its protocol (R2, MinIO, Ceph), below a prefix. */
import { addAbortSignal, type Readable } from "node:stream";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { type Bucket, type Condition, StoreFailure } from "./bucket.ts";

export interface S3Place extends Pick<S3ClientConfig, "endpoint" | "region" | "credentials"> {
  readonly bucket: string;
  /** Of all keys, such as "music/", with its slash. */
  readonly prefix?: string;
  /** For an operation with its retries and its body. */
  readonly timeoutMs?: number;
}

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

  /** One operation, in time, with its failures named. */
  async function asked<T>(operation: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const abortSignal = AbortSignal.timeout(timeoutMs);
    try {
      return await operation(abortSignal);
    } catch (cause) {
      const reason = abortSignal.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(cause);
      throw new StoreFailure(`s3://${bucket}/${prefix}: ${reason}.`, { cause });
    }
  }

  const write = (key: string, bytes: Uint8Array, conditions: { IfMatch?: string; IfNoneMatch?: string }) =>
    asked(async (abortSignal) => {
      const input = { Bucket: bucket, Key: prefix + key, Body: bytes, ...conditions };
      try {
        await client.send(new PutObjectCommand(input), { abortSignal });
        return true;
      } catch (error) {
        // 409: AWS found another conditional write of the key under way.
        if ([409, 412].includes(statusOf(error) ?? 0)) return false;
        throw error;
      }
    });

  /** The object's answer, of which nothing but the head is read. */
  async function opened(key: string, known: string | undefined, abortSignal: AbortSignal) {
    const input = { Bucket: bucket, Key: prefix + key, ...(known && { IfNoneMatch: `"${known}"` }) };
    try {
      return await client.send(new GetObjectCommand(input), { abortSignal });
    } catch (error) {
      if (statusOf(error) === 304) return "unchanged";
      if (error instanceof Error && error.name === "NoSuchKey") return undefined;
      throw error;
    }
  }

  async function etagOf(key: string): Promise<string | undefined> {
    const found = await store.get(key, () => {}, undefined);
    return found && found !== "unchanged" ? found.etag : undefined;
  }

  const store: Bucket = {
    async get(key, checkSize, known) {
      let refused: { error: unknown } | undefined;
      const stored = await asked(async (abortSignal) => {
        const found = await opened(key, known, abortSignal);
        if (found === undefined || found === "unchanged") return found;
        const { Body, ContentLength: length, ETag = "" } = found;
        const body = Body as Readable; // on Node
        try {
          if (length === undefined) throw new Error("an answer without its length");
          checkSize(length);
        } catch (error) {
          body.destroy();
          refused = { error };
          return undefined;
        }
        return { bytes: await readBody(addAbortSignal(abortSignal, body), length), etag: unquoted(ETag) };
      });
      if (refused) throw refused.error;
      return stored;
    },
    async put(key, bytes, condition: Condition) {
      if (condition === "any") return write(key, bytes, {});
      if (condition === "absent") return write(key, bytes, { IfNoneMatch: "*" });
      const { etag } = condition;
      if (await write(key, bytes, { IfMatch: `"${etag}"` })) return true;
      // Ceph before 17 compares with the quotes, against its own ETag without them.
      return (await etagOf(key)) === etag && write(key, bytes, { IfMatch: etag });
    },
    list: (folder) =>
      asked(async (abortSignal) => {
        const Prefix = `${prefix}${folder}/`;
        const names: string[] = [];
        let ContinuationToken: string | undefined;
        do {
          const input = { Bucket: bucket, Prefix, Delimiter: "/", ...(ContinuationToken && { ContinuationToken }) };
          const page = await client.send(new ListObjectsV2Command(input), { abortSignal });
          for (const { Key = "" } of page.Contents ?? []) names.push(Key.slice(Prefix.length));
          ContinuationToken = page.NextContinuationToken;
        } while (ContinuationToken !== undefined);
        return names;
      }),
  };
  return store;
}

/** Never takes more memory than the length. */
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

const unquoted = (etag: string): string => etag.replaceAll('"', "");

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message } = error;
  return [...new Set([name === "Error" ? "" : name, message])]
    .filter((part) => part && part !== "UnknownError")
    .join(": ")
    .replace(/\.$/, "");
}
