/** Files under inbox/ of a bucket -> results/, as a function of AWS Lambda that S3 and Step Functions call. */

import { expected } from "../../errors.ts";
import { decode } from "../../formats/decoders.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { StoreFailure } from "../../store/bucket.ts";
import { openBucket } from "../../store/open.ts";
import { scoreEvent, type Tally } from "./events.ts";
import { openModelSource } from "./packaged.ts";

const { SURPRISAL_MODELS, SURPRISAL_BUCKET } = process.env;
if (!SURPRISAL_BUCKET) throw new Error(expected("s3://BUCKET or a folder in SURPRISAL_BUCKET", "nothing"));
const bucket = await openBucket(SURPRISAL_BUCKET);
const { models, isAuthoritative, lastError, refresh } = await openModelSource(SURPRISAL_MODELS);

export async function handler(event: unknown): Promise<Tally> {
  await refresh();
  const all = await models();
  // A result stays, so it must not be of models that happened to be at hand. S3 and Step Functions call again.
  if (!isAuthoritative()) throw new StoreFailure(`The models could not be read. ${lastError()}`);
  return scoreEvent(event, { bucket, models: all, reader: { limits: DEFAULT_LIMITS, decode } });
}
