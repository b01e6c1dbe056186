/** What is fuzzed: for each kind of input, how it is made and what must hold of it. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { repairOggChecksums } from "../support/recordings.ts";
import { checkAnswer } from "./answers.ts";
import { bake, recipe, type Seed } from "./recipe.ts";
import { anyRequest, requestOf } from "./requests.ts";
import { anyStored, checkStored } from "./stored.ts";

export interface Target {
  /** A property that holds, of a program without faults. @param onRun called before each run */
  property(onRun: () => void): fc.IAsyncProperty<[unknown]>;
}

const target = <T>(arbitrary: fc.Arbitrary<T>, check: (input: T) => Promise<void>): Target => ({
  property: (onRun) =>
    fc.asyncProperty(arbitrary, (input) => {
      onRun();
      return check(input);
    }) as fc.IAsyncProperty<[unknown]>,
});

/** @param names of files and folders below test/fixtures */
function seedsOf(names: readonly string[], ending: RegExp, maxBytes = 2 ** 15): Seed[] {
  const root = new URL("../fixtures/", import.meta.url);
  return names.flatMap((name) =>
    readdirSync(new URL(`${name}/`, root))
      .filter((file) => ending.test(file))
      .sort()
      .map((file) => ({
        name: `${name}/${file}`,
        bytes: new Uint8Array(readFileSync(new URL(`${name}/${file}`, root))),
      }))
      .filter(({ bytes }) => bytes.length <= maxBytes),
  );
}

const MIDI = seedsOf(["midi", "midi/kinds", "chorales"], /\.(midi?|rmi|gz)$/);
const AUDIO = seedsOf(["audio", "audio/forms"], /\.(wav|w64|aiff|aifc|flac|mp3|oga|ogg|opus|webm|mp4|m4a|aac)$/);

const PATHS = [
  "/v1/score",
  "/v1/score?detail=frames",
  "/v1/predict?steps=3&seed=1",
  "/v1/predict?steps=2&temperature=0.01",
];
const OF_MUSIC = [
  "/v1/score?detail=notes",
  "/v1/score?detail=comparison",
  "/v1/score?framesPerQuarter=7&transpose=3",
  "/v1/score?pedal=true",
];

/** A file sent as it is. @param repair gives what was changed the checksums that it should have, now and then */
const fileTarget = (
  seeds: readonly Seed[],
  paths: readonly string[],
  type: string,
  repair = (bytes: Uint8Array): Uint8Array => bytes,
) =>
  target(
    fc.record({ path: fc.constantFrom(...paths), recipe: recipe(seeds), isRepaired: fc.boolean() }),
    async ({ path, recipe, isRepaired }) => {
      const bytes = bake(seeds, recipe);
      const body = isRepaired ? Uint8Array.from(repair(bytes)) : bytes;
      const url = new URL(path, "http://localhost");
      try {
        await checkAnswer(new Request(url, { method: "POST", headers: { "Content-Type": type }, body }));
      } catch (cause) {
        throw new Error(`${seeds[recipe.seed].name}, changed to these bytes: ${base64(body)}`, { cause });
      }
    },
  );

const base64 = (bytes: Uint8Array) =>
  bytes.length > 20_000 ? `(${bytes.length} of them)` : Buffer.from(bytes).toString("base64");

export const TARGETS = {
  midi: fileTarget(MIDI, [...PATHS, ...OF_MUSIC], "audio/midi"),
  audio: fileTarget(AUDIO, PATHS, "application/octet-stream", repairOggChecksums),
  json: target(anyRequest({ midi: MIDI, audio: AUDIO }), async (input) => {
    await checkAnswer(requestOf(input));
  }),
  store: target(anyStored, checkStored),
} as const satisfies Record<string, Target>;
