/** Where a setting such as SURPRISAL_MODELS points: s3://bucket/prefix, or a folder. */
import { SurprisalError } from "../errors.ts";
import { type Bucket, bucketStore } from "./bucket.ts";
import { folderBucket, quickSha256 } from "./files.ts";
import type { CheckpointStore } from "./store.ts";

/**
 * Credentials, region and endpoint of S3 are those of the environment, as the AWS tools know them.
 * @throws SurprisalError `malformed-request` when the setting names no bucket.
 */
export async function openBucket(setting: string, env: NodeJS.ProcessEnv = process.env): Promise<Bucket> {
  if (!setting.startsWith("s3://")) return folderBucket(setting);
  const [, bucket, path] = /^s3:\/\/([^/]+)\/*(.*?)\/*$/.exec(setting) ?? [];
  if (bucket === undefined) {
    throw new SurprisalError("malformed-request", `The store is ${setting}; wanted s3://BUCKET/PREFIX or a folder.`);
  }
  const { s3Bucket } = await import("./s3.ts"); // the SDK takes longer to load than all the rest
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  // Other servers than AWS have one region, whose name none of them asks for.
  const elsewhere = endpoint && { endpoint, region: env.AWS_REGION || "us-east-1" };
  return s3Bucket({ bucket, prefix: path ? `${path}/` : "", ...elsewhere });
}

/** The checkpoints of the bucket that a setting names. @throws as openBucket */
export const openStore = async (setting: string): Promise<CheckpointStore> =>
  bucketStore(await openBucket(setting), quickSha256);
