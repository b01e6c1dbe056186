/**
 * Where checkpoints come from: a catalogue, and one immutable file behind each of its entries. Folders, S3 and R2 stand
 * behind the same interface; test/contracts/store.ts holds each to it.
 */
import { z } from "zod";
import { CELLS, modelId } from "../checkpoint.ts";
import { SurprisalError } from "../errors.ts";

export const CATALOGUE_KEY = "catalogue.json";

const LARGEST_FILE_BYTES = 2 ** 26; // 100 times the largest model of the paper

/** Of an id and of what it is made of, in characters of one byte: a state token has one byte for the length of an id. */
const LONGEST_NAME = 100;

const name = z
  .string()
  .max(LONGEST_NAME)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/);

const measured = z.object({ micro: z.number(), macro: z.number() }); // NLL in nats per frame

const catalogueEntry = z
  .object({
    id: z.string().max(LONGEST_NAME), // see modelId
    version: z.string().regex(/^[0-9a-f]{64}$/), // sha256 of the file
    key: z.string().regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/), // relative; no segment can be ".."
    size: z.int().min(1).max(LARGEST_FILE_BYTES), // bytes
    set: name,
    cell: z.enum(CELLS),
    units: z.int().min(1),
    preset: name,
    metrics: z.object({ valid: measured.optional(), test: measured.optional() }),
  })
  .refine((entry) => entry.id === modelId(entry), { path: ["id"], error: "wanted that of its set, cell and preset" });

const catalogue = z.object({
  models: z
    .array(catalogueEntry)
    .refine((models) => new Set(models.map(({ id }) => id)).size === models.length, "wanted each id once"),
});

export type CatalogueEntry = z.infer<typeof catalogueEntry>;
export type Catalogue = z.infer<typeof catalogue>;

export interface CheckpointStore {
  /**
   * The models on offer.
   * @throws SurprisalError `no-models` when there is no catalogue, `malformed-catalogue` when it is damaged.
   */
  catalogue(): Promise<Catalogue>;
  /**
   * The checkpoint file of an entry, of the entry's size and sha256.
   * @throws SurprisalError `malformed-catalogue` when there is no such file, `malformed-checkpoint` when it is another.
   */
  read(entry: CatalogueEntry): Promise<Uint8Array>;
}

/** @throws SurprisalError `malformed-catalogue` when the bytes are not a catalogue. */
export function parseCatalogue(bytes: Uint8Array): Catalogue {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SurprisalError("malformed-catalogue", `${CATALOGUE_KEY} is not JSON.`, { cause });
  }
  return checked(catalogue, json, CATALOGUE_KEY);
}

/**
 * The entry as the schema has it, for those who make one.
 * @throws SurprisalError `malformed-catalogue` when it is not an entry.
 */
export const checkEntry = (entry: CatalogueEntry): CatalogueEntry =>
  checked(catalogueEntry, entry, `The catalogue's entry ${entry.id}`);

/** The file of a catalogue: equal catalogues give equal bytes. */
export function writeCatalogue({ models }: Catalogue): string {
  const sorted = models.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((entry) => checkEntry(entry));
  return `${JSON.stringify({ models: sorted }, null, 2)}\n`;
}

/** @throws SurprisalError `malformed-checkpoint` when the bytes are not those that the entry names. */
export async function checkFile({ key, size, version }: CatalogueEntry, bytes: Uint8Array): Promise<void> {
  checkSize({ key, size }, bytes.length);
  const found = await sha256(bytes);
  if (found !== version) {
    throw new SurprisalError("malformed-checkpoint", `${key} has sha256 ${found}; wanted ${version}.`);
  }
}

/** For stores that learn the size before the bytes. */
export function checkSize({ key, size }: Pick<CatalogueEntry, "key" | "size">, found: number): void {
  if (found !== size) {
    throw new SurprisalError("malformed-checkpoint", `${key} has ${found} bytes; wanted ${size}.`);
  }
}

/** Lower-case hex. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // Without the copy a view of shared memory would be refused, by the types and by some runtimes.
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
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
