/**
 * Where checkpoints come from: a catalogue, and one immutable file behind each of its entries. Folders, S3 and R2 stand
 * behind the same interface (bucket.ts); test/contracts/store.ts holds each to it.
 */

import { expected, SurprisalError } from "../errors.ts";
import { CELLS } from "../kernel/config.ts";
import { MAX_CATALOGUE_BYTES, MAX_FILE_BYTES, MAX_MODELS, MAX_NAME, MAX_RELEASE_BYTES } from "../limits.ts";
import { modelId } from "../model/checkpoint.ts";
import { z } from "../util/zod.ts";

export const CATALOGUE_KEY = "catalogue.json";

const name = z
  .string()
  .max(MAX_NAME)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/);

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** NLL in nats per frame; see Measured of model/checkpoint.ts. */
const measured = z.object({
  micro: z.number(),
  macro: z.number(),
  deciles: z.array(z.number()).length(11).readonly().optional(),
});
const metrics = z.object({
  valid: measured.optional(),
  test: measured.optional(),
  adaptiveTest: measured.optional(),
});

const catalogueEntry = z
  .object({
    id: z.string().max(MAX_NAME), // see modelId
    version: sha256Hex, // of the file
    key: z.string().regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/), // relative; no segment can be ".."
    size: z.int().min(1).max(MAX_FILE_BYTES), // bytes
    set: name,
    cell: z.enum(CELLS),
    units: z.int().min(1),
    preset: name,
    metrics,
  })
  .refine((entry) => entry.id === modelId(entry), {
    path: ["id"],
    error: "expected the id of its set, cell and preset",
  });

const catalogue = z.object({
  models: z
    .array(catalogueEntry)
    .max(MAX_MODELS)
    .refine((models) => new Set(models.map(({ id }) => id)).size === models.length, "expected each id once")
    .refine(
      (models) => models.reduce((sum, { size }) => sum + size, 0) <= MAX_RELEASE_BYTES,
      `expected at most ${MAX_RELEASE_BYTES} bytes together`,
    ),
  /** What was measured of ensembles, which have no file of their own. Of another version it counts for nothing. */
  ensembles: z
    .array(z.object({ id: z.string().max(MAX_NAME), version: sha256Hex, metrics }))
    .max(MAX_MODELS)
    .optional(),
  /** Of a catalogue that was published, see publish.ts. */
  release: z
    .object({
      published: z.iso.datetime(),
      previous: z
        .string()
        .regex(/^[\w-]{1,60}$/)
        .optional(), // name of the release that was current before
    })
    .optional(),
});

export type CatalogueEntry = z.infer<typeof catalogueEntry>;
export type Catalogue = z.infer<typeof catalogue>;

/** The catalogue at a moment, and the ETag by which to ask for a newer one. */
export interface Current {
  readonly catalogue: Catalogue;
  readonly etag: string;
}

export interface CheckpointStore {
  /**
   * The models that the store has.
   * @throws SurprisalError `no-models` when there is no catalogue, `malformed-catalogue` when it is damaged.
   */
  catalogue(): Promise<Current>;
  /** The same, or "unchanged" when its ETag is still the known one. */
  catalogue(known?: string): Promise<Current | "unchanged">;
  /**
   * The checkpoint file of an entry, of the entry's size and sha256.
   * @throws SurprisalError `malformed-catalogue` when there is no such file, `malformed-checkpoint` when it is another.
   */
  read(entry: CatalogueEntry): Promise<Uint8Array>;
}

/** @throws SurprisalError `malformed-catalogue` when the bytes are not a catalogue. */
export function parseCatalogue(bytes: Uint8Array, key = CATALOGUE_KEY): Catalogue {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SurprisalError("malformed-catalogue", `${key} is not JSON.`, { cause });
  }
  return checked(catalogue, json, key);
}

/**
 * The entry as the schema has it, for those who make one.
 * @throws SurprisalError `malformed-catalogue` when it is not an entry.
 */
export const checkEntry = (entry: CatalogueEntry): CatalogueEntry =>
  checked(catalogueEntry, entry, `The catalogue's entry ${entry.id}`);

/** The file of a catalogue: equal catalogues give equal bytes. */
export function writeCatalogue({ models, ensembles = [], release }: Catalogue): string {
  const sorted = models.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((entry) => checkEntry(entry));
  return `${JSON.stringify({ release, models: sorted, ...(ensembles.length > 0 && { ensembles }) }, null, 2)}\n`;
}

/** @throws SurprisalError `malformed-catalogue` when a catalogue of so many bytes is not to be read. */
export function checkCatalogueSize(found: number): void {
  if (found > MAX_CATALOGUE_BYTES) {
    throw new SurprisalError(
      "malformed-catalogue",
      expected(`at most ${MAX_CATALOGUE_BYTES} bytes in ${CATALOGUE_KEY}`, found),
    );
  }
}

/** @throws SurprisalError `malformed-checkpoint` when the bytes are not those that the entry names. */
export async function checkFile(
  { key, size, version }: CatalogueEntry,
  bytes: Uint8Array,
  digest: Digest = sha256,
): Promise<void> {
  checkSize({ key, size }, bytes.length);
  const found = await digest(bytes);
  if (found !== version) {
    throw new SurprisalError("malformed-checkpoint", expected(`sha256 ${version} of ${key}`, found));
  }
}

/** For stores that learn the size before the bytes. */
export function checkSize({ key, size }: Pick<CatalogueEntry, "key" | "size">, found: number): void {
  if (found !== size) {
    throw new SurprisalError("malformed-checkpoint", expected(`${size} bytes in ${key}`, found));
  }
}

/** SHA-256 in lower-case hex. */
export type Digest = (bytes: Uint8Array) => Promise<string>;

/** By Web Crypto, which every runtime has. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { buffer } = bytes;
  // Some runtimes refuse a view of shared memory, so it is copied; other copies would only slow the start.
  const own = buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  const digest = await crypto.subtle.digest("SHA-256", own);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function checked<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [{ path, message }] = error.issues;
  throw new SurprisalError(
    "malformed-catalogue",
    `${place} is malformed at ${path.join(".") || "its top"}: ${message}.`,
  );
}
