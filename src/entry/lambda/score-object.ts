/**
 * An object under inbox/ of a bucket -> its scores in results/. Events of storage come twice, late and in any order, so what
 * counts is the object as it is now, and a result takes the place only of the one that was there before the object was
 * read: the last result to be written is that of the last object.
 */

import { expected, SurprisalError } from "../../errors.ts";
import { decodeContent, kindOf, type Reader } from "../../http/content.ts";
import { score } from "../../inference/answer.ts";
import type { Model } from "../../model/model.ts";
import { modelsOfKind } from "../../model/select.ts";
import type { ScoreResponse } from "../../schema/score.ts";
import { type Bucket, StoreFailure } from "../../store/bucket.ts";
import { sha256 } from "../../store/store.ts";

export interface Scorer {
  readonly bucket: Bucket;
  readonly models: readonly Model[];
  readonly reader: Reader;
}

/** What is written of an object: the answer of /score, or why there is none. */
export type Result = Source &
  (ScoreResponse | { readonly problem: { readonly code: string; readonly detail: string } });

interface Source {
  readonly source: { readonly key: string; readonly etag?: string }; // no ETag of what was too large to be read
  readonly models: string; // sha256 of the ids and versions of all models that were there
}

/** `kept`: the result is there already; `ignored`: there is no such object, or its key is not one to be scored. */
export type Outcome = "scored" | "refused" | "kept" | "ignored";

/** More are lost only when somebody else writes the result all the time. */
const TRIES = 5;

/**
 * Scores an object by every model of its kind, unless that is done.
 * @throws StoreFailure when the storage fails, SurprisalError `no-models` when there are none: it may go better later.
 */
export async function scoreObject(key: string, scorer: Scorer): Promise<Outcome> {
  const place = resultKey(key);
  if (place === undefined) return "ignored";
  const { bucket } = scorer;
  const models = await versionsOf(scorer.models);
  for (let tries = 0; tries < TRIES; tries++) {
    const stored = await bucket.get(place, () => {});
    const before = stored && stored !== "unchanged" ? stored : undefined;
    const known = before && knownEtag(before.bytes, models);
    const result = await resultOf(key, models, known, scorer);
    if (result === "unchanged") return "kept";
    if (result === undefined) return "ignored";
    const text = `${JSON.stringify(result)}\n`;
    if (before && new TextDecoder().decode(before.bytes) === text) return "kept";
    const written = await bucket.put(place, new TextEncoder().encode(text), before ? { etag: before.etag } : "absent");
    if (written) return "problem" in result ? "refused" : "scored";
  }
  throw new StoreFailure(`${place} was written by others ${TRIES} times in a row.`);
}

/**
 * Where the result of an object is kept: that of inbox/a.mid is results/a.mid.json, of corpora/b.mid
 * results/corpora/b.mid.json. No two objects have one place. Undefined for what is not to be scored, such as results.
 */
export function resultKey(key: string): string | undefined {
  const inside = /^(inbox|corpora)\/./.test(key) && !key.endsWith("/"); // consoles make folders as objects with a slash
  if (!inside || key.split("/").some((part) => /^\.{0,2}$/.test(part))) return undefined;
  return `results/${key.replace(/^inbox\/(?!(inbox|corpora)\/)/, "")}.json`;
}

const versionsOf = (models: readonly Model[]): Promise<string> =>
  sha256(new TextEncoder().encode(models.map(({ id, version }) => `${id} ${version}\n`).join("")));

/** ETag of the object that a result is of, if it is of these models. */
function knownEtag(bytes: Uint8Array, models: string): string | undefined {
  try {
    const result = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Source>;
    return result.models === models ? result.source?.etag : undefined;
  } catch {
    return undefined; // not ours; it will be replaced
  }
}

async function resultOf(
  key: string,
  models: string,
  known: string | undefined,
  { bucket, models: all, reader }: Scorer,
): Promise<Result | "unchanged" | undefined> {
  const { bodyBytes } = reader.limits;
  let source: Source["source"] = { key };
  try {
    const checkSize = (bytes: number) => {
      if (bytes <= bodyBytes) return;
      throw new SurprisalError("too-large", expected(`an object of at most ${bodyBytes} bytes`, bytes));
    };
    const object = await bucket.get(key, checkSize, known);
    if (object === "unchanged" || object === undefined) return object;
    source = { key, etag: object.etag };
    const content = { form: "file", bytes: object.bytes, type: "" } as const;
    modelsOfKind(all, kindOf(content)); // before the file is decoded for nothing
    return { source, models, ...(await score(await decodeContent(content, {}, reader), all, {})) };
  } catch (error) {
    if (!(error instanceof SurprisalError) || error.status >= 500) throw error;
    return { source, models, problem: { code: error.code, detail: error.message } };
  }
}
