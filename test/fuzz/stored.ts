/** Checkpoints and catalogues that are wrong in places: each is read, or refused by an error of its own. */
import fc from "fast-check";
import { SurprisalError } from "../../src/errors.ts";
import { CELLS } from "../../src/kernel/config.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/model/checkpoint.ts";
import { networkOf } from "../../src/model/model.ts";
import { tryNetwork } from "../../src/model/trial.ts";
import { openFiles } from "../../src/store/release.ts";
import { parseCatalogue, writeCatalogue } from "../../src/store/store.ts";
import { entryFor } from "../contracts/store.ts";
import { randomCheckpoint, randomSpeechNetwork } from "../support/models.ts";
import { kernelModule } from "../support/wasm.ts";
import { bake, recipe, type Seed } from "./recipe.ts";

const CHECKPOINTS: readonly Seed[] = CELLS.flatMap((cell) => [
  { name: cell, bytes: writeCheckpoint(randomCheckpoint({ set: "jsb", cell, units: 3, pitches: 5 })) },
  {
    name: `${cell} with NADE`,
    bytes: writeCheckpoint(randomCheckpoint({ set: "jsb", cell, units: 3, pitches: 5, hidden: 2 })),
  },
  { name: `${cell} of speech`, bytes: writeCheckpoint(randomSpeechNetwork({ cell, units: 3 }).checkpoint) },
]);

const FILES = new Map(
  CELLS.map((cell) => [cell, writeCheckpoint(randomCheckpoint({ set: "jsb", cell, units: 3, pitches: 5 }))]),
);
const ENTRIES = [...FILES].map(([cell, bytes]) =>
  entryFor(bytes, { id: `jsb/${cell}`, key: `jsb/${cell}.safetensors`, cell, units: 3 }),
);
const CATALOGUE: Seed = { name: "catalogue", bytes: new TextEncoder().encode(writeCatalogue({ models: ENTRIES })) };

/** A catalogue one of whose fields, or which itself, is something else. */
const wrongCatalogue = fc
  .tuple(
    fc.nat(ENTRIES.length),
    fc.constantFrom(...Object.keys(ENTRIES[0]), "__proto__", "other"),
    fc.jsonValue({ maxDepth: 2 }),
  )
  .map(([index, field, value]) => {
    if (index === ENTRIES.length)
      return JSON.stringify(field === "other" ? value : { [field]: value, models: ENTRIES });
    return JSON.stringify({ models: ENTRIES.with(index, { ...ENTRIES[index], [field]: value }) });
  });

export const anyStored = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), recipe: recipe(CHECKPOINTS, 4) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("damaged catalogue" as const), recipe: recipe([CATALOGUE], 3) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wrong catalogue" as const), text: wrongCatalogue }) },
);
type Stored = typeof anyStored extends fc.Arbitrary<infer T> ? T : never;

/** @throws whatever is no SurprisalError of the expected code */
export async function checkStored(stored: Stored): Promise<void> {
  if (stored.kind === "checkpoint") return checkCheckpoint(bake(CHECKPOINTS, stored.recipe));
  return checkCatalogue(
    stored.kind === "wrong catalogue" ? new TextEncoder().encode(stored.text) : bake([CATALOGUE], stored.recipe),
  );
}

async function checkCheckpoint(bytes: Uint8Array): Promise<void> {
  try {
    const network = networkOf(readCheckpoint(bytes), "0".repeat(64), kernelModule);
    await tryNetwork(network, kernelModule);
  } catch (error) {
    if (!(error instanceof SurprisalError && error.code === "malformed-checkpoint")) throw error;
  }
}

async function checkCatalogue(bytes: Uint8Array): Promise<void> {
  try {
    const catalogue = parseCatalogue(bytes);
    parseCatalogue(new TextEncoder().encode(writeCatalogue(catalogue)));
    const { models: entries } = catalogue;
    const files = new Map(
      entries.flatMap((entry) => (FILES.get(entry.cell) ? [[entry.version, FILES.get(entry.cell) as Uint8Array]] : [])),
    );
    if (entries.length === 0) return;
    const release = openFiles({ etag: "", catalogue, files }, kernelModule);
    await release.readAll();
    for (const { error } of release.failures()) if (!(error instanceof SurprisalError)) throw error;
  } catch (error) {
    if (!(error instanceof SurprisalError && error.code === "malformed-catalogue")) throw error;
  }
}
