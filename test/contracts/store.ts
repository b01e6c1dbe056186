/** What every CheckpointStore does, whatever it stands on. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { CATALOGUE_KEY, type CatalogueEntry, type CheckpointStore } from "../../src/store/store.ts";

export type StoredFiles = Record<string, Uint8Array | string>;

const encode = (text: string) => new TextEncoder().encode(text);
const file = encode("the bytes of a checkpoint");

export const entryFor = (bytes: Uint8Array, changes: Partial<CatalogueEntry> = {}): CatalogueEntry => ({
  id: "jsb/gru",
  version: createHash("sha256").update(bytes).digest("hex"),
  key: "jsb/gru.safetensors",
  size: bytes.length,
  set: "jsb",
  cell: "gru",
  units: 46,
  preset: "paper",
  metrics: { test: { micro: 8.5, macro: 8.6 } },
  ...changes,
});

const entryOfSet = (length: number) => entryFor(file, { id: `${"a".repeat(length)}/gru`, set: "a".repeat(length) });

/** @param storeWith makes a store that holds exactly these files. */
export function storeContract(storeWith: (files: StoredFiles) => Promise<CheckpointStore>): void {
  const storeOf = (...models: unknown[]) =>
    storeWith({ [CATALOGUE_KEY]: JSON.stringify({ models }), "jsb/gru.safetensors": file, "secret.txt": "secret" });

  test("lists the models of its catalogue", async () => {
    const entry = entryFor(file);
    expect((await (await storeOf(entry)).catalogue()).catalogue).toEqual({ models: [entry] });
  });

  test("lists a model of the longest id", async () => {
    const entry = entryOfSet(96);
    expect((await (await storeOf(entry)).catalogue()).catalogue).toEqual({ models: [entry] });
  });

  test("reads the file of an entry", async () => {
    const entry = entryFor(file);
    expect(new Uint8Array(await (await storeOf(entry)).read(entry))).toEqual(file);
  });

  test("says that there are no models when there is no catalogue", async () => {
    await expect((await storeWith({})).catalogue()).rejects.toMatchObject({ code: "no-models" });
  });

  test.each([
    ["not JSON", "{", "not JSON"],
    ["not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), "not JSON"],
    ["without models", "{}", "models"],
    ["of another version form", JSON.stringify({ models: [entryFor(file, { version: "abc" })] }), "models.0.version"],
    ["of a key above the folder", JSON.stringify({ models: [entryFor(file, { key: "../x" })] }), "models.0.key"],
    [
      "of a key inside .. on the way",
      JSON.stringify({ models: [entryFor(file, { key: "a/../../x" })] }),
      "models.0.key",
    ],
    ["of an absolute key", JSON.stringify({ models: [entryFor(file, { key: "/etc/passwd" })] }), "models.0.key"],
    ["of a file beyond the limit", JSON.stringify({ models: [entryFor(file, { size: 2 ** 40 })] }), "models.0.size"],
    ["of another cell's id", JSON.stringify({ models: [entryFor(file, { id: "jsb/lstm" })] }), "models.0.id"],
    ["of another preset's id", JSON.stringify({ models: [entryFor(file, { preset: "large" })] }), "models.0.id"],
    ["of a preset that no id has", JSON.stringify({ models: [entryFor(file, { preset: "../x" })] }), "models.0.preset"],
    ["of a set without end", JSON.stringify({ models: [entryOfSet(101)] }), "models.0.id"],
    ["of an id too long by its cell", JSON.stringify({ models: [entryOfSet(97)] }), "models.0.id"],
    ["of an id twice", JSON.stringify({ models: [entryFor(file), entryFor(file)] }), "models"],
  ])("refuses a catalogue %s", async (_, catalogue, where) => {
    const store = await storeWith({ [CATALOGUE_KEY]: catalogue });
    await expect(store.catalogue()).rejects.toMatchObject({
      code: "malformed-catalogue",
      message: expect.stringContaining(where),
    });
  });

  test("refuses a file of another length than the catalogue says", async () => {
    const entry = entryFor(file, { size: file.length + 1 });
    await expect((await storeOf(entry)).read(entry)).rejects.toMatchObject({
      code: "malformed-checkpoint",
      message: `Expected ${file.length + 1} bytes in jsb/gru.safetensors, got ${file.length}.`,
    });
  });

  test("refuses a file of other bytes than the catalogue says", async () => {
    const entry = entryFor(encode("the bytes of a chequepoin"));
    await expect((await storeOf(entry)).read(entry)).rejects.toMatchObject({
      code: "malformed-checkpoint",
      message: expect.stringMatching(/^Expected sha256 [0-9a-f]{64} of jsb\/gru\.safetensors, got [0-9a-f]{64}\.$/),
    });
  });

  test("says which file is not there", async () => {
    const entry = entryFor(file, { key: "jsb/other.safetensors" });
    await expect((await storeOf(entry)).read(entry)).rejects.toMatchObject({
      code: "malformed-catalogue",
      message: expect.stringContaining("jsb/other.safetensors"),
    });
  });

  test("reads nothing outside of itself, whatever an entry's key", async () => {
    const secret = encode("secret");
    for (const key of ["../secret.txt", "jsb/../secret.txt", "./secret.txt", "/etc/hostname", "..\\secret.txt", ""]) {
      const entry = entryFor(secret, { key });
      await expect((await storeOf()).read(entry)).rejects.toMatchObject({ code: "malformed-catalogue" });
    }
  });
}
