/**
 * Events that name objects of a bucket -> their results. S3 sends one for what is put under inbox/, and the distributed map
 * of Step Functions one for each batch of what a prefix has already.
 */

import { z } from "../../util/zod.ts";
import { type Outcome, type Scorer, scoreObject } from "./score-object.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
const Notification = z
  .object({ Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })) })
  // Keys are encoded as in forms: a space is a plus.
  .transform(({ Records }) => Records.map(({ s3 }) => decodeURIComponent(s3.object.key.replaceAll("+", " "))));

/** https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html, of objects that were listed */
const Batch = z
  .object({ Items: z.array(z.object({ Key: z.string() })) })
  .transform(({ Items }) => Items.map(({ Key }) => Key));

const Event = z.union([Notification, Batch]);

/** Number of objects of each outcome. */
export type Tally = Partial<Record<Outcome, number>>;

/**
 * Scores the objects of an event, one after the other.
 * @throws AggregateError when some could not be, and then the others are: the platform calls again.
 */
export async function scoreEvent(event: unknown, scorer: Scorer): Promise<Tally> {
  const tally: Tally = {};
  const errors: unknown[] = [];
  const keys = Event.parse(event);
  for (const key of keys) {
    try {
      const outcome = await scoreObject(key, scorer);
      tally[outcome] = (tally[outcome] ?? 0) + 1;
    } catch (error) {
      console.error(`${key} was not scored:`, error);
      errors.push(error);
    }
  }
  if (errors.length > 0)
    throw new AggregateError(errors, `${errors.length} of ${keys.length} objects were not scored.`);
  return tally;
}
