/** A setting such as SURPRISAL_MODELS, s3://bucket/prefix or a folder -> the bucket or store that it names. */
import { expected, SurprisalError } from "../errors.ts";
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
    throw new SurprisalError("malformed-request", expected("a store that is s3://BUCKET/PREFIX or a folder", setting));
  }
  const { s3Bucket } = await import("./s3.ts"); // the SDK takes longer to load than all the rest
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  // Servers other than AWS have one region and accept any name for it.
  const custom = endpoint && { endpoint, region: env.AWS_REGION || "us-east-1" };
  return s3Bucket({ bucket, prefix: path ? `${path}/` : "", ...custom });
}

/** The checkpoints of the bucket that a setting names. @throws as openBucket */
export const openStore = async (setting: string): Promise<CheckpointStore> =>
  bucketStore(await openBucket(setting), quickSha256);
